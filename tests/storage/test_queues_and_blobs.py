"""Messages and files, made where they are first needed."""

from __future__ import annotations

import time

import pytest

from shared.errors import NotFound
from shared.work import CareForSubscription
from tests.world import World


def test_a_file_comes_back_as_it_was_and_may_be_written_again(world: World) -> None:
    with pytest.raises(NotFound):
        world.rt.blobs.get("raw/a.eml")
    for data in (bytes(range(256)), b""):
        world.rt.blobs.put("raw/a.eml", data)
        assert world.rt.blobs.get("raw/a.eml") == data


def test_a_queue_is_made_by_its_first_message(world: World) -> None:
    assert world.rt.queues.length("subscription-care") == 0
    world.rt.queues.put(CareForSubscription(mailbox_id="nobody", cause="asked"))
    assert world.rt.queues.length("subscription-care") == 1
    world.settle()
    assert world.rt.queues.length("subscription-care") == 0


def test_a_delay_is_never_cut_short(world: World) -> None:
    began = time.monotonic()
    world.rt.queues.put(CareForSubscription(mailbox_id="nobody", cause="asked"), delay=0.4)
    world.settle(patience=5)
    assert world.rt.queues.length("subscription-care") == 0
    assert time.monotonic() - began >= 0.4
