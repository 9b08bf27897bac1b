"""Attacks on rounds: two at once, leases that end too early, clocks that differ, knocks at the wrong moment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from dev.graph import Fault
from shared.clock import ShiftedClock, to_text
from shared.errors import Later
from shared.mail.sync import sync_mailbox
from shared.work import SyncMailbox
from tests.tampering import Carry, tamper_with_graph
from tests.world import SUPPORT, World, mail


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    return world


def codes(world: World) -> set[str]:
    """What health says is wrong."""
    return {issue["code"] for issue in world.get("/health")["issues"]}


def assert_in_order(world: World, count: int) -> None:
    """So many tickets, their numbers in the order received, each mail in the journal once and out of the inbox."""
    journal = world.journal()
    assert len(journal) == count
    assert sorted(entry["number"] for entry in journal) == list(range(1, count + 1))
    received = [entry["received_at"] for entry in sorted(journal, key=lambda entry: entry["number"])]
    assert received == sorted(received)
    assert world.emulator.messages(SUPPORT) == []
    assert sum(len(world.ticket(each["number"])["actions"]) for each in world.tickets()) == count


@pytest.mark.requirement("MAIL-4", "MAIL-3")
@pytest.mark.parametrize("wait", [0.0, 0.1, 0.4])
def test_two_workers_of_whom_one_is_slow_and_loses_its_lease(desk: World, wait: float) -> None:
    """Two processes, each with its own memory; the lease of the first is over as soon as it has begun."""
    mailbox_id = desk.get("/mailboxes")["items"][0]["mailbox_id"]
    for index in range(45):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        desk.advance(1)
    desk.emulator.faults.add(Fault(kind="latency", path=r"\$value", probability=0.3, seconds=0.1))
    now = to_text(desk.clock.now())
    first, ahead = desk.rt, ShiftedClock()
    ahead.offset = desk.clock.offset
    ahead.advance(200)
    second = replace(desk.rt, clock=ahead, memory={})

    def run(rt: Any, delay: float) -> None:
        time.sleep(delay)
        for _ in range(4):
            try:
                sync_mailbox(rt, SyncMailbox(mailbox_id=mailbox_id, cause="scan", noticed_at=now))
            except Later:
                time.sleep(0.05)
            else:
                return

    with ThreadPoolExecutor(2) as workers:
        rounds = [workers.submit(run, first, 0.0), workers.submit(run, second, wait)]
        for each in rounds:
            each.result()
    desk.advance(300)
    desk.scan()
    desk.advance(300)
    desk.scan()
    assert_in_order(desk, 45)
    assert codes(desk) == set()


@pytest.mark.requirement("MAIL-3")
def test_a_mail_announced_while_a_knock_waits_is_not_left_to_the_scan(world: World) -> None:
    """The shared knock stands for what came after the round that seems to cover it."""
    world.connect()
    world.add_mailbox()
    world.settle()
    time.sleep(1.3)
    world.settle()
    for index in range(2):
        world.emulator.deliver(SUPPORT, mail(f"Early {index}"))
        world.emulator.settle()
    time.sleep(0.4)
    assert world.host.step("mailbox-sync") is not None
    world.emulator.deliver(SUPPORT, mail("Late"))
    world.settle()
    world.settle()
    assert len(world.tickets()) == 3


@pytest.mark.requirement("MAIL-3", "MAIL-4")
def test_a_notice_stamped_by_a_clock_two_seconds_slow_is_not_taken_for_covered(desk: World) -> None:
    mailbox_id = desk.get("/mailboxes")["items"][0]["mailbox_id"]
    desk.scan()
    desk.emulator.deliver(SUPPORT, mail())
    slow = ShiftedClock()
    slow.offset = desk.clock.offset
    slow.advance(-2)
    work = SyncMailbox(mailbox_id=mailbox_id, cause="notification", noticed_at=to_text(slow.now()))
    sync_mailbox(desk.rt, work)
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("MAIL-4", "MAIL-7", "OPS-2")
@pytest.mark.parametrize("disposal", ["mark_read", "move"])
def test_the_shortest_slices_come_to_an_end(world: World, disposal: str) -> None:
    world.connect()
    world.add_mailbox(method="scan", disposal=disposal)
    world.settle()  # else its first round and the scan's get into each other's way, and one is put off
    world.start(SLICE_SECONDS="0.001")
    for index in range(130):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    world.scan()
    world.scan()
    assert sorted(entry["number"] for entry in world.journal()) == list(range(1, 131))
    world.meter.start()
    world.scan()
    assert world.meter.count("graph") <= 1
    assert world.rt.queues.length("mailbox-sync") == 0


@pytest.mark.requirement("OPS-2")
def test_a_backlog_that_a_scan_takes_up_is_no_sign_of_a_silent_webhook(world: World) -> None:
    world.connect()
    world.emulator.add_mailbox("11111111-1111-4111-8111-111111111111", SUPPORT, kind="shared")
    for index in range(100):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    world.advance(3600)
    world.start(SLICE_SECONDS="0.001")
    body = {"connection_id": "contoso", "address": SUPPORT}
    assert world.api("POST", "/mailboxes", body).status == 201
    for _ in range(3):
        world.host.step("mailbox-sync")
        world.host.run_timer("scan_mailboxes")
    world.settle()
    assert len(world.tickets()) == 100
    assert codes(world) == set()


@pytest.mark.requirement("OPS-2")
def test_an_old_mail_moved_into_the_inbox_is_no_sign_of_a_silent_webhook(world: World) -> None:
    world.connect()
    world.add_mailbox()
    old = world.emulator.deliver(SUPPORT, mail("Old"), "archive")
    world.advance(3600)
    world.settle()
    world.scan()
    world.emulator.faults.add(Fault(kind="drop_notifications"))
    world.emulator.move(SUPPORT, old, "inbox")
    world.scan()
    assert len(world.tickets()) == 1
    assert codes(world) == set()


@pytest.mark.requirement("OPS-2")
def test_slices_that_go_well_end_a_failure(desk: World) -> None:
    desk.start(SLICE_SECONDS="0.001")
    for index in range(90):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    desk.emulator.faults.add(Fault(kind="throttle", path="delta", times=1, retry_after=20))
    desk.scan()
    assert codes(desk) == {"round_failing"}
    desk.advance(60)
    desk.host.run_timer("scan_mailboxes")
    desk.host.step("mailbox-sync")
    assert 0 < len(desk.tickets()) < 90
    assert codes(desk) == set()


@pytest.mark.requirement("MAIL-4", "MAIL-7")
def test_a_mailbox_changed_and_switched_off_in_mid_round(desk: World) -> None:
    mailbox_id = desk.get("/mailboxes")["items"][0]["mailbox_id"]
    for index in range(90):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        desk.advance(1)
    seen: list[str] = []

    def change_meanwhile(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if "$value" in str(request.url):
            seen.append(str(request.url))
            if len(seen) == 50:
                answer = desk.api("PATCH", f"/mailboxes/{mailbox_id}", {"done_folder": "Elsewhere", "enabled": False})
                assert answer.status == 200
        return carry()

    tamper_with_graph(desk, change_meanwhile)
    desk.scan()
    desk.start()
    desk.advance(300)
    desk.scan()
    assert desk.api("PATCH", f"/mailboxes/{mailbox_id}", {"enabled": True}).status == 200
    for _ in range(3):
        desk.advance(300)
        desk.host.make_visible()
        desk.scan()
    assert_in_order(desk, 90)
    folders = [len(desk.emulator.messages(SUPPORT, name)) for name in ("Processed", "Elsewhere")]
    assert sum(folders) == 90
    assert folders[1] > 0


@pytest.mark.requirement("OPS-1")
def test_a_notification_for_a_mailbox_that_is_not_there_is_dropped(desk: World) -> None:
    desk.rt.queues.put(SyncMailbox(mailbox_id="gone-1", cause="notification", noticed_at=to_text(desk.clock.now())))
    desk.rt.queues.put(SyncMailbox(mailbox_id="!all", cause="notification", noticed_at=to_text(desk.clock.now())))
    drained = desk.settle()
    assert (drained.failed, drained.poisoned) == (0, 0)
    assert codes(desk) == set()


@pytest.mark.requirement("MAIL-3", "MAIL-4")
def test_many_knocks_at_one_mailbox_while_a_round_runs_end_in_few_rounds(desk: World) -> None:
    for index in range(60):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    desk.emulator.faults.add(Fault(kind="latency", path=r"\$value", seconds=0.05))
    busy = threading.Thread(target=lambda: desk.host.step("mailbox-sync"))
    desk.host.run_timer("scan_mailboxes")
    busy.start()
    for _ in range(12):
        desk.host.run_timer("scan_mailboxes")
    busy.join()
    desk.settle()
    desk.advance(400)
    desk.host.make_visible()
    desk.meter.start()
    while desk.host.step("mailbox-sync"):  # one after the other: those that begin at the same moment each look once
        pass
    assert desk.meter.count("graph GET") <= 1  # of thirteen knocks
    assert_in_order(desk, 60)


@pytest.mark.requirement("OPS-1")
def test_one_mailbox_that_cannot_be_subscribed_costs_the_others_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.clock, "pause", world.advance)
    world.connect()
    for index in range(3):
        world.add_mailbox(f"box{index}@contoso.com")
    world.settle()
    first, *_ = world.emulator.subscriptions()
    world.advance(6 * 86_400)
    stuck = world.emulator.faults.add(Fault(kind="timeout", method="PATCH", path=first.id))
    world.host.run_timer("reconcile_subscriptions")
    world.advance(1.5 * 86_400)
    assert stuck.struck > 0
    assert len(world.emulator.subscriptions()) == 2
