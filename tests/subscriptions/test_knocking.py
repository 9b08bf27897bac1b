"""Few rounds out of many notifications, and never one too few."""

from __future__ import annotations

import asyncio
from base64 import b64decode

import pytest
from azure.storage.queue import QueueClient

from shared.runtime import Runtime
from shared.subscriptions.knocking import AT_ONCE, WINDOW, Knocker
from shared.work import CareForSubscription, SyncMailbox, Work
from tests.world import World

QUEUE = "mailbox-sync"


def notice(mailbox_id: str = "box") -> SyncMailbox:
    return SyncMailbox(mailbox_id=mailbox_id, cause="notification", noticed_at="2026-11-21T10:00:00.000000Z")


def put(rt: Runtime, knocker: Knocker, work: Work) -> None:
    knock = knocker.plan(rt.clock, work)
    if knock:
        asyncio.run(knocker.put(rt, knock))


@pytest.mark.requirement("MAIL-3", "OPS-1")
def test_a_burst_is_one_knock_at_once_and_one_at_the_end_of_the_second(world: World) -> None:
    knocker = Knocker()
    for _ in range(20):
        put(world.rt, knocker, notice())
    assert (knocker.put_count, knocker.spared) == (2, 18)
    assert world.rt.queues.length(QUEUE) == 2


@pytest.mark.requirement("MAIL-3", "OPS-1")
def test_a_notice_is_spared_only_if_a_knock_becomes_visible_after_it(world: World) -> None:
    """Whatever was told of before a round begins is in the mailbox when it begins."""
    knocker, began = Knocker(), world.clock.steady()
    visible_at: list[float] = []
    for _ in range(60):
        now, before = world.clock.steady() - began, knocker.put_count
        put(world.rt, knocker, notice())
        if knocker.put_count > before:
            shared = visible_at and now < visible_at[-1] + WINDOW
            visible_at.append(now + WINDOW if shared else now)
        assert visible_at[-1] >= now
        world.advance(0.05)
    assert knocker.put_count <= 2 + 60 * 0.05 / WINDOW + 1


@pytest.mark.requirement("MAIL-3", "OPS-1")
def test_in_a_hail_only_the_first_mailboxes_are_looked_at_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    knocker, boxes, began = Knocker(), 50, world.clock.steady()
    monkeypatch.setattr(world.clock, "steady", lambda: began)
    for index in range(1_000):
        put(world.rt, knocker, notice(f"box{index % boxes}"))
    assert knocker.put_count == 2 * AT_ONCE + (boxes - AT_ONCE)
    assert knocker.spared == 1_000 - knocker.put_count
    at_once = [text for text in take_all(world, knocker.put_count) if notice().noticed_at in text]
    assert len(at_once) == AT_ONCE
    monkeypatch.setattr(world.clock, "steady", lambda: began + 2 * WINDOW)
    put(world.rt, knocker, notice())
    assert world.rt.queues.length(QUEUE) == 1


def take_all(world: World, count: int) -> list[str]:
    """Take messages off the queue until there were as many; the last ones show themselves a second later."""
    connection = world.rt.settings.storage_connection.get_secret_value()
    client, found = QueueClient.from_connection_string(connection, QUEUE), list[str]()
    while len(found) < count:
        for message in client.receive_messages():
            client.delete_message(message)
            found.append(b64decode(message.content).decode())
    return found


@pytest.mark.requirement("MAIL-3")
def test_single_mails_are_never_delayed(world: World) -> None:
    knocker = Knocker()
    for _ in range(3):
        world.meter.start()
        put(world.rt, knocker, notice())
        assert world.meter.count("queue") >= 1
        world.advance(5)
    assert knocker.spared == 0


def test_mailboxes_do_not_share_their_knocks_and_other_work_is_never_spared(world: World) -> None:
    knocker = Knocker()
    for index in range(5):
        put(world.rt, knocker, notice(f"box{index}"))
        put(world.rt, knocker, CareForSubscription(mailbox_id="box", cause="lifecycle"))
    assert (knocker.put_count, knocker.spared) == (5, 0)
    assert world.rt.queues.length("subscription-care") == 5


@pytest.mark.requirement("OPS-1")
def test_a_knock_that_was_not_stored_spares_none_after_it(world: World) -> None:
    away = "AccountName=x;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:9/x;TableEndpoint=http://127.0.0.1:9/x"
    reachable, knocker = world.rt, Knocker()
    unreachable = world.start(AzureWebJobsStorage=away)
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        put(unreachable, knocker, notice())
    put(reachable, knocker, notice())
    assert reachable.queues.length(QUEUE) == 1
    world.start()
