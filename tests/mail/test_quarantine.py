"""Putting a mail through again: whatever comes of it, its entry tells, and it is counted once."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.connections import states
from shared.errors import Conflict, Later
from shared.mail import ledger, mailboxes, quarantine
from shared.mail.ledger import Entry
from shared.work import ReplayMail
from tests.world import SUPPORT, World, mail

MIME = r"\$value"


@pytest.fixture
def refused(world: World) -> Entry:
    """A mail that Graph would not give at first."""
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    world.emulator.faults.add(Fault(kind="refuse", path=MIME, times=1, status=400, error="ErrorInvalidRequest"))
    world.emulator.deliver(SUPPORT, mail())
    world.scan()
    return entry(world)


def box(world: World) -> str:
    return mailboxes.list_all(world.rt)[0].mailbox_id


def entry(world: World) -> Entry:
    [found] = ledger.iter_newest(world.rt, box(world))
    return found


def replay(world: World, key: str) -> Entry:
    quarantine.replay(world.rt, ReplayMail(mailbox_id=box(world), entry=key))
    return entry(world)


def quarantined(world: World) -> int:
    return mailboxes.get_head(world.rt, box(world))[1].quarantined


@pytest.mark.requirement("MAIL-11", "MAIL-15")
def test_a_replay_that_fails_again_says_why_and_is_counted_once(world: World, refused: Entry) -> None:
    assert "ErrorInvalidRequest" in refused.reason
    world.emulator.faults.add(Fault(kind="refuse", path=MIME, times=1, status=400, error="ErrorOfTheSecondTime"))
    again = replay(world, refused.key)
    assert again.verdict == "quarantined"
    assert "ErrorOfTheSecondTime" in again.reason
    assert quarantined(world) == 1
    assert replay(world, refused.key).verdict == "ticket"
    assert quarantined(world) == 0


@pytest.mark.requirement("MAIL-11")
def test_a_replay_of_a_mail_that_was_deleted_meanwhile_says_so(world: World, refused: Entry) -> None:
    world.emulator.faults.add(Fault(kind="refuse", path=MIME, times=1, status=404, error="ErrorItemNotFound"))
    assert replay(world, refused.key).verdict == "gone"
    assert quarantined(world) == 0


@pytest.mark.requirement("MAIL-11", "CONN-1")
def test_a_replay_waits_for_a_sign_in_that_was_lost(world: World, refused: Entry) -> None:
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    world.start()
    with pytest.raises(Later) as later:
        replay(world, refused.key)
    assert later.value.delay == quarantine.SIGN_IN_DELAY
    assert entry(world) == refused
    world.emulator.faults.clear()
    with pytest.raises(Later, match="rests"):
        replay(world, refused.key)
    states.regain(world.rt, "contoso")
    assert replay(world, refused.key).verdict == "ticket"


@pytest.mark.requirement("MAIL-7", "MAIL-11")
def test_a_replayed_mail_that_may_not_be_moved_has_its_ticket_all_the_same(world: World, refused: Entry) -> None:
    world.emulator.faults.add(Fault(kind="refuse", path="/move$", times=1, status=403, error="ErrorAccessDenied"))
    again = replay(world, refused.key)
    assert (again.verdict, again.number) == ("ticket", 1)
    assert again.disposal.startswith("failed: ")
    assert len(world.tickets()) == 1


@pytest.mark.requirement("MAIL-11")
def test_what_has_its_ticket_or_is_not_there_is_not_put_through_again(world: World, refused: Entry) -> None:
    assert replay(world, refused.key).verdict == "ticket"
    world.meter.start()
    replay(world, refused.key)
    replay(world, "98204812799999999~0123456789ab")
    assert world.meter.count("graph") == 0
    with pytest.raises(Conflict):
        quarantine.ask_for_replay(world.rt, box(world), refused.key)
