"""A large backlog under everything that can go wrong at once: the journal equals the mailbox."""

from __future__ import annotations

import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.graph import Fault
from tests.world import SUPPORT, World, mail

WAITING = 5_000
ARRIVING = 200
DAMAGED_EVERY = 100
DAMAGED = 7
"""The place of the damaged one in each hundred."""


def _raw(index: int) -> bytes:
    """One mail; one in a hundred is damaged and cannot be parsed."""
    if index % DAMAGED_EVERY == DAMAGED:
        return b""
    return mail(f"Mail {index}", sender=f"user{index % 60}@example.com", message_id=f"<{index}@example.com>")


@pytest.mark.minutes
@pytest.mark.requirement("MAIL-2", "MAIL-4", "MAIL-11", "MAIL-15", "OPS-2")
def test_five_thousand_waiting_mails_under_faults(world: World) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    world.emulator.raise_request_limit(1_000_000)
    delivered = [world.emulator.deliver(SUPPORT, _raw(index)) for index in range(WAITING)]
    world.start(SLICE_SECONDS="25")
    _add_faults(world)

    with ThreadPoolExecutor(1) as people:
        busy = people.submit(_mail_and_read_meanwhile, world, delivered)
        world.scan(timeout=1500)
        busy.result()
    for _ in range(60):
        if len(world.emulator.messages(SUPPORT)) == len(delivered) // DAMAGED_EVERY:
            break
        world.advance(60)
        world.scan(timeout=1500)
    world.emulator.faults.clear()
    world.advance(60)
    world.scan(timeout=1500)

    journal = world.journal()
    assert {entry["message_id"] for entry in journal} == set(delivered)
    assert len(journal) == len(delivered)
    quarantined = {entry["message_id"] for entry in journal if entry["verdict"] == "quarantined"}
    assert quarantined == {each for index, each in enumerate(delivered) if index % DAMAGED_EVERY == DAMAGED}
    assert all(entry["reason"] for entry in journal if entry["verdict"] == "quarantined")
    assert {message.immutable_id for message in world.emulator.messages(SUPPORT)} == quarantined
    assert len(world.emulator.messages(SUPPORT, "Processed")) == len(delivered) - len(quarantined)
    tickets = world.tickets()
    assert [ticket["number"] for ticket in tickets] == list(range(len(delivered) - len(quarantined), 0, -1))
    received = {entry["number"]: entry["received_at"] for entry in journal if entry["number"]}
    in_order = [received[number] for number in sorted(received)]
    assert in_order == sorted(in_order)
    assert world.emulator.statistics.max_concurrency(SUPPORT) <= 4


def _add_faults(world: World) -> None:
    for kind in ("unavailable", "lost_answer", "timeout"):
        world.emulator.faults.add(Fault(kind=kind, probability=0.004, path="/messages"))
    world.emulator.faults.add(Fault(kind="throttle", probability=0.004, path="/messages", retry_after=1))
    world.emulator.faults.add(Fault(kind="throttle", times=3, skip=900, path="/messages", retry_after=7))


def _mail_and_read_meanwhile(world: World, delivered: list[str]) -> None:
    """New mail arrives, and a person reads one in ten of the waiting ones, while they are taken in."""
    chance = random.Random(7)  # noqa: S311 - the same each time, on purpose
    for message_id in chance.sample(delivered, WAITING // 10):
        with contextlib.suppress(LookupError):
            world.emulator.mark_read(SUPPORT, message_id)
        if len(delivered) < WAITING + ARRIVING:
            delivered.append(world.emulator.deliver(SUPPORT, _raw(len(delivered))))
        time.sleep(0.1)
