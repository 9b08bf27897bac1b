"""Attacks by way of Graph and by mails themselves: what is half answered, refused, altered or made to hang us."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import requests

from dev.graph import Fault
from tests.tampering import Carry, tamper_with_graph
from tests.world import SUPPORT, World, mail


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Pauses cost no real time: the clock moves on instead."""
    monkeypatch.setattr(world.clock, "pause", world.advance)
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    return world


def verdicts(world: World) -> list[str]:
    return [entry["verdict"] for entry in world.journal()]


def scan_again(world: World, times: int) -> None:
    """So many scans, five minutes apart."""
    for _ in range(times):
        world.advance(300)
        world.host.make_visible()
        world.scan()


@pytest.mark.requirement("MAIL-4", "MAIL-11", "OPS-2")
@pytest.mark.parametrize("kind", ["timeout", "refuse_connection"])
def test_an_outage_of_all_mime_puts_no_mail_into_quarantine(desk: World, kind: Any) -> None:
    for index in range(3):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        desk.advance(2)
    desk.emulator.faults.add(Fault(kind=kind, path=r"\$value"))
    scan_again(desk, 8)
    assert desk.tickets() == []
    assert not desk.get("/health")["healthy"]
    desk.emulator.faults.clear()
    scan_again(desk, 2)
    assert verdicts(desk) == ["ticket"] * 3
    assert [ticket["subject"] for ticket in desk.tickets()] == ["Mail 2", "Mail 1", "Mail 0"]


@pytest.mark.requirement("MAIL-4", "MAIL-15")
def test_one_mail_that_graph_never_gives_holds_up_nobody_for_ever(desk: World) -> None:
    stuck = desk.emulator.deliver(SUPPORT, mail("Stuck"))
    desk.emulator.faults.add(Fault(kind="timeout", path=re.escape(stuck) + r"/\$value"))
    scan_again(desk, 3)
    desk.emulator.deliver(SUPPORT, mail("Behind"))
    scan_again(desk, 8)
    assert verdicts(desk) == ["ticket", "quarantined"]


@pytest.mark.requirement("MAIL-4", "OPS-2")
@pytest.mark.parametrize(
    ("status", "error"),
    [(404, "ErrorInvalidUser"), (404, "MailboxNotEnabledForRESTAPI"), (403, "ErrorAccessDenied")],
)
def test_a_mailbox_that_is_out_of_reach_in_mid_round_loses_nothing(desk: World, status: int, error: str) -> None:
    for index in range(3):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    desk.emulator.faults.add(Fault(kind="refuse", path=r"\$value", status=status, error=error))
    scan_again(desk, 2)
    assert not desk.get("/health")["healthy"]
    desk.emulator.faults.clear()
    scan_again(desk, 2)
    assert verdicts(desk) == ["ticket"] * 3
    assert desk.emulator.messages(SUPPORT) == []
    assert desk.get("/health")["issues"] == []


@pytest.mark.requirement("MAIL-4", "MAIL-7", "OPS-2")
def test_one_mail_that_can_never_be_moved_holds_up_nobody_for_ever(desk: World) -> None:
    stuck = desk.emulator.deliver(SUPPORT, mail("Stuck"))
    desk.emulator.faults.add(Fault(kind="timeout", path=re.escape(stuck) + "/move"))
    for index in range(45):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    scan_again(desk, 16)
    assert len(desk.tickets()) == 46
    assert [message.immutable_id for message in desk.emulator.messages(SUPPORT)] == [stuck]
    assert desk.get("/health")["healthy"]
    [entry] = [each for each in desk.journal() if each["subject"] == "Stuck"]
    assert entry["verdict"] == "ticket"


@pytest.mark.requirement("MAIL-4")
def test_an_update_that_tells_only_what_changed_is_not_taken_for_another_mail(world: World) -> None:
    # https://learn.microsoft.com/en-us/graph/delta-query-overview: updated ones have at least what was updated.
    world.connect()
    world.add_mailbox(method="scan", disposal="mark_read")
    tamper_with_graph(world, _updates_with_ids_alone)
    world.emulator.deliver(SUPPORT, mail("One"))
    world.scan()
    [message] = world.emulator.messages(SUPPORT)
    for read in (False, True):
        world.emulator.mark_read(SUPPORT, message.immutable_id, read=read)
        world.scan()
    assert verdicts(world) == ["ticket"]
    assert len(world.tickets()) == 1


