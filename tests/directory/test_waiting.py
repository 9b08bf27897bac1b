"""Who waits is remembered in few bytes, and of too many only that they are too many."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.mirror import Known, bare_digest, waiting_digest
from shared.directory.packing import pack, unpack
from shared.directory.plan import Entry, Step
from shared.directory.reasons import Reason
from shared.directory.runs import MOST_WAITING, State
from shared.storage.tables import LARGEST_PROPERTY

IDS = [str(uuid.UUID(int=number)) for number in range(MOST_WAITING + 2)]


@given(ids=st.lists(st.uuids().map(str)))
def test_ids_are_read_as_they_were_packed(ids: list[str]) -> None:
    assert list(unpack(pack(ids))) == ids


@pytest.mark.requirement("DIR-2")
def test_who_waits_is_noted_once_and_taken_off_once_they_do_not() -> None:
    state = State()
    for waits in ({IDS[0]: True, IDS[1]: True}, {IDS[0]: True, IDS[2]: False}, {IDS[1]: False}):
        state.note_waiting(waits)
    assert state.waiting == (IDS[0],)
    assert State.of(state.row("contoso")).waiting == state.waiting


@pytest.mark.requirement("DIR-10")
def test_of_too_many_nobody_is_taken_off_and_the_row_takes_them() -> None:
    state = State()
    state.note_waiting(dict.fromkeys(IDS[:MOST_WAITING], True))
    assert len(state.waiting) == MOST_WAITING
    state.note_waiting(dict.fromkeys(IDS, True))
    state.note_waiting(dict.fromkeys(IDS, False))
    row = state.row("contoso")
    assert len(row["waiting"]) < LARGEST_PROPERTY
    assert (state.too_many_wait, State.of(row).too_many_wait) == (True, True)


@pytest.mark.requirement("DIR-2")
def test_a_digest_says_what_somebody_waits_for() -> None:
    steps = (Step("the site", "'Berlin'"), Step("no_site", ""), Step("ambiguous", ""), Step("no_site", ""))
    entry = Entry("ada", "Ada", "refuse", Reason.AMBIGUOUS, steps=steps)
    assert entry.obstacles == ("ambiguous", "no_site")
    marked = waiting_digest("cafe", entry.obstacles)
    assert Known("ada", digest=marked).is_waiting
    assert bare_digest(marked) == bare_digest(f"held {marked}") == bare_digest("cafe") == "cafe"
    assert not any(Known("ada", digest=each).is_waiting for each in ("cafe", f"held {marked}", ""))
    assert waiting_digest("cafe", ()) == "cafe"


@pytest.mark.requirement("DIR-2")
def test_whoever_waits_is_looked_at_after_a_run_that_was_given_up() -> None:
    state = State(run="r1", phase="apply", way="as it was")
    state.give_up(datetime(2026, 11, 22, tzinfo=UTC), "A site was made meanwhile.", "Nothing to do.")
    assert state.way == "", "some of it may be applied, and what was free then is told of no more"
