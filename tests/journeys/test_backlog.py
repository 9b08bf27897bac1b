"""A large backlog under everything that can go wrong at once: the journal equals the mailbox."""

from __future__ import annotations

import random

import pytest

from dev.graph import Fault
from tests.world import SUPPORT, World, mail

WAITING = 5_000
ARRIVING = 100
UNREADABLE_EVERY = 100


def _raw(index: int) -> bytes:
    """One mail; every hundredth is damaged and cannot be parsed."""
    if index % UNREADABLE_EVERY == 7:
        return b""
    return mail(f"Mail {index}", sender=f"user{index % 60}@example.com", message_id=f"<{index}@example.com>")


@pytest.mark.requirement("MAIL-2", "MAIL-4", "MAIL-11", "MAIL-15", "OPS-2")
def test_five_thousand_waiting_mails_under_faults(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    world.settle()
    world.emulator.raise_request_limit(1_000_000)
    delivered = [world.emulator.deliver(SUPPORT, _raw(index)) for index in range(WAITING)]
    world.start(SLICE_SECONDS="8")
    _add_faults(world)

    chance = random.Random(7)  # noqa: S311 - the same each time, on purpose
    for message_id in chance.sample(delivered, WAITING // 10):
        world.emulator.mark_read(SUPPORT, message_id)
    world.host.run_timer("scan_mailboxes")
    for round_number in range(200):
        world.settle(timeout=300)
        if round_number < ARRIVING // 10:
            delivered += [world.emulator.deliver(SUPPORT, _raw(len(delivered) + step)) for step in range(10)]
        world.advance(60)
        world.scan()
        if len(world.journal()) == len(delivered) and all(entry["verdict"] for entry in world.journal()):
            break
    world.emulator.faults.clear()

    journal = world.journal()
    assert {entry["message_id"] for entry in journal} == set(delivered)
    assert len(journal) == len(delivered)
    quarantined = {entry["message_id"] for entry in journal if entry["verdict"] == "quarantined"}
    assert quarantined == {each for index, each in enumerate(delivered) if index % UNREADABLE_EVERY == 7}
    assert all(entry["reason"] for entry in journal if entry["verdict"] == "quarantined")
    assert {message.immutable_id for message in world.emulator.messages(SUPPORT)} == quarantined
    assert len(world.emulator.messages(SUPPORT, "Processed")) == len(delivered) - len(quarantined)
    tickets = world.tickets()
    assert [ticket["number"] for ticket in tickets] == list(range(len(delivered) - len(quarantined), 0, -1))
    received = {entry["number"]: entry["received_at"] for entry in journal if entry["number"]}
    in_order = [received[number] for number in sorted(received)]
    assert in_order == sorted(in_order)
    assert world.emulator.statistics.max_concurrency(SUPPORT) <= 4
    assert world.get(f"/mailboxes/{mailbox}")["enabled"]


def _add_faults(world: World) -> None:
    for kind in ("unavailable", "lost_answer", "timeout"):
        world.emulator.faults.add(Fault(kind=kind, probability=0.004, path="/messages"))
    world.emulator.faults.add(Fault(kind="throttle", probability=0.004, path="/messages", retry_after=1))
    world.emulator.faults.add(Fault(kind="throttle", times=3, skip=900, path="/messages", retry_after=7))
