"""Where rounds are: what a finished one covers, who holds the lease, what is left open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.clock import to_text
from shared.mail.state import LEASE, State
from shared.storage.rows import Row

BEGAN = datetime(2026, 11, 21, 10, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=3)


def after_a_round() -> State:
    state = State()
    state.take_lease(BEGAN)
    state.keep_open(["b", "a"])
    state.succeed(BEGAN, ENDED, "cursor")
    return state


def test_a_row_holds_the_whole_state_and_nothing_of_other_versions() -> None:
    state = after_a_round()
    row = state.row("box")
    assert (row.partition, row.key) == ("box", "!state")
    assert not {"etag", "leases"} & row.values.keys()
    assert State.of(Row("box", "!state", {**row.values, "of_a_later_version": 1}, "7")).row("box").etag == "7"
    assert State.of(row) == state
    assert State.of(None) == State()


def test_a_lease_ends_by_itself_and_with_its_round() -> None:
    state = State()
    assert not state.is_leased(BEGAN)
    state.take_lease(BEGAN)
    assert state.is_leased(BEGAN + LEASE - timedelta(seconds=1))
    assert not state.is_leased(BEGAN + LEASE)
    state.release()
    assert not state.is_leased(BEGAN)


@pytest.mark.parametrize(
    ("lease", "version", "taken"),
    [("own", "new", True), ("own", "old", False), ("other", "new", False), ("", "new", False)],
)
def test_only_changed_settings_are_taken_over_and_only_under_a_lease_of_ours(
    lease: str, version: str, taken: bool
) -> None:
    ours = State(etag="1", settings_version="old", done_folder_id="folder", lease="of a dead worker")
    ours.take_lease(BEGAN)
    leases = {"own": ours.lease, "other": "of a dead worker", "": ""}
    ours.take_lease(ENDED)  # that the table still holds the lease before: the step was refused
    present = State(etag="2", settings_version=version, lease=leases[lease])
    assert ours.take_over(present) is taken
    expected = ("2", "new", "") if taken else ("1", "old", "folder")
    assert (ours.etag, ours.settings_version, ours.done_folder_id) == expected


@pytest.mark.parametrize(
    ("seconds", "covered"), [(-3600, True), (-2.1, True), (-1.9, False), (-0.1, False), (0, False), (1, False)]
)
def test_a_round_covers_what_was_noticed_well_before_it_began(seconds: float, covered: bool) -> None:
    assert after_a_round().covers(to_text(BEGAN + timedelta(seconds=seconds))) is covered


def test_a_round_that_failed_or_is_unfinished_covers_nothing() -> None:
    noticed_at = to_text(BEGAN - timedelta(hours=1))
    assert not State().covers(noticed_at)
    failed, unfinished = after_a_round(), after_a_round()
    failed.fail(ENDED, "cause", "cure")
    unfinished.keep_open(["key"])
    assert not failed.covers(noticed_at)
    assert not unfinished.covers(noticed_at)


def test_what_is_open_is_known_by_its_first_and_last_key() -> None:
    state = State()
    state.keep_open({"c", "a", "b"})
    assert (state.open_low, state.open_high) == ("a", "c")
    state.keep_open(set())
    assert (state.open_low, state.open_high) == ("", "")


def test_a_failure_keeps_its_beginning_and_what_is_open_until_a_round_goes_well() -> None:
    state = State()
    state.take_lease(BEGAN)
    state.keep_open(["key"])
    state.fail(BEGAN, "one " * 1000, "cure")
    state.fail(ENDED, "two", "cure")
    assert (state.failing_since, state.failure, state.open_low) == (to_text(BEGAN), "two", "key")
    assert not state.is_leased(BEGAN)
    state.succeed(BEGAN, ENDED, "cursor")
    assert (state.failing_since, state.failure, state.open_low, state.cursor) == ("", "", "", "cursor")
