"""What is remembered of mailboxes between rounds: what a round can begin with, once, and not for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.mail import heads, mailboxes
from shared.mail.heads import Head
from tests.world import World


@pytest.fixture
def head(world: World) -> Head:
    """Of a mailbox that had a round."""
    values = {"disposal": "move"}
    made = mailboxes.create(world.rt, connection_id="c", address="support@contoso.com", values=values)
    found = heads.read(world.rt, made.mailbox_id)
    found.state.done_folder_id = "folder"
    found.state.succeed(world.clock.now(), world.clock.now(), "cursor")
    return found


def test_one_round_begins_with_it_and_the_next_one_if_that_keeps_it(world: World, head: Head) -> None:
    box = head.mailbox.mailbox_id
    assert heads.take(world.rt, box) is None
    for _ in range(2):
        heads.keep(world.rt, head)
        assert heads.take(world.rt, box) is head
    assert heads.take(world.rt, box) is None


def test_ten_minutes_after_it_was_read_it_is_read_anew_however_often_it_was_used(world: World, head: Head) -> None:
    box = head.mailbox.mailbox_id
    for _ in range(2):
        world.advance(295)
        heads.keep(world.rt, head)
        assert heads.take(world.rt, box) is head
    heads.keep(world.rt, head)
    world.advance(10)
    assert heads.take(world.rt, box) is None


def test_whoever_reads_it_anew_forgets_it(world: World, head: Head) -> None:
    heads.keep(world.rt, head)
    heads.read(world.rt, head.mailbox.mailbox_id)
    assert heads.take(world.rt, head.mailbox.mailbox_id) is None


NOT_PLAIN: dict[str, Callable[[World, Head], Head]] = {
    "switched off": lambda _, head: replace(head, mailbox=replace(head.mailbox, enabled=False)),
    "a folder to be made": lambda _, head: replace(head, state=replace(head.state, done_folder_id="")),
    "a round at it, or dead": lambda _, head: replace(head, state=replace(head.state, lease_until="2026-11-21")),
    "something unfinished": lambda _, head: replace(head, state=replace(head.state, open_low="key")),
    "mails to be moved": lambda _, head: replace(head, state=replace(head.state, unmoved_low="key")),
    "failing": lambda _, head: replace(head, state=replace(head.state, failing_since="2026-11-21")),
}


@pytest.mark.parametrize("why", NOT_PLAIN)
def test_no_round_begins_with_a_head_that_needs_a_second_look(world: World, head: Head, why: str) -> None:
    heads.keep(world.rt, NOT_PLAIN[why](world, head))
    assert heads.take(world.rt, head.mailbox.mailbox_id) is None


def test_without_a_folder_to_move_to_none_needs_to_be_known(world: World, head: Head) -> None:
    marked = Head(replace(head.mailbox, disposal="mark_read"), replace(head.state, done_folder_id=""), head.good_until)
    heads.keep(world.rt, marked)
    assert heads.take(world.rt, head.mailbox.mailbox_id) is marked


def test_a_mailbox_that_others_are_at_is_not_remembered_for_ten_minutes(world: World, head: Head) -> None:
    box = head.mailbox.mailbox_id
    heads.distrust(world.rt, box)
    heads.keep(world.rt, head)
    assert heads.take(world.rt, box) is None
    world.advance(601)
    fresh = replace(head, good_until=world.clock.steady() + 1)
    heads.keep(world.rt, fresh)
    assert heads.take(world.rt, box) is fresh


def test_what_is_remembered_has_a_bound(world: World, head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_MOST_REMEMBERED", 2)
    for index in range(5):
        heads.keep(world.rt, replace(head, mailbox=replace(head.mailbox, mailbox_id=f"box-{index}")))
        heads.distrust(world.rt, f"other-{index}")
    assert heads.take(world.rt, "box-4")
    assert [len(each) for name, each in sorted(world.rt.memory.items()) if name.startswith("mail.")] == [1, 0]
