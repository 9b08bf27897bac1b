"""The record of changes: each with who, when, what, before and after; none without it; no secret in it."""

from __future__ import annotations

import contextlib
from itertools import batched
from typing import Any

import pytest

from dev.azurite import Azurite
from shared.clock import from_text, to_text
from shared.mail.verdicts import Verdict
from shared.storage.rows import Change, Row
from tests.api.identities import BY_TOKEN, PERSON, signed_in
from tests.api.seeding import enter
from tests.api.storage_dump import dump
from tests.certificates import make_pair
from tests.io_meter import Killed
from tests.world import CLIENT_SECRET, TENANT, World

AUDIT = "Deskbridge.Admin"


def changes(world: World, query: str = "") -> list[Any]:
    found: list[Any] = world.get(f"/audit{query}")["items"]
    return found


@pytest.mark.requirement("OPS-6")
def test_a_change_is_recorded_with_who_when_and_what(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    world.start(**BY_TOKEN)
    admin = signed_in(world, AUDIT)
    before = world.clock.now()
    assert world.api("PATCH", f"/mailboxes/{mailbox}", {"type": "question"}, sign_in=admin).status == 200

    newest, created, connected = world.api("GET", "/audit", sign_in=admin).json()["items"]
    assert (newest["who"], newest["who_id"]) == ("Grace Hopper", PERSON)
    assert (newest["what"], newest["target"], newest["outcome"]) == ("mailbox.changed", mailbox, "done")
    assert (newest["before"], newest["after"]) == ({"type": "incident"}, {"type": "question"})
    assert before <= from_text(newest["at"]) <= world.clock.now()
    assert (created["who"], created["who_id"], created["what"]) == ("key", "", "mailbox.created")
    assert created["target"] == mailbox
    assert created["after"]["address"] == "support@contoso.com"
    assert (connected["what"], connected["target"]) == ("connection.created", "contoso")
    assert connected["after"]["tenant_id"] == TENANT


@pytest.mark.requirement("OPS-6")
def test_everything_that_changes_something_is_recorded_and_no_secret_is(world: World, azurite: Azurite) -> None:
    world.connect()
    world.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET + "-new"})
    mailbox = world.add_mailbox(method="scan")
    entry = enter(world, mailbox, "Broken", verdict=Verdict.QUARANTINED)
    assert world.api("POST", f"/journal/{mailbox}/{entry.key}/replay").status == 202
    assert [each["what"] for each in changes(world)] == [
        "mail.replayed",
        "mailbox.created",
        "connection.secret_changed",
        "connection.created",
    ]
    stored = str([rows for name, rows in dump(azurite, world)["rows"].items() if name.endswith("Audit")])
    assert "secret_changed" in stored
    assert CLIENT_SECRET not in stored


@pytest.mark.requirement("OPS-6")
def test_what_a_connection_proved_itself_with_and_how_it_stood_is_recorded_before_and_after(world: World) -> None:
    world.connect()
    pair = make_pair(world.clock.now(), days=365)
    world.meter.lookout.secrets.add(pair.key.splitlines()[5])
    assert world.api("PUT", "/connections/contoso/secret", {"certificate": pair.both}).status == 200
    for action in ("disconnect", "disconnect", "connect", "connect"):
        assert world.api("POST", f"/connections/contoso/{action}").status == 200
    connected, *_, changed = changes(world, "?target=contoso")[:-1]
    assert (connected["before"], connected["after"]) == ({"state": "disconnected"}, {"state": "connected"})
    assert (changed["before"]["credential"], changed["after"]["credential"]) == ("secret", "certificate")
    shown = world.get("/connections/contoso")
    assert (changed["before"]["thumbprint"], changed["after"]["thumbprint"]) == ("", shown["thumbprint"])
    assert changed["after"]["ends_at"]


