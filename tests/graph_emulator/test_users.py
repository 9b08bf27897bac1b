"""Users of the directory: what they have, who may see it, who manages whom."""

from __future__ import annotations

import pytest
from requests import ConnectionError as LostConnection

from dev.graph import Fault
from tests.graph_emulator.bench import HELP, TENANT, Bench

EVENTUAL = {"ConsistencyLevel": "eventual"}
ADA = "ada@contoso.com"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.directory.add_user(
        ADA,
        displayName="Ada Lovelace",
        department="Engines",
        usageLocation="GB",
        otherMails=["ada@home.example"],
        onPremisesExtensionAttributes={"extensionAttribute1": "blue"},
        signInActivity={"lastSignInDateTime": "2026-11-01T08:00:00Z"},
    )
    return bench


def test_a_user_has_what_was_set_and_null_for_the_rest(bench: Bench) -> None:
    names = "id,displayName,department,faxNumber,otherMails,businessPhones,onPremisesExtensionAttributes"
    found = bench.json(f"users/{ADA}?$select={names}")
    assert found["department"] == "Engines"
    assert found["onPremisesExtensionAttributes"] == {"extensionAttribute1": "blue"}
    assert (found["faxNumber"], found["businessPhones"], found["otherMails"]) == (None, [], ["ada@home.example"])
    assert len(bench.json(f"users/{ADA}")) == 12, "eleven by default, and the context"


def test_mailboxes_are_users_of_the_directory(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, ADA)
    assert {row["userPrincipalName"] for row in bench.rows("users")} == {HELP, ADA}
    assert bench.get(f"users/{ADA}/messages").status_code == 200
    bench.directory.add_user("no.mail@contoso.com")
    assert bench.refused("GET", "users/no.mail@contoso.com/messages") == (404, "MailboxNotEnabledForRESTAPI")


def test_a_mailbox_goes_with_the_name_of_its_user(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, ADA)
    bench.directory.change(ADA, userPrincipalName="countess@contoso.com")
    assert bench.get("users/countess@contoso.com/messages").status_code == 200
    assert bench.refused("GET", f"users/{ADA}/messages") == (404, "ErrorInvalidUser")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("department eq 'engines'", 1),
        ("usageLocation eq 'GB' and userType eq 'Member'", 1),
        ("createdDateTime ge 2000-01-01T00:00:00Z", 2),
        ("department eq null", 1),
        ("startswith(userPrincipalName,'ad')", 1),
    ],
)
def test_filters(bench: Bench, condition: str, found: int) -> None:
    assert len(bench.rows(f"users?$filter={condition}")) == found


def test_pages_neither_skip_nor_repeat_when_somebody_leaves_between_them(bench: Bench) -> None:
    ids = [bench.directory.add_user(f"u{number}@contoso.com").id for number in range(6)]
    first = bench.json("users?$top=4")
    bench.directory.delete(ids[0])
    bench.directory.add_user("late@contoso.com")
    second = bench.json(first["@odata.nextLink"])
    names = [row["userPrincipalName"] for row in first["value"] + second["value"]]
    assert names[2:] == [f"u{number}@contoso.com" for number in range(6)]
    third = bench.json(second["@odata.nextLink"])
    assert [row["userPrincipalName"] for row in third["value"]] == ["late@contoso.com"]


def test_the_count_needs_the_header(bench: Bench) -> None:
    assert bench.refused("GET", "users/$count") == (400, "Request_BadRequest")
    assert bench.get("users/$count", EVENTUAL).text == "2"
    assert bench.get("users/$count?$filter=department eq 'Engines'", EVENTUAL).text == "1"


