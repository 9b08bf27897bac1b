"""Mailboxes through the API: set up, changed, fetched from."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from tests.api.storage_dump import dump
from tests.api.structure import make
from tests.world import SUPPORT, TENANT, World, mail


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    return world


@pytest.mark.requirement("MAIL-1")
def test_a_mailbox_is_set_up_listed_and_read(desk: World) -> None:
    desk.emulator.add_mailbox(TENANT, SUPPORT, display_name="Support", kind="shared")
    answer = desk.api("POST", "/mailboxes", {"connection_id": "contoso", "address": "Support@Contoso.com"})
    made = answer.json()
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/v1/mailboxes/{made['mailbox_id']}"
    assert (made["address"], made["name"], made["folder"], made["method"]) == (SUPPORT, SUPPORT, "inbox", "webhook")
    assert (made["disposal"], made["done_folder"], made["priority"]) == ("move", "Processed", "normal")
    assert desk.get("/mailboxes")["items"] == [made]
    shown = desk.get(f"/mailboxes/{made['mailbox_id']}")
    assert shown["progress"]["last_success_at"] is None
    assert {name: shown[name] for name in made} == made


@pytest.mark.requirement("MAIL-1", "OPS-1")
def test_a_new_mailbox_is_read_and_watched_at_once(desk: World) -> None:
    desk.emulator.add_mailbox(TENANT, SUPPORT, display_name="Support", kind="shared")
    desk.emulator.deliver(SUPPORT, mail())
    desk.api("POST", "/mailboxes", {"connection_id": "contoso", "address": SUPPORT})
    desk.settle()
    assert len(desk.tickets()) == 1
    [subscription] = desk.get("/subscriptions")["items"]
    assert subscription["state"] == "active"
    assert subscription["expires_at"]


@pytest.mark.requirement("OPS-1")
def test_a_mailbox_that_is_switched_off_loses_its_subscription_and_gets_it_back(desk: World) -> None:
    mailbox = desk.add_mailbox()
    desk.settle()
    for change, watched in (({"enabled": False}, 0), ({"enabled": True}, 1), ({"method": "scan"}, 0)):
        assert desk.api("PATCH", f"/mailboxes/{mailbox}", change).status == 200
        desk.settle()
        assert len(desk.emulator.subscriptions()) == watched


def test_a_change_changes_what_it_names_and_nothing_else(desk: World) -> None:
    team = make(desk, "teams", name="First line")["team_id"]
    mailbox = desk.add_mailbox(team=team, priority="high")
    before = desk.get(f"/mailboxes/{mailbox}")
    changed = desk.api("PATCH", f"/mailboxes/{mailbox}", {"team": "", "name": "Front door"})
    assert changed.status == 200
    after = desk.get(f"/mailboxes/{mailbox}")
    assert after == {**before, "team": "", "name": "Front door"}
    assert desk.get("/mailboxes")["items"] == [changed.json()]


@pytest.mark.requirement("DESK-3")
def test_tickets_begin_with_the_team_and_the_site_of_their_mailbox(desk: World) -> None:
    team = make(desk, "teams", name="First line")["team_id"]
    organization = make(desk, "organizations", name="Contoso")["organization_id"]
    site = make(desk, "sites", organization_id=organization, name="Leeds")["site_id"]
    desk.add_mailbox(method="scan", team=team, site=site)
    desk.emulator.deliver(SUPPORT, mail("One"))
    desk.scan()
    found = desk.ticket(1)
    assert (found["team"], found["team_name"], found["site"], found["site_name"]) == (team, "First line", site, "Leeds")


@pytest.mark.requirement("DESK-3")
@pytest.mark.parametrize("field", ["team", "site"])
def test_a_team_or_a_site_that_is_not_there_is_refused(desk: World, azurite: Azurite, field: str) -> None:
    mailbox = desk.add_mailbox()
    before = dump(azurite, desk)
    made = desk.api("POST", "/mailboxes", {"connection_id": "contoso", "address": "b@contoso.com", field: "nobody"})
    changed = desk.api("PATCH", f"/mailboxes/{mailbox}", {field: "nobody"})
    assert [(each.status, each.json()["fields"][0]["field"]) for each in (made, changed)] == [(422, field)] * 2
    assert dump(azurite, desk) == before


@pytest.mark.requirement("DESK-3")
def test_a_team_that_rests_is_not_chosen_and_one_that_rests_since_stays(desk: World) -> None:
    team = make(desk, "teams", name="First line")["team_id"]
    mailbox = desk.add_mailbox(team=team)
    assert desk.api("PATCH", f"/teams/{team}", {"active": False}).status == 200
    assert desk.api("PATCH", f"/mailboxes/{mailbox}", {"team": team}).status == 422
    assert desk.api("PATCH", f"/mailboxes/{mailbox}", {"priority": "high"}).json()["team"] == team


@pytest.mark.requirement("MAIL-7")
def test_another_folder_for_taken_mail_is_used_from_then_on(desk: World) -> None:
    mailbox = desk.add_mailbox(method="scan")
    desk.emulator.deliver(SUPPORT, mail("One"))
    desk.scan()
    assert desk.api("PATCH", f"/mailboxes/{mailbox}", {"done_folder": "Done"}).status == 200
    desk.emulator.deliver(SUPPORT, mail("Two"))
    desk.scan()
    assert len(desk.emulator.messages(SUPPORT, "Processed")) == 1
    assert len(desk.emulator.messages(SUPPORT, "Done")) == 1


@pytest.mark.requirement("MAIL-2")
def test_mail_is_fetched_on_demand(desk: World) -> None:
    mailbox = desk.add_mailbox(method="scan")
    desk.settle()
    desk.emulator.deliver(SUPPORT, mail())
    assert desk.api("POST", f"/mailboxes/{mailbox}/fetch").status == 202
    desk.settle()
    assert len(desk.tickets()) == 1


def test_a_mailbox_that_is_switched_off_is_not_fetched_from(desk: World) -> None:
    mailbox = desk.add_mailbox(enabled=False)
    assert desk.api("POST", f"/mailboxes/{mailbox}/fetch").status == 409


def test_the_same_mailbox_is_not_set_up_twice(desk: World, azurite: Azurite) -> None:
    desk.add_mailbox()
    before = dump(azurite, desk)
    answer = desk.api("POST", "/mailboxes", {"connection_id": "contoso", "address": SUPPORT.upper()})
    assert answer.status == 409
    assert desk.get("/mailboxes")["items"][0]["mailbox_id"] in answer.json()["cure"]
    assert _without_record(dump(azurite, desk)) == _without_record(before)
    other = desk.api("POST", "/mailboxes", {"connection_id": "contoso", "address": SUPPORT, "folder": "archive"})
    assert other.status == 201


WRONG: list[tuple[str, Any]] = [
    ("connection_id", "nowhere"),
    ("connection_id", "!all"),
    ("connection_id", "../x"),
    ("address", "support"),
    ("address", "a@b"),
    ("address", "a b@contoso.com"),
    ("address", "a/b@contoso.com"),
    ("address", "support@contoso.com\n"),
    ("address", "x" * 300 + "@contoso.com"),
    ("address", "' or 1 eq 1@contoso.com"),
    ("folder", "in/box"),
    ("folder", "inbox')/messages"),
    ("folder", "x" * 401),
    ("created_at", "2020-01-01T00:00:00Z"),
    ("mailbox_id", "!all"),
]
WRONG_TO_CHANGE: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "x" * 101),
    ("name", 1),
    ("method", "push"),
    ("method", None),
    ("disposal", "burn"),
    ("done_folder", ""),
    ("done_folder", "x" * 256),
    ("done_folder", "a\x00b"),
    ("done_folder", "inbox"),
    ("done_folder", "Inbox"),
    ("enabled", "yes"),
    ("enabled", 1),
    ("priority", "now"),
    ("type", ""),
    ("team", "a\r\nb"),
    ("team", {"a": 1}),
    ("site", "x" * 101),
    ("site", 10**400),
    ("__class__", "x"),
]


@pytest.mark.parametrize(("field", "value"), [*WRONG, *WRONG_TO_CHANGE])
def test_a_wrong_value_is_named_and_nothing_is_stored(desk: World, azurite: Azurite, field: str, value: Any) -> None:
    before = dump(azurite, desk)
    body = {"connection_id": "contoso", "address": SUPPORT, field: value}
    answer = desk.api("POST", "/mailboxes", body)
    assert answer.status == 422, answer.body
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert dump(azurite, desk) == before


@pytest.mark.requirement("MAIL-1")
def test_a_wrong_change_is_named_and_nothing_is_changed(desk: World, azurite: Azurite) -> None:
    mailbox = desk.add_mailbox()
    before = dump(azurite, desk)
    unchangeable = [("address", "other@contoso.com"), ("folder", "archive"), ("connection_id", "contoso")]
    for field, value in [*WRONG_TO_CHANGE, *unchangeable]:
        answer = desk.api("PATCH", f"/mailboxes/{mailbox}", {field: value})
        assert answer.status == 422, (field, value)
        assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert desk.api("PATCH", f"/mailboxes/{mailbox}", {}).json()["fields"][0]["field"] == "body"
    assert dump(azurite, desk) == before


def test_mail_is_not_deleted_permanently_where_graph_cannot(world: World) -> None:
    body = {
        "name": "Gov",
        "tenant_id": TENANT,
        "client_id": TENANT,
        "client_secret": "planted-secret",
        "cloud": "usgov",
    }
    assert world.api("POST", "/connections", body).status == 201
    new = {"connection_id": "gov", "address": SUPPORT, "disposal": "delete_permanently"}
    answer = world.api("POST", "/mailboxes", new)
    assert (answer.status, answer.json()["fields"][0]["field"]) == (422, "disposal")


def _without_record(found: dict[str, Any]) -> Any:
    """What is stored but for etags, and for the record of changes, which holds attempts too."""
    kept = {name: rows for name, rows in found["rows"].items() if not name.endswith("Audit")}
    rows = {name: [{**row, "etag": ""} for row in rows] for name, rows in kept.items()}
    return {**found, "rows": rows}
