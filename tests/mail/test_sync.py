"""One round: what starts it, what makes it needless, and how work does not pile up while Graph is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dev.graph import Fault
from shared.clock import to_text
from shared.errors import Later
from shared.mail import mailboxes
from shared.mail.sync import sync_mailbox
from shared.work import SyncMailbox
from tests.world import SUPPORT, World, mail


@pytest.fixture
def mailbox_id(world: World) -> str:
    world.connect()
    made = world.add_mailbox(method="scan")
    world.settle()
    return made


def knock(world: World, mailbox_id: str, attempt: int = 0) -> None:
    noticed_at = to_text(world.clock.now())
    sync_mailbox(world.rt, SyncMailbox(mailbox_id=mailbox_id, cause="scan", noticed_at=noticed_at, attempt=attempt))


@pytest.mark.requirement("OPS-2")
def test_scans_of_a_long_outage_leave_one_message_and_the_mail_comes_afterwards(world: World, mailbox_id: str) -> None:
    world.emulator.deliver(SUPPORT, mail())
    world.emulator.faults.add(Fault(kind="throttle", path="/delta", retry_after=3600))
    for _ in range(6):
        world.host.run_timer("scan_mailboxes")
        world.settle(patience=0)
        world.advance(100)
    assert world.rt.queues.length("mailbox-sync") == 1
    assert mailboxes.get_head(world.rt, mailbox_id)[1].failing_since
    world.emulator.faults.clear()
    world.advance(3600)
    world.scan()
    assert len(world.tickets()) == 1
    assert world.get("/health")["issues"] == []


@pytest.mark.requirement("OPS-2")
def test_work_that_was_put_again_is_done_even_if_clocks_differ_a_little(world: World, mailbox_id: str) -> None:
    world.emulator.faults.add(Fault(kind="throttle", path="/delta", times=1, retry_after=30))
    with pytest.raises(Later) as later:
        knock(world, mailbox_id)
    assert later.value.delay == 30
    world.advance(29.5)
    world.emulator.deliver(SUPPORT, mail())
    knock(world, mailbox_id)
    assert world.tickets() == []
    knock(world, mailbox_id, attempt=1)
    assert len(world.tickets()) == 1


@pytest.mark.requirement("MAIL-4")
def test_a_notice_that_a_later_round_covers_costs_one_read(world: World, mailbox_id: str) -> None:
    noticed_at = to_text(world.clock.now())
    world.advance(5)
    knock(world, mailbox_id)
    world.meter.start()
    sync_mailbox(world.rt, SyncMailbox(mailbox_id=mailbox_id, cause="notification", noticed_at=noticed_at))
    assert len(world.meter.calls) == 1


@pytest.mark.requirement("MAIL-4")
def test_a_mailbox_with_a_round_at_it_is_left_alone_until_its_lease_is_over(world: World, mailbox_id: str) -> None:
    _, state = mailboxes.get_head(world.rt, mailbox_id)
    state.take_lease(world.clock.now() + timedelta(seconds=1))
    world.rt.tables["Mailboxes"].upsert(state.row(mailbox_id))
    world.emulator.deliver(SUPPORT, mail())
    with pytest.raises(Later, match="Another round"):
        knock(world, mailbox_id)
    world.advance(130)
    knock(world, mailbox_id)
    assert len(world.tickets()) == 1


def test_a_mailbox_that_is_unknown_or_switched_off_is_no_failure(world: World, mailbox_id: str) -> None:
    knock(world, "nobody")
    mailboxes.change(world.rt, mailbox_id, {"enabled": False})
    world.emulator.deliver(SUPPORT, mail())
    world.meter.start()
    knock(world, mailbox_id)
    assert world.meter.count("graph") == 0


@pytest.mark.requirement("MAIL-11")
def test_a_slice_that_ends_goes_on_by_itself(world: World, mailbox_id: str) -> None:
    rt = world.start(SLICE_SECONDS="0.001")
    for index in range(95):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    world.advance(1)
    noticed_at = to_text(rt.clock.now())
    sync_mailbox(rt, SyncMailbox(mailbox_id=mailbox_id, cause="scan", noticed_at=noticed_at))
    assert len(world.tickets()) == 40
    world.settle()
    assert [ticket["number"] for ticket in world.tickets()] == list(range(95, 0, -1))
    assert world.get("/health")["issues"] == []
