"""Users and folders."""

from __future__ import annotations

import pytest

from tests.graph_emulator.bench import HELP, TENANT, Bench

USER = f"users/{HELP}"
EVENTUAL = {"ConsistencyLevel": "eventual"}


def test_users_are_listed_in_pages(bench: Bench) -> None:
    for number in range(7):
        bench.emulator.add_mailbox(TENANT, f"u{number}@contoso.com", display_name=f"U {number}")
    first = bench.json("users?$top=5&$select=id,displayName")
    second = bench.json(first["@odata.nextLink"])
    assert "$skiptoken=" in first["@odata.nextLink"]
    assert [len(first["value"]), len(second["value"])] == [5, 3]
    assert "@odata.nextLink" not in second
    assert {frozenset(row) for row in first["value"]} == {frozenset({"id", "displayName"})}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (f"mail eq '{HELP}'", 1),
        ("userPrincipalName eq 'HELP@CONTOSO.COM'", 1),
        ("startswith(displayName,'help')", 1),
        ("startswith(displayName,'x') or accountEnabled eq false", 1),
        ("displayName eq 'Help Desk' and accountEnabled eq true", 0),
        ("displayName eq 'O''Hara'", 0),
    ],
)
def test_users_are_filtered(bench: Bench, condition: str, found: int) -> None:
    assert len(bench.rows(f"users?$filter={condition}")) == found


def test_a_user_is_found_by_id_and_by_name(bench: Bench) -> None:
    assert bench.json(f"users/{bench.user.id}")["mail"] == HELP
    assert bench.json(f"users/{HELP.upper()}")["id"] == bench.user.id
    assert bench.refused("GET", "users/nobody@contoso.com") == (404, "Request_ResourceNotFound")


def test_queries_of_the_directory_that_need_more_are_refused(bench: Bench) -> None:
    assert bench.refused("GET", "users?$count=true") == (400, "Request_UnsupportedQuery")
    assert bench.json("users?$count=true", EVENTUAL)["@odata.count"] == 1
    assert bench.refused("GET", "users?$filter=mail ne 'x'") == (400, "Request_UnsupportedQuery")
    assert bench.refused("GET", "users?$top=1000") == (400, "BadRequest")
    assert bench.refused("GET", "users?$select=shoeSize") == (400, "RequestBroker--ParseUri")


def test_mail_of_people_without_a_mailbox(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "guest@fabrikam.com", kind="guest")
    assert bench.refused("GET", "users/guest@fabrikam.com/messages") == (404, "MailboxNotEnabledForRESTAPI")
    assert bench.refused("GET", "users/nobody@contoso.com/mailFolders") == (404, "ErrorInvalidUser")


def test_folders_come_ten_a_page_and_have_counts(bench: Bench) -> None:
    for number in range(4):
        assert bench.call("POST", f"{USER}/mailFolders", {"displayName": f"Folder {number}"}).status_code == 201
    first = bench.json(f"{USER}/mailFolders")
    rest = bench.json(first["@odata.nextLink"])
    assert [len(first["value"]), len(rest["value"])] == [10, 2]
    bench.deliver(3)
    bench.emulator.mark_read(HELP, bench.emulator.messages(HELP)[0].immutable_id)
    inbox = bench.json(f"{USER}/mailFolders/inbox")
    assert (inbox["totalItemCount"], inbox["unreadItemCount"]) == (3, 2)
    assert bench.json(f"{USER}/mailFolders('INBOX')")["id"] == inbox["id"]
    assert bench.json(f"{USER}/mailFolders/{inbox['id']}")["displayName"] == "Inbox"


def test_a_folder_is_found_by_its_name(bench: Bench) -> None:
    bench.call("POST", f"{USER}/mailFolders", {"displayName": "Tickets & more"})
    found = bench.rows(f"{USER}/mailFolders?$filter=displayName eq 'tickets %26 more'&$select=displayName")
    assert [row["displayName"] for row in found] == ["Tickets & more"]
    assert bench.rows(f"{USER}/mailFolders?$filter=displayName eq 'other'") == []


def test_child_folders(bench: Bench) -> None:
    made = bench.call("POST", f"{USER}/mailFolders/inbox/childFolders", {"displayName": "Done"})
    assert made.status_code == 201
    assert [row["id"] for row in bench.rows(f"{USER}/mailFolders/inbox/childFolders")] == [made.json()["id"]]
    assert bench.json(f"{USER}/mailFolders/inbox")["childFolderCount"] == 1
    assert made.json()["parentFolderId"] == bench.json(f"{USER}/mailFolders/inbox")["id"]
    renamed = bench.call("PATCH", f"{USER}/mailFolders/{made.json()['id']}", {"displayName": "Finished"})
    assert (renamed.status_code, renamed.json()["displayName"]) == (200, "Finished")


def test_folders_that_graph_refuses(bench: Bench) -> None:
    path = f"{USER}/mailFolders"
    bench.call("POST", path, {"displayName": "Processed"})
    assert bench.refused("POST", path, {"displayName": "PROCESSED"}) == (409, "ErrorFolderExists")
    assert bench.refused("POST", path, {"displayName": " "}) == (400, "ErrorInvalidArgument")
    assert bench.refused("POST", path, {"displayName": "x", "colour": 1}) == (400, "RequestBodyRead")
    assert bench.refused("GET", f"{path}/Processed") == (400, "ErrorInvalidIdMalformed")
    assert bench.refused("GET", f"{path}/clutter") == (404, "ErrorItemNotFound")
    assert bench.refused("GET", f"{path}/{'AAMk' + 'A' * 115}=") == (404, "ErrorItemNotFound")
    assert bench.refused("PATCH", f"{path}/inbox", {"displayName": "x"}) == (400, "ErrorCannotUpdateObject")
    assert bench.refused("GET", f"{path}?$filter=colour eq 'x'") == (400, "BadRequest")


def test_hidden_folders_are_listed_on_demand(bench: Bench) -> None:
    names = {row["displayName"] for row in bench.rows(f"{USER}/mailFolders?$top=50")}
    hidden = {row["displayName"] for row in bench.rows(f"{USER}/mailFolders?$top=50&includeHiddenFolders=true")}
    assert hidden - names == {"Deletions"}


def test_looking_does_not_make_a_folder(bench: Bench) -> None:
    assert bench.emulator.messages(HELP, "Nowhere") == []
    assert "Nowhere" not in bench.emulator.folders(HELP)


def test_unknown_paths_methods_and_options(bench: Bench) -> None:
    assert bench.refused("GET", "teapots") == (400, "BadRequest")
    assert bench.refused("PUT", "users") == (405, "Request_BadRequest")
    assert bench.refused("GET", "users?top=3") == (400, "BadRequest")
    assert bench.refused("GET", "users?$top=1&$top=2") == (400, "BadRequest")
    assert bench.refused("GET", "users?$search=x") == (501, "notImplemented")
    answer = bench.session.post(
        f"https://graph.microsoft.com/v1.0/{USER}/mailFolders",
        data=b"{",
        headers={"Authorization": f"Bearer {bench.token}", "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
