"""Rounds that begin from memory: other processes and changed settings come between, and nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import requests

from dev.graph import Fault
from shared import runtime
from shared.clock import to_text
from shared.errors import Later
from shared.mail import ledger, mailboxes
from shared.mail.state import State
from shared.mail.sync import BUSY_DELAY, sync_mailbox
from shared.runtime import Runtime
from shared.work import SyncMailbox
from tests.journeys.test_request_counts import DELTA, HEAD, MIME, MOVE, SENDER, SINGLE, TRANSACTION, Cost, cost_of
from tests.kill import LEASE_OVER, kill_after
from tests.tampering import Carry, tamper_with_graph
from tests.world import SUPPORT, World, mail


@pytest.fixture
def warm(world: World) -> World:
    """A desk that has taken one mail in, and remembers its mailbox."""
    world.connect()
    world.add_mailbox()
    world.settle()
    world.emulator.deliver(SUPPORT, mail("The first"))
    world.settle()
    world.advance(2)
    return world


def box(world: World) -> str:
    return str(world.get("/mailboxes")["items"][0]["mailbox_id"])


def state_of(world: World) -> State:
    return mailboxes.get_head(world.rt, box(world))[1]


@contextlib.contextmanager
def another_process(world: World) -> Iterator[Runtime]:
    """Meanwhile another process of the same app is at work, with a memory of its own."""
    other = replace(world.rt, memory={})
    runtime.use(other)
    yield other
    runtime.use(world.rt)


def deliver(world: World, subject: str) -> None:
    world.emulator.deliver(SUPPORT, mail(subject))
    world.settle()
    world.advance(2)


def patch(world: World, **values: str | bool) -> None:
    assert world.api("PATCH", f"/mailboxes/{box(world)}", values).status == 200


def assert_taken_once(world: World, count: int) -> None:
    """So many tickets with one action each, in the order received; nothing is left to do."""
    world.settle()
    journal = sorted(world.journal(), key=lambda entry: entry["received_at"])
    assert [entry["number"] for entry in journal] == list(range(1, count + 1))
    assert [entry["verdict"] for entry in journal] == ["ticket"] * count
    assert [len(world.ticket(number + 1)["actions"]) for number in range(count)] == [1] * count
    assert world.get("/health")["healthy"]


@pytest.mark.requirement("MAIL-4")
def test_another_process_was_at_the_mailbox(warm: World) -> None:
    with another_process(warm):
        deliver(warm, "Taken elsewhere")
    cost = cost_of(warm, mail("Taken here"))
    assert cost.calls[DELTA] == 2
    assert cost.calls[MIME] == cost.calls[MOVE] == 1
    assert_taken_once(warm, 3)


@pytest.mark.requirement("MAIL-4")
def test_while_others_are_at_a_mailbox_it_is_read_each_time_instead_of_being_guessed(warm: World) -> None:
    for index in range(3):
        with another_process(warm):
            warm.advance(2)
            deliver(warm, f"Elsewhere {index}")
        cost = cost_of(warm, mail(f"Here {index}"))
        assert (cost.calls[HEAD], cost.calls[DELTA]) == (1, 2 if index == 0 else 1)
    warm.advance(601)
    assert HEAD in cost_of(warm, mail("Read once more")).calls
    assert cost_of(warm, mail("From memory again")).calls == SINGLE
    assert_taken_once(warm, 9)


@pytest.mark.requirement("MAIL-4")
def test_a_notice_that_a_remembered_round_covers_costs_nothing_and_is_not_forgotten(warm: World) -> None:
    work = SyncMailbox(mailbox_id=box(warm), cause="notification", noticed_at=to_text(warm.clock.now()))
    warm.advance(5)
    deliver(warm, "The second")
    with Cost(warm) as cost:
        sync_mailbox(warm.rt, work)
    assert cost.calls.total() == 0
    assert cost_of(warm, mail("The third")).calls == SINGLE


@pytest.mark.requirement("MAIL-4")
def test_the_lease_of_another_process_is_not_taken_from_it(warm: World) -> None:
    state = state_of(warm)
    state.take_lease(warm.clock.now())
    warm.rt.tables["Mailboxes"].upsert(state.row(box(warm)))
    held = state_of(warm)
    with Cost(warm) as cost:
        deliver(warm, "Not before the lease is over")
    assert (cost.calls[DELTA], cost.calls[MIME]) == (1, 0)
    assert state_of(warm) == held
    assert warm.rt.queues.length("mailbox-sync") == 1
    warm.advance(LEASE_OVER)
    warm.settle(patience=BUSY_DELAY + 1)
    assert_taken_once(warm, 2)


@pytest.mark.requirement("MAIL-4", "MAIL-11")
def test_what_a_worker_elsewhere_left_when_it_died_is_taken_up_and_counted(warm: World) -> None:
    with another_process(warm):
        assert kill_after(warm, 8, lambda world: deliver(world, "In hand when it died"))
        assert state_of(warm).open_low
    warm.advance(LEASE_OVER)
    cost = cost_of(warm, mail("The next"))
    assert cost.calls[DELTA] == 2
    deaths = [entry.deaths for entry in ledger.iter_newest(warm.rt, box(warm))]
    assert deaths == [0, 1, 0]
    assert_taken_once(warm, 3)


@pytest.mark.requirement("MAIL-4")
def test_of_two_rounds_that_begin_from_memory_at_once_one_gets_the_claim(warm: World) -> None:
    warm.emulator.faults.add(Fault(kind="drop_notifications"))
    warm.emulator.deliver(SUPPORT, mail("Wanted by both"))
    both = threading.Barrier(2, timeout=30)
    asked: list[str] = []

    def together(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        answer = carry()
        if "/delta" in str(request.url):
            asked.append(str(request.url))
            if len(asked) <= 2:
                both.wait()
        return answer

    twin = replace(warm.rt, memory={name: deepcopy(warm.rt.memory[name]) for name in ("mail.heads",)})
    tamper_with_graph(warm, together)
    work = SyncMailbox(mailbox_id=box(warm), cause="notification", noticed_at=to_text(warm.clock.now()))

    def run(rt: Runtime) -> None:
        with contextlib.suppress(Later):
            sync_mailbox(rt, work)

    with Cost(warm) as cost, ThreadPoolExecutor(2) as workers:
        list(workers.map(run, (warm.rt, twin)))
    assert len(asked) >= 2
    assert cost.calls[MIME] == cost.calls[MOVE] == 1
    warm.emulator.faults.clear()
    assert_taken_once(warm, 2)


CHANGES: list[tuple[dict[str, str], str, str, Any]] = [
    ({"priority": "urgent"}, "Processed", "priority", "urgent"),
    ({"type": "question"}, "Processed", "type", "question"),
    ({"done_folder": "Elsewhere"}, "Elsewhere", "number", 2),
    ({"disposal": "mark_read"}, "inbox", "number", 2),
    ({"disposal": "delete"}, "deleteditems", "number", 2),
]


@pytest.mark.requirement("MAIL-7", "MAIL-1")
@pytest.mark.parametrize(("change", "folder", "field", "value"), CHANGES)
def test_settings_that_were_changed_elsewhere_hold_for_the_next_mail(
    warm: World, change: dict[str, str], folder: str, field: str, value: Any
) -> None:
    with another_process(warm):
        patch(warm, **change)
    before = len(warm.emulator.messages(SUPPORT, folder))
    cost = cost_of(warm, mail("After the change"))
    assert cost.calls[DELTA] == 2, "it began from memory, or the test shows nothing"
    assert warm.ticket(2)[field] == value
    assert len(warm.emulator.messages(SUPPORT, folder)) == before + 1
    assert_taken_once(warm, 2)


@pytest.mark.requirement("MAIL-1")
def test_a_mailbox_that_was_switched_off_elsewhere_is_left_alone(warm: World) -> None:
    with another_process(warm) as other:
        mailboxes.change(other, box(warm), {"enabled": False})  # its subscription is still there
    cost = cost_of(warm, mail("For nobody"))
    assert (cost.calls[DELTA], cost.calls[TRANSACTION], cost.calls[MIME]) == (1, 1, 0)
    assert len(warm.tickets()) == 1
    assert len(warm.emulator.messages(SUPPORT)) == 1
    with another_process(warm):
        patch(warm, enabled=True)
    warm.settle()
    assert_taken_once(warm, 2)


@pytest.mark.requirement("MAIL-1")
def test_a_mailbox_that_is_gone_is_no_failure(warm: World) -> None:
    for key in ("!config", "!state"):
        warm.rt.tables["Mailboxes"].delete(box(warm), key)
    drained = warm.settle()
    warm.emulator.deliver(SUPPORT, mail("For nobody"))
    drained = warm.settle()
    assert (drained.failed, drained.poisoned) == (0, 0)
    assert warm.rt.queues.length("mailbox-sync") == 0


def change_in_mid_round(world: World, **values: str | bool) -> None:
    """Change settings when the first mail is fetched: it is claimed, and has no receipt yet."""
    done = threading.Event()
    mailbox_id = box(world)

    def tamper(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if "$value" in str(request.url) and not done.is_set():
            done.set()
            assert world.api("PATCH", f"/mailboxes/{mailbox_id}", values).status == 200
        return carry()

    tamper_with_graph(world, tamper)


@pytest.mark.requirement("MAIL-4", "MAIL-7")
@pytest.mark.parametrize(("change", "folder", "field", "value"), CHANGES)
def test_settings_changed_in_mid_round_end_no_round_and_hold_for_the_next(
    warm: World, change: dict[str, str], folder: str, field: str, value: Any
) -> None:
    change_in_mid_round(warm, **change)
    cost = cost_of(warm, mail("Under way"))
    assert (cost.calls[DELTA], cost.calls[MIME], cost.calls[MOVE]) == (1, 1, 1)
    assert state_of(warm).is_settled
    assert len(warm.emulator.messages(SUPPORT, "Processed")) == 2
    taken = len(warm.emulator.messages(SUPPORT, folder))
    cost = cost_of(warm, mail("After the change"))
    assert SENDER not in cost.calls
    assert cost.calls[DELTA] == 1
    assert warm.ticket(3)[field] == (3 if field == "number" else value)
    assert len(warm.emulator.messages(SUPPORT, folder)) == taken + 1
    assert_taken_once(warm, 3)


@pytest.mark.requirement("MAIL-4", "MAIL-7")
def test_a_mailbox_changed_and_switched_off_in_mid_round_is_left_after_the_pages_that_are_claimed(warm: World) -> None:
    warm.emulator.faults.add(Fault(kind="drop_notifications"))
    for index in range(89):
        warm.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        warm.advance(1)
    change_in_mid_round(warm, done_folder="Elsewhere", enabled=False)
    warm.scan()
    assert len(warm.tickets()) == 1 + 80
    assert len(warm.emulator.messages(SUPPORT)) == 9
    assert len(warm.emulator.messages(SUPPORT, "Elsewhere")) >= 40
    assert not state_of(warm).lease_until
    warm.emulator.faults.clear()
    patch(warm, enabled=True)
    assert_taken_once(warm, 90)


@pytest.mark.requirement("OPS-2")
def test_a_refusal_that_an_outdated_memory_meets_is_told_at_once_all_the_same(warm: World) -> None:
    with another_process(warm):
        deliver(warm, "Taken elsewhere")
    warm.emulator.faults.add(Fault(kind="refuse", path="/delta", status=403, error="ErrorAccessDenied"))
    deliver(warm, "Refused")
    assert [issue["code"] for issue in warm.get("/health")["issues"]] == ["round_failing"]
    warm.emulator.faults.clear()
    warm.scan()
    assert_taken_once(warm, 3)


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize("outdated", [False, True])
def test_a_busy_graph_leaves_one_message_and_is_told(warm: World, outdated: bool) -> None:
    if outdated:
        with another_process(warm):
            deliver(warm, "Taken elsewhere")
    warm.emulator.faults.add(Fault(kind="throttle", path="/delta", retry_after=600))
    warm.emulator.deliver(SUPPORT, mail("Waits"))
    warm.settle(patience=0)
    for _ in range(3):
        warm.host.run_timer("scan_mailboxes")
        warm.settle(patience=0)
        warm.advance(100)
    assert warm.rt.queues.length("mailbox-sync") == 1
    assert [issue["code"] for issue in warm.get("/health")["issues"]] == ["round_failing"]
    warm.emulator.faults.clear()
    warm.advance(600)
    warm.scan()
    assert_taken_once(warm, 3 if outdated else 2)


@pytest.mark.requirement("MAIL-4", "CONN-9")
def test_mails_minutes_apart_need_no_look_at_mailbox_or_connection(warm: World) -> None:
    for _ in range(3):
        warm.advance(150)
        warm.scan()
        warm.advance(140)
        assert cost_of(warm, mail("Minutes later")).calls in (SINGLE, {**SINGLE, SENDER: 1})
    assert_taken_once(warm, 4)


@pytest.mark.requirement("CONN-9")
def test_a_disconnection_elsewhere_stops_the_next_round_whatever_is_remembered(warm: World) -> None:
    with another_process(warm):
        assert warm.api("POST", "/connections/contoso/disconnect").status == 200
    warm.advance(90)
    deliver(warm, "While it is disconnected")
    assert len(warm.tickets()) == 1
    with another_process(warm):
        assert warm.api("POST", "/connections/contoso/connect").status == 200
        warm.settle()
    assert_taken_once(warm, 2)


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("count", range(1, 9))
def test_a_disconnection_that_died_on_its_way_is_whole_when_it_is_wanted_again(warm: World, count: int) -> None:
    def disconnect(world: World) -> None:
        world.api("POST", "/connections/contoso/disconnect")

    with another_process(warm):
        kill_after(warm, count, disconnect)
    with another_process(warm):
        disconnect(warm)
    warm.advance(20)
    deliver(warm, "While it is disconnected")
    assert len(warm.tickets()) == 1
