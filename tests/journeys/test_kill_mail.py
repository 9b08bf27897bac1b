"""Mail intake killed after each single request: one ticket, one action, the mail where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from dev.host import Host
from shared import runtime
from tests.kill import SHARDS, iter_survivors
from tests.world import SUPPORT, World, mail

pytestmark = pytest.mark.minutes


def _with_attachment() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <ada@example.com>", SUPPORT, "Printer broken"
    message["Message-ID"], message["Date"] = "<first@example.com>", "Sat, 21 Nov 2026 10:00:00 +0000"
    message.set_content("It does not print.")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="page.pdf")
    return message.as_bytes()


def _watched(world: World) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()


def _silent(world: World) -> None:
    _watched(world)
    world.emulator.faults.add(Fault(kind="drop_notifications"))


def _remembered(world: World) -> None:
    """The next mail's round begins from memory."""
    _watched(world)
    world.emulator.deliver(SUPPORT, mail("Before"))
    world.settle()
    world.advance(2)


def _outdated(world: World) -> None:
    """The same, and another process was at the mailbox since."""
    _remembered(world)
    runtime.use(replace(world.rt, memory={}))
    world.emulator.deliver(SUPPORT, mail("Taken elsewhere"))
    world.settle()
    world.advance(2)
    runtime.use(world.rt)


def _by_webhook(world: World) -> None:
    world.emulator.deliver(SUPPORT, _with_attachment())
    world.settle()


def _by_scan(world: World) -> None:
    world.emulator.deliver(SUPPORT, _with_attachment())
    world.scan()


def _two_by_scan(world: World) -> None:
    world.emulator.deliver(SUPPORT, _with_attachment())
    world.advance(2)
    world.emulator.deliver(SUPPORT, mail("Re: Printer broken", In_Reply_To="<first@example.com>"))
    world.scan()


def _assert_taken_once(world: World, where: str, mails: int) -> None:
    [listed] = world.tickets()
    assert listed["number"] == 1, where
    actions = world.ticket(1)["actions"]
    assert len(actions) == mails, where
    [attachment] = actions[0]["attachments"]
    assert attachment["name"] == "page.pdf", where
    assert sorted(entry["verdict"] for entry in world.journal()) == ["reply", "ticket"][2 - mails :], where
    assert world.emulator.messages(SUPPORT) == [], where
    assert len(world.emulator.messages(SUPPORT, "Processed")) == mails, where
    assert world.get("/health")["healthy"], where


@pytest.mark.requirement("MAIL-4", "MAIL-7")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_every_step_by_webhook(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _watched, _by_webhook, shard):
        _assert_taken_once(world, where, 1)


@pytest.mark.requirement("MAIL-4", "MAIL-7")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_every_step_by_scan(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _silent, _by_scan, shard):
        _assert_taken_once(world, where, 1)


@pytest.mark.requirement("MAIL-4", "MAIL-8")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_every_step_with_a_reply_in_the_same_page(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _silent, _two_by_scan, shard):
        _assert_taken_once(world, where, 2)


@pytest.mark.requirement("MAIL-4", "MAIL-7")
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize(("prepare", "mails"), [(_remembered, 2), (_outdated, 3)])
def test_killed_at_every_step_of_a_round_from_memory(
    azurite: Azurite, host: Host, prepare: Callable[[World], None], mails: int, shard: int
) -> None:
    for where, world in iter_survivors(azurite, host, prepare, _by_webhook, shard):
        assert [ticket["number"] for ticket in world.tickets()] == list(range(mails, 0, -1)), where
        assert [len(world.ticket(number + 1)["actions"]) for number in range(mails)] == [1] * mails, where
        assert [entry["verdict"] for entry in world.journal()] == ["ticket"] * mails, where
        assert world.emulator.messages(SUPPORT) == [], where
        assert len(world.emulator.messages(SUPPORT, "Processed")) == mails, where
        assert world.get("/health")["healthy"], where