def test_managers(bench: Bench) -> None:
    grace = bench.directory.add_user("grace@contoso.com", displayName="Grace")
    assert bench.refused("GET", f"users/{ADA}/manager") == (404, "Request_ResourceNotFound")
    assert "manager" not in bench.json(f"users/{ADA}?$expand=manager")
    bench.directory.set_manager(ADA, grace.id)
    found = bench.json(f"users/{ADA}/manager?$select=id")
    assert (found["@odata.type"], found["id"]) == ("#microsoft.graph.user", grace.id)
    rows = bench.rows("users?$select=displayName&$expand=manager($select=id)")
    assert [row.get("manager", {}).get("id") for row in rows] == [None, grace.id, None]
    bench.directory.delete(grace.id)
    assert bench.refused("GET", f"users/{ADA}/manager") == (404, "Request_ResourceNotFound")


def test_people_may_manage_themselves_and_each_other(bench: Bench) -> None:
    bench.directory.set_manager(ADA, ADA)
    assert bench.json(f"users/{ADA}/manager")["userPrincipalName"] == ADA


def test_an_agent_is_of_a_derived_type(bench: Bench) -> None:
    bench.directory.add_user("bot@contoso.com", type_name="agentUser")
    assert bench.json("users/bot@contoso.com")["@odata.type"] == "#microsoft.graph.agentUser"
    assert [row.get("@odata.type") for row in bench.rows("users")] == [None, None, "#microsoft.graph.agentUser"]


def test_the_basic_permission_shows_the_basic_profile_only(bench: Bench) -> None:
    bench.grant("User.ReadBasic.All")
    found = bench.json(f"users/{ADA}?$select=id,displayName,mail,department,usageLocation,otherMails,accountEnabled")
    assert (found["displayName"], found["mail"]) == ("Ada Lovelace", ADA)
    assert (found["department"], found["usageLocation"], found["otherMails"]) == (None, None, [])
    assert found["accountEnabled"] is None
    assert bench.refused("GET", "users?$filter=department eq 'x'") == (403, "Authorization_RequestDenied")
    assert len(bench.rows("users?$filter=startswith(displayName,'Ada')")) == 1


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("GET", "users", "User.ReadBasic.All"),
        ("GET", "users/delta", "User.Read.All"),
        ("GET", f"users/{ADA}/manager", "User.Read.All"),
        ("PATCH", f"users/{ADA}", "User.ReadWrite.All"),
        ("DELETE", f"users/{ADA}", "User.ReadWrite.All"),
    ],
)
def test_permissions(bench: Bench, method: str, path: str, least: str) -> None:
    bench.grant("Mail.Read", "Group.Read.All")
    body = {"jobTitle": "Countess"} if method == "PATCH" else None
    assert bench.refused(method, path, body) == (403, "Authorization_RequestDenied")
    bench.grant(least)
    assert bench.call(method, path, body).status_code in (200, 204, 404)


def test_sign_ins_need_the_permission_for_the_log(bench: Bench) -> None:
    path = "users?$select=id,signInActivity&$top=500"
    assert bench.refused("GET", path) == (403, "Authorization_RequestDenied")
    bench.grant("User.Read.All", "AuditLog.Read.All")
    shown = [row["signInActivity"] for row in bench.rows(path)]
    assert shown == [None, {"lastSignInDateTime": "2026-11-01T08:00:00Z"}]
    assert bench.refused("GET", "users?$select=signInActivity&$top=501") == (400, "BadRequest")


def test_what_is_not_in_the_main_store_is_not_in_a_list(bench: Bench) -> None:
    assert bench.refused("GET", "users?$select=mailboxSettings") == (501, "NotImplemented")


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"usageLocation": "FR", "jobTitle": None}, (204, "")),
        ({"usageLocation": "France"}, (400, "Request_BadRequest")),
        ({"displayName": ""}, (400, "Request_BadRequest")),
        ({"shoeSize": 40}, (400, "Request_BadRequest")),
        ({"assignedLicenses": []}, (400, "Request_BadRequest")),
    ],
)
def test_changes(bench: Bench, body: dict[str, object], answer: tuple[int, str]) -> None:
    bench.grant("User.ReadWrite.All")
    if answer[0] == 204:
        assert bench.call("PATCH", f"users/{ADA}", body).status_code == 204
        assert bench.json(f"users/{ADA}?$select=usageLocation,jobTitle").items() >= body.items()
    else:
        assert bench.refused("PATCH", f"users/{ADA}", body) == answer
        assert bench.json(f"users/{ADA}?$select=usageLocation")["usageLocation"] == "GB"


