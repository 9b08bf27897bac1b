"""When a run begins by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.clock import from_text, to_text
from shared.directory.rules import Rules
from shared.directory.runs import Run, State, Totals, new_run, run_of
from shared.directory.schedule import find_next, is_due
from shared.storage.rows import Row

NOW = from_text("2026-11-21T18:00:00Z")
HOURLY = Rules(enabled=True, every_hours=1)


def ago(**span: float) -> State:
    """A state whose last run began so long ago."""
    return State(began_at=to_text(NOW - timedelta(**span)))


@pytest.mark.requirement("DIR-12")
@pytest.mark.parametrize(
    ("rules", "state", "due"),
    [
        (HOURLY, State(), True),
        (HOURLY, ago(minutes=60), True),
        (HOURLY, ago(minutes=54), True),
        (HOURLY, ago(minutes=45), False),
        (HOURLY.model_copy(update={"every_hours": 3}), ago(minutes=120), False),
        (HOURLY.model_copy(update={"every_hours": 3}), ago(minutes=175), True),
        (HOURLY.model_copy(update={"every_hours": 0}), State(), False),
        (HOURLY.model_copy(update={"enabled": False}), State(), False),
        (HOURLY, State(run="1", phase="plan"), False),
    ],
)
def test_whether_a_run_is_due(rules: Rules, state: State, due: bool) -> None:
    assert is_due(rules, state, NOW) is due


def test_the_next_run_is_told() -> None:
    assert find_next(HOURLY, ago(minutes=10)) == NOW + timedelta(minutes=50)
    assert find_next(HOURLY, State()) is None
    assert find_next(Rules(), ago(minutes=10)) is None


def test_a_preview_puts_nothing_off() -> None:
    state = ago(minutes=10)
    state.begin(new_run(NOW, "preview", "asked"))
    assert state.began_at == ago(minutes=10).began_at
    state.begin(new_run(NOW, "run", "scan"))
    assert state.began_at == to_text(NOW)


def test_states_and_runs_are_read_as_they_were_written() -> None:
    state = State(
        "etag",
        run="1",
        mode="preview",
        totals=Totals(1, 2, 3, 4),
        doubtful=(str(UUID(int=2)), str(UUID(int=1))),
        troubles=("gone",),
    )
    row = state.row("contoso")
    assert State.of(Row(row.partition, row.key, row.values, "etag")) == state
    run = Run("7", "run", "scan", "", counts={"create": 2}, spared=("x",), troubles=("gone",), etag="")
    assert run_of(run.row("contoso")) == run
