"""A mail that cannot be processed: kept with its reason, in nobody's way, and put through again."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault
from shared.storage.tables import Row
from tests.world import SUPPORT, World, mail


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox(method="scan")
    return world


def entry_of(world: World, verdict: str) -> Any:
    [found] = [entry for entry in world.journal() if entry["verdict"] == verdict]
    return world.get(f"/journal/{found['mailbox_id']}/{found['key']}")


@pytest.mark.requirement("MAIL-11", "MAIL-15")
def test_a_damaged_mail_stands_in_nobodys_way(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail("Before"))
    desk.emulator.deliver(SUPPORT, b"")
    desk.emulator.deliver(SUPPORT, mail("Behind"))
    desk.scan()

    assert {ticket["subject"] for ticket in desk.tickets()} == {"Before", "Behind"}
    entry = entry_of(desk, "quarantined")
    assert "empty" in entry["reason"]
    assert entry["meaning"]
    assert entry["cure"]
    assert len(desk.emulator.messages(SUPPORT)) == 1
    assert {issue["code"] for issue in desk.get("/health")["issues"]} == {"mail_quarantined"}


@pytest.mark.requirement("MAIL-11", "MAIL-15")
def test_a_mail_that_graph_would_not_give_is_put_through_again(desk: World) -> None:
    refusal = desk.emulator.faults.add(
        Fault(kind="refuse", path=r"\$value", times=1, status=400, error="ErrorInvalidRequest")
    )
    desk.emulator.deliver(SUPPORT, mail("At last"))
    desk.scan()
    assert refusal.struck == 1
    entry = entry_of(desk, "quarantined")

    answer = desk.api("POST", f"/journal/{entry['mailbox_id']}/{entry['key']}/replay")
    assert answer.status == 202
    desk.settle()
    assert [ticket["subject"] for ticket in desk.tickets()] == ["At last"]
    assert [each["verdict"] for each in desk.journal()] == ["ticket"]
    assert desk.emulator.messages(SUPPORT) == []
    assert desk.get("/health")["issues"] == []


@pytest.mark.requirement("MAIL-11")
def test_a_mail_with_a_ticket_is_not_put_through_again(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail())
    desk.scan()
    entry = entry_of(desk, "ticket")
    answer = desk.api("POST", f"/journal/{entry['mailbox_id']}/{entry['key']}/replay")
    assert answer.status == 409
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("MAIL-11")
def test_a_mail_that_was_gone_and_comes_back_is_taken_then(desk: World) -> None:
    message_id = desk.emulator.deliver(SUPPORT, mail())
    gone = desk.emulator.faults.add(Fault(kind="refuse", path=r"\$value", times=1))
    desk.scan()
    assert gone.struck == 1
    assert [entry["verdict"] for entry in desk.journal()] == ["gone"]
    desk.emulator.move(SUPPORT, message_id, "archive")
    desk.emulator.move(SUPPORT, message_id, "inbox")
    desk.scan()
    assert [entry["verdict"] for entry in desk.journal()] == ["ticket"]


@pytest.mark.requirement("MAIL-4", "MAIL-7")
def test_a_taken_mail_that_a_person_puts_back_is_not_taken_twice(desk: World) -> None:
    message_id = desk.emulator.deliver(SUPPORT, mail())
    desk.scan()
    desk.emulator.move(SUPPORT, message_id, "inbox")
    desk.scan()
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("MAIL-7")
def test_a_folder_for_taken_mail_that_a_person_deleted_is_made_again(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail("One"))
    desk.scan()
    desk.emulator.remove_folder(SUPPORT, "Processed")
    desk.emulator.deliver(SUPPORT, mail("Two"))
    desk.scan()
    assert len(desk.tickets()) == 2
    assert desk.emulator.messages(SUPPORT) == []
    assert len(desk.emulator.messages(SUPPORT, "Processed")) == 1


@pytest.mark.requirement("OPS-3")
def test_work_that_makes_no_sense_is_set_aside_and_listed(desk: World) -> None:
    desk.rt.queues.put_text("mailbox-sync", '{"something": "else"}')
    desk.settle()
    [kept] = desk.get("/set-aside")["items"]
    assert kept["queue"] == "mailbox-sync"
    assert kept["reason"]
    assert kept["cure"]
    assert desk.api("POST", f"/set-aside/{kept['key']}/replay").status == 202


@pytest.mark.requirement("OPS-3")
def test_work_that_fails_five_times_is_kept_and_replayed_when_the_cause_is_mended(desk: World) -> None:
    mailbox_id = desk.get("/mailboxes")["items"][0]["mailbox_id"]
    desk.settle()
    desk.emulator.deliver(SUPPORT, mail())
    _set_lease(desk, mailbox_id, "a value that no version ever wrote")
    desk.scan()
    for _ in range(6):
        desk.host.make_visible()
        desk.settle()
    [kept] = desk.get("/set-aside")["items"]
    assert mailbox_id in kept["message"]
    assert "work_set_aside" in {issue["code"] for issue in desk.get("/health")["issues"]}

    _set_lease(desk, mailbox_id, "")
    assert desk.api("POST", f"/set-aside/{kept['key']}/replay").status == 202
    desk.settle()
    assert len(desk.tickets()) == 1
    assert desk.get("/health")["issues"] == []


def _set_lease(world: World, mailbox_id: str, value: str) -> None:
    world.rt.tables["Mailboxes"].merge(Row(mailbox_id, "!state", {"lease_until": value}))