def test_changes_are_found_by_who_and_by_what_they_concern(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    entry = enter(world, mailbox, "Broken", verdict=Verdict.QUARANTINED)
    world.api("POST", f"/journal/{mailbox}/{entry.key}/replay")
    world.start(**BY_TOKEN)
    admin = signed_in(world, AUDIT)
    world.api("PATCH", f"/mailboxes/{mailbox}", {"type": "question"}, sign_in=admin)

    def found(query: str) -> list[str]:
        return [each["what"] for each in world.api("GET", f"/audit?{query}", sign_in=admin).json()["items"]]

    assert found(f"who={PERSON}") == found("who=Grace%20Hopper") == ["mailbox.changed"]
    assert found("who=key") == ["mail.replayed", "mailbox.created", "connection.created"]
    assert found(f"target={mailbox}") == ["mailbox.changed", "mail.replayed", "mailbox.created"]
    assert found(f"target={mailbox[:-1]}") == []
    assert found("target=contoso&who=key") == ["connection.created"]
    assert found(f"target=contoso&who={PERSON}") == []


def test_a_walk_shows_every_change_once_while_new_ones_come(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    for number in range(7):
        world.api("PATCH", f"/mailboxes/{mailbox}", {"type": f"type-{number}"})
    seen: list[str] = []
    page = world.get("/audit?limit=3")
    while True:
        seen += [each["after"].get("type", "") for each in page["items"]]
        if not page["next"]:
            break
        world.api("PATCH", f"/mailboxes/{mailbox}", {"priority": "high"})
        page = world.get(f"/audit?limit=3&after={page['next']}")
    assert seen == [*(f"type-{number}" for number in range(6, -1, -1)), "incident", ""]


def test_a_page_is_one_range_of_rows(world: World) -> None:
    world.connect()
    world.meter.start()
    assert len(changes(world)) == 1
    assert world.meter.count("table") == 1


def test_a_filter_that_finds_nothing_costs_one_request_a_page_and_comes_to_its_end(world: World) -> None:
    nothing = dict.fromkeys(("who_id", "before", "after", "outcome"), "")
    change = {**nothing, "at": to_text(world.clock.now()), "who": "key", "what": "mailbox.changed"}
    for page in batched(range(1, 1_301), 100, strict=True):
        old = [Row("changes", f"{number:017d}~0", {**change, "target": str(number)}) for number in page]
        world.rt.tables["Audit"].transact([Change("insert", row) for row in old])
    world.get("/connections")  # a process looks at the storage's version once
    world.meter.start()
    first = world.get("/audit?who=nobody&limit=1")
    assert (first["items"], world.meter.count("table")) == ([], 1)
    last = world.get(f"/audit?who=nobody&limit=1&after={first['next']}")
    assert last == {"items": [], "next": None}
    assert world.meter.count("table") == 2


def test_a_change_that_fails_is_recorded_with_why(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    again = {"connection_id": "contoso", "address": "support@contoso.com"}
    assert world.api("POST", "/mailboxes", again).status == 409
    assert "set up already" in changes(world)[0]["outcome"]
    entry = enter(world, mailbox, "Fine", verdict=Verdict.TICKET)
    assert world.api("POST", f"/journal/{mailbox}/{entry.key}/replay").status == 409
    assert changes(world)[0]["outcome"] not in ("", "done")


@pytest.mark.requirement("OPS-6")
def test_no_change_is_made_without_its_record_wherever_the_app_dies(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    outcomes: list[str] = []
    for after in range(1, 12):
        name = f"Box {after}"
        world.start()
        world.meter.kill_after(after)
        with contextlib.suppress(Killed):
            world.api("PATCH", f"/mailboxes/{mailbox}", {"name": name})
        died = world.meter.killed
        world.meter.kill_after(None)
        world.start()
        recorded = [each["outcome"] for each in changes(world) if each["after"] == {"name": name}]
        if world.get(f"/mailboxes/{mailbox}")["name"] == name:
            assert recorded, f"died after {after} requests"
            outcomes += recorded
        if not died:
            assert {*outcomes} == {"", "done"}, "it died between the change and its outcome, too"
            return
    raise AssertionError("it was killed at every step and never came through")


@pytest.mark.requirement("OPS-6")
def test_who_is_refused_leaves_nothing_behind(world: World, azurite: Azurite) -> None:
    world.connect()
    before = dump(azurite, world)
    for key in (None, "wrong"):
        for method, path in (("POST", "/connections"), ("PUT", "/connections/contoso/secret"), ("GET", "/audit")):
            assert world.api(method, path, key=key).status == 401
    assert dump(azurite, world) == before