def _updates_with_ids_alone(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
    found = carry()
    if "$deltatoken" not in str(request.url).replace("%24", "$"):
        return found
    page = found.json()
    page["value"] = [{"@odata.type": each["@odata.type"], "id": each["id"]} for each in page["value"]]
    found._content = json.dumps(page).encode()
    return found


@pytest.mark.requirement("MAIL-4", "MAIL-8")
def test_mails_of_one_second_that_all_name_each_other_do_not_hang_the_worker(desk: World) -> None:
    ids = [f"<{index}@example.com>" for index in range(36)]
    for own in ids:
        others = " ".join(each for each in ids if each != own)
        desk.emulator.deliver(SUPPORT, mail("Ring", message_id=own, In_Reply_To=ids[0], References=others))
    began = time.monotonic()
    desk.scan(timeout=30)
    assert time.monotonic() - began < 20
    assert len(desk.journal()) == len(ids)
    assert set(verdicts(desk)) <= {"ticket", "reply"}


@pytest.mark.requirement("MAIL-4", "MAIL-15")
@pytest.mark.parametrize("name", ["Subject", "From", "Reply-To", "Message-ID", "References", "X-Deskbridge", "Date"])
@pytest.mark.parametrize("filler", [b"x", b"\xf0\x9f\x98\x80", b"<a@b.c> ", b"\x00", b"=?utf-8?q?=ED=A0=BD?= "])
def test_a_header_of_a_megabyte_stands_in_nobodys_way(desk: World, name: str, filler: bytes) -> None:
    head = b"" if name == "From" else b"From: eve@example.net\r\n"
    huge = filler * (1_000_000 // len(filler))
    desk.emulator.deliver(SUPPORT, head + name.encode() + b": " + huge + b"\r\n\r\nbody")
    desk.emulator.deliver(SUPPORT, mail("Behind"))
    desk.scan()
    assert len(desk.journal()) == 2
    assert "Behind" in {ticket["subject"] for ticket in desk.tickets()}
    assert set(verdicts(desk)) <= {"ticket", "reply", "quarantined"}


@pytest.mark.requirement("MAIL-4", "MAIL-11")
def test_a_scanner_that_sends_each_page_under_one_message_id_loses_no_page(desk: World) -> None:
    for letter in (b"A", b"B"):
        desk.emulator.deliver(SUPPORT, _scanned(letter))
        desk.scan()
    assert verdicts(desk) == ["ticket", "ticket"]


def _scanned(letter: bytes) -> bytes:
    return (
        b"From: scanner@example.com\r\nMessage-ID: <scan@printer>\r\nSubject: Scan\r\n"
        b"Content-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="scan.pdf"\r\n\r\n'
        b"%PDF-1.7 " + letter * 1000
    )


@pytest.mark.requirement("MAIL-4")
def test_mail_moved_into_the_inbox_years_late_is_taken(desk: World) -> None:
    for index in range(20):
        desk.emulator.deliver(SUPPORT, mail(f"Old {index}"), "archive")
    old = [message.immutable_id for message in desk.emulator.messages(SUPPORT, "archive")]
    for _ in range(3):
        desk.advance(400 * 86_400)
        desk.emulator.deliver(SUPPORT, mail("Newer"))
        desk.scan()
    for message_id in old:
        desk.emulator.move(SUPPORT, message_id, "inbox")
    desk.scan()
    assert len(desk.tickets()) == 23
    assert desk.emulator.messages(SUPPORT) == []


@pytest.mark.requirement("MAIL-4")
def test_mail_that_a_person_files_away_meanwhile_is_one_ticket(desk: World) -> None:
    ids = [desk.emulator.deliver(SUPPORT, mail(f"Mail {index}")) for index in range(6)]
    seen: list[str] = []

    def move_it_first(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        for message_id in ids:
            if message_id in str(request.url) and message_id not in seen:
                seen.append(message_id)
                desk.emulator.move(SUPPORT, message_id, "archive")
                if len(seen) % 2:
                    desk.emulator.move(SUPPORT, message_id, "inbox")
        return carry()

    tamper_with_graph(desk, move_it_first)
    desk.scan()
    desk.scan()
    assert len(seen) == 6
    assert verdicts(desk) == ["ticket"] * 6
    assert len(desk.emulator.messages(SUPPORT, "Processed")) == 6


@pytest.mark.requirement("MAIL-4", "MAIL-8")
def test_hundreds_of_one_second_and_all_replies_to_one_ticket(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail("Root", message_id="<root@example.com>"))
    desk.scan()
    for index in range(120):
        desk.emulator.deliver(
            SUPPORT, mail("Re: Root", sender=f"u{index}@example.com", In_Reply_To="<root@example.com>")
        )
    desk.scan()
    assert len(desk.tickets()) == 1
    assert verdicts(desk).count("reply") == 120


@pytest.mark.requirement("MAIL-8", "DESK-1")
def test_equal_and_unequal_copies_and_their_replies_in_one_page(desk: World) -> None:
    same = mail("Same", message_id="<same@example.com>", text="One thing.")
    deliver = desk.emulator.deliver
    deliver(SUPPORT, same)
    desk.advance(2)
    deliver(SUPPORT, b"Received: again\r\n" + same)
    deliver(SUPPORT, mail("Other", message_id="<same@example.com>", text="Quite another."))
    desk.advance(2)
    deliver(SUPPORT, mail("Re: Same", In_Reply_To="<same@example.com>"))
    deliver(SUPPORT, b"")
    desk.scan()
    assert sorted(verdicts(desk)) == ["duplicate", "quarantined", "reply", "ticket", "ticket"]
    [same_ticket] = [each for each in desk.tickets() if each["subject"] == "Same"]
    assert len(desk.ticket(same_ticket["number"])["actions"]) == 2
