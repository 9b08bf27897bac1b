"""The ledger: one row a mail, claimed by one round at a time, from its claim to its verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import NotFound
from shared.mail import ledger, mailboxes
from shared.mail.ledger import MOST_SINGLE_READS, Entry
from shared.mail.state import State
from shared.mail.verdicts import Verdict
from shared.runtime import Runtime
from shared.storage.tables import RowChanged, RowExists
from tests.world import World

RECEIVED = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def box(world: World) -> str:
    return mailboxes.create(world.rt, connection_id="c", address="support@contoso.com", values={}).mailbox_id


def entries(box: str, count: int) -> list[Entry]:
    return [ledger.new_entry(box, f"id{index}", RECEIVED + timedelta(seconds=index)) for index in range(count)]


def state_of(rt: Runtime, box: str) -> State:
    return mailboxes.get_head(rt, box)[1]


@pytest.mark.requirement("MAIL-4")
def test_the_same_mail_always_has_the_same_key_and_newer_ones_come_first(box: str) -> None:
    first, second = entries(box, 2)
    assert entries(box, 2) == [first, second]
    assert second.key < first.key
    assert ledger.new_entry("other", "id0", RECEIVED).origin != first.origin


@pytest.mark.requirement("MAIL-4")
def test_a_mail_is_claimed_once_and_a_page_whole_or_not_at_all(world: World, box: str) -> None:
    page, state = entries(box, 3), state_of(world.rt, box)
    ledger.claim(world.rt, box, state, page[:1])
    fresh = entries(box, 3)
    with pytest.raises(RowExists):
        ledger.claim(world.rt, box, state_of(world.rt, box), fresh)
    assert [entry.claimed_at for entry in fresh] == ["", "", ""]
    assert [entry.key for entry in ledger.iter_newest(world.rt, box)] == [page[0].key]


@pytest.mark.requirement("MAIL-4")
def test_of_two_rounds_the_slower_is_refused_at_its_next_step(world: World, box: str) -> None:
    page, slow, fast = entries(box, 2), state_of(world.rt, box), state_of(world.rt, box)
    ledger.claim(world.rt, box, fast, page[:1])
    with pytest.raises(RowChanged):
        ledger.claim(world.rt, box, slow, page[1:])
    with pytest.raises(RowChanged):
        ledger.finish(world.rt, box, slow, [])
    with pytest.raises(RowChanged):
        ledger.save_state(world.rt, box, slow)
    ledger.save_state(world.rt, box, fast)
    assert len(list(ledger.iter_newest(world.rt, box))) == 1


@pytest.mark.requirement("MAIL-4")
def test_a_round_goes_on_where_settings_were_changed_and_only_where_it_has_the_mailbox(world: World, box: str) -> None:
    page, state, slow = entries(box, 2), state_of(world.rt, box), state_of(world.rt, box)
    state.done_folder_id = "former"
    ledger.claim(world.rt, box, state, page[:1])
    mailboxes.change(world.rt, box, {"done_folder": "Elsewhere"})
    with pytest.raises(RowChanged):
        ledger.claim(world.rt, box, slow, page[1:])
    ledger.claim(world.rt, box, state, page[1:])
    mailboxes.change(world.rt, box, {"team": "Night shift"})
    ledger.finish(world.rt, box, state, [])
    stored = state_of(world.rt, box)
    assert (stored.done_folder_id, stored.settings_version, stored.etag) == ("", state.settings_version, state.etag)
    assert len(list(ledger.iter_newest(world.rt, box))) == 2


def test_a_mailbox_that_was_removed_is_not_made_again(world: World, box: str) -> None:
    with pytest.raises(RowChanged):
        ledger.save_state(world.rt, "nobody", State())
    with pytest.raises(NotFound):
        mailboxes.get_head(world.rt, "nobody")
    assert state_of(world.rt, box).etag


@pytest.mark.requirement("MAIL-11")
def test_a_mail_that_comes_back_is_claimed_anew_and_counts_as_in_hand(world: World, box: str) -> None:
    [entry], state = entries(box, 1), state_of(world.rt, box)
    ledger.claim(world.rt, box, state, [entry])
    entry.conclude(Verdict.GONE)
    ledger.finish(world.rt, box, state, [entry])
    stored = ledger.get(world.rt, box, entry.key)
    assert stored.verdict == Verdict.GONE
    assert not stored.is_finished
    ledger.claim(world.rt, box, state, [stored])
    assert ledger.get(world.rt, box, entry.key).verdict == ""


@pytest.mark.requirement("MAIL-11", "MAIL-15")
def test_verdicts_are_counted_and_what_has_none_stays_as_it_was(world: World, box: str) -> None:
    page, state = entries(box, 4), state_of(world.rt, box)
    ledger.claim(world.rt, box, state, page)
    page[0].conclude(Verdict.TICKET)
    page[0].number = 1
    page[1].conclude(Verdict.QUARANTINED, "x" * 10_000, "y" * 10_000)
    page[2].refusals = 1
    page[3].subject = "changed in memory only"
    ledger.finish(world.rt, box, state, page)
    stored = [ledger.get(world.rt, box, entry.key) for entry in page]
    assert [bool(entry.done_at) for entry in stored] == [True, True, False, False]
    assert len(stored[1].reason) == len(stored[1].cure) == 2_000
    assert (stored[2].refusals, stored[3].subject) == (1, "")
    counted = state_of(world.rt, box)
    assert (counted.taken, counted.quarantined) == (1, 1)


def test_what_is_known_is_found_one_by_one_or_as_a_range(world: World, box: str) -> None:
    page, state = entries(box, MOST_SINGLE_READS + 4), state_of(world.rt, box)
    ledger.claim(world.rt, box, state, page[::2])
    for keys in ([entry.key for entry in page], [entry.key for entry in page[:3]]):
        world.meter.start()
        found = {entry.key for entry in ledger.find_known(world.rt, box, keys)}
        assert found == {entry.key for entry in page[::2]} & set(keys)
        assert len(world.meter.calls) <= min(len(keys), MOST_SINGLE_READS)


def test_the_key_at_a_moment_parts_earlier_from_later(world: World, box: str) -> None:
    page = entries(box, 3)
    ledger.claim(world.rt, box, state_of(world.rt, box), page)
    past = ledger.key_at(page[1].received_at)
    assert [entry.key for entry in ledger.iter_newest(world.rt, box, past=past)] == [page[0].key]


def test_an_entry_that_is_not_there_is_not_found(world: World, box: str) -> None:
    with pytest.raises(NotFound):
        ledger.get(world.rt, box, "98204812799999999~0123456789ab")