def test_what_comes_from_active_directory_is_changed_there(bench: Bench) -> None:
    bench.grant("User.ReadWrite.All")
    bench.directory.change(ADA, onPremisesSyncEnabled=True)
    assert bench.refused("PATCH", f"users/{ADA}", {"jobTitle": "Countess"}) == (400, "Request_BadRequest")
    assert bench.call("PATCH", f"users/{ADA}", {"usageLocation": "FR"}).status_code == 204


def test_the_bin(bench: Bench) -> None:
    bench.grant("User.ReadWrite.All")
    key = bench.json(f"users/{ADA}")["id"]
    assert bench.call("DELETE", f"users/{ADA}").status_code == 204
    assert bench.refused("GET", f"users/{key}") == (404, "Request_ResourceNotFound")
    found = bench.json(f"directory/deletedItems/{key}")
    assert found["@odata.type"] == "#microsoft.graph.user"
    assert found["userPrincipalName"] == key.replace("-", "") + ADA
    rows = bench.rows("directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime")
    assert [row["id"] for row in rows] == [key]
    assert rows[0]["deletedDateTime"]
    assert bench.call("POST", f"directory/deletedItems/{key}/restore").json()["userPrincipalName"] == ADA
    assert bench.json(f"users/{ADA}?$select=id,department") | {"id": key} == bench.json(
        f"users/{key}?$select=id,department"
    ) | {"@odata.context": bench.json(f"users/{ADA}?$select=id,department")["@odata.context"]}
    bench.call("DELETE", f"users/{key}")
    assert bench.call("DELETE", f"directory/deletedItems/{key}").status_code == 204
    assert bench.refused("POST", f"directory/deletedItems/{key}/restore") == (404, "Request_ResourceNotFound")


def test_after_thirty_days_it_is_gone(bench: Bench) -> None:
    key = bench.directory.delete(ADA).id
    bench.emulator.clock.advance(30 * 86_400)
    assert bench.refused("GET", f"directory/deletedItems/{key}") == (404, "Request_ResourceNotFound")


def test_a_namesake_is_somebody_else_and_bars_the_way_back(bench: Bench) -> None:
    bench.grant("User.ReadWrite.All")
    old = bench.directory.delete(ADA)
    new = bench.directory.add_user(ADA)
    assert new.id != old.id
    assert bench.refused("POST", f"directory/deletedItems/{old.id}/restore") == (400, "Request_BadRequest")
    bench.directory.change(ADA, userPrincipalName="other@contoso.com")
    assert bench.call("POST", f"directory/deletedItems/{old.id}/restore").status_code == 200


def test_a_list_can_be_empty_lose_a_page_or_never_end(bench: Bench) -> None:
    bench.directory.add_user("u@contoso.com")
    fault = bench.emulator.faults.add(Fault(kind="no_rows", path="/users", times=1))
    assert bench.json("users?$top=1")["value"] == []
    assert fault.struck == 1
    bench.emulator.faults.add(Fault(kind="lost_page", path="skiptoken", times=1))
    url, sizes = "users?$top=1", []
    while url:
        body = bench.json(url)
        sizes.append(len(body["value"]))
        url = body.get("@odata.nextLink", "")
    assert sizes == [1, 0, 1]
    bench.emulator.faults.add(Fault(kind="endless_list"))
    url = "users?$top=1"
    for _ in range(5):
        url = bench.json(url)["@odata.nextLink"]


def test_an_answer_is_lost_after_the_deed(bench: Bench) -> None:
    bench.grant("User.ReadWrite.All")
    bench.emulator.faults.add(Fault(kind="lost_answer", method="PATCH", times=1))
    with pytest.raises(LostConnection):
        bench.call("PATCH", f"users/{ADA}", {"jobTitle": "Countess"})
    assert bench.json(f"users/{ADA}")["jobTitle"] == "Countess"
