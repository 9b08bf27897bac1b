"""Who waits is remembered in few bytes, and of too many only that they are too many."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.mirror import Known, bare_digest, waiting_digest
from shared.directory.packing import Marks, mark_of, pack, pack_marks, unpack, unpack_marks
from shared.directory.plan import Entry, Step
from shared.directory.reasons import Reason
from shared.directory.runs import MOST_WAITING, Phase, State
from shared.storage.rows import Row
from shared.storage.tables import LARGEST_PROPERTY

ONE, OTHER = frozenset({mark_of("one")}), frozenset({mark_of("other")})
IDS = [str(uuid.UUID(int=number)) for number in range(MOST_WAITING + 2)]


@given(ids=st.lists(st.uuids().map(str)))
def test_ids_are_read_as_they_were_packed(ids: list[str]) -> None:
    assert list(unpack(pack(ids))) == ids


@given(each=st.lists(st.frozensets(st.text().map(mark_of), max_size=9)))
def test_marks_are_read_as_they_were_packed(each: list[Marks]) -> None:
    assert list(unpack_marks(pack_marks(each))) == each


def test_a_mark_is_the_same_in_every_process() -> None:
    assert mark_of("ada@contoso.com").hex() == "e58dd8afb13cdc0b"


@pytest.mark.requirement("DIR-2")
def test_who_waits_is_noted_once_with_what_they_claim_last_and_taken_off_once_they_do_not() -> None:
    state = State()
    steps: tuple[dict[str, Marks | None], ...] = (
        {IDS[0]: ONE, IDS[1]: ONE},
        {IDS[0]: OTHER, IDS[2]: None},
        {IDS[1]: None, IDS[3]: frozenset()},
    )
    for waits in steps:
        state.note_waiting(waits)
    assert state.waiting == {IDS[0]: OTHER, IDS[3]: frozenset()}
    assert State.of(state.row("contoso")).waiting == state.waiting


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize(("people", "marks"), [(MOST_WAITING + 1, 1), (100, 82)])
def test_of_too_many_nobody_is_remembered_until_all_are_looked_at(people: int, marks: int) -> None:
    claimed = frozenset(mark_of(str(number)) for number in range(marks))
    state = State()
    state.note_waiting(dict.fromkeys(IDS[: people - 1], claimed))
    row = state.row("contoso")
    assert (len(State.of(row).waiting), State.of(row).too_many_wait) == (people - 1, False)
    assert max(len(row["waiting"]), len(row["waiting_marks"])) <= LARGEST_PROPERTY
    state.note_waiting({IDS[people]: claimed})
    state.note_waiting(dict.fromkeys(IDS, None))
    assert (state.waiting, State.of(state.row("contoso")).too_many_wait) == ({}, True)
    state.remember_waiting({IDS[0]: ONE})
    assert (state.waiting, state.too_many_wait) == ({IDS[0]: ONE}, False)


def test_what_a_former_version_remembered_has_all_looked_at() -> None:
    assert State.of(Row("contoso", "!state", {"waiting": pack(IDS[:2])})).too_many_wait
    assert not State.of(Row("contoso", "!state", {"waiting": b""})).too_many_wait


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
@pytest.mark.parametrize(("phase", "way"), [("groups", "as it was"), ("plan", "as it was"), ("apply", ""), ("end", "")])
def test_whoever_waits_is_looked_at_after_a_run_that_was_applied_in_part(phase: Phase, way: str) -> None:
    state = State(run="r1", phase=phase, way="as it was")
    state.give_up(datetime(2026, 11, 22, tzinfo=UTC), "A site was made meanwhile.", "Nothing to do.")
    assert state.way == way, "what was free then is told of no more"
