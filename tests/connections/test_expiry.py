"""Warnings at 30, 14, 7 and 1 days, on the day, and daily afterwards; each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.connections.expiry import describe, find_warning

ENDS = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.requirement("CONN-10")
@pytest.mark.parametrize(
    ("days", "warning"),
    [
        (400, None),
        (31, None),
        (30, "30-days"),
        (15, "30-days"),
        (14, "14-days"),
        (8, "14-days"),
        (7, "7-days"),
        (2, "7-days"),
        (1, "1-days"),
        (0, "0-days"),
        (-1, "over-2027-01-01"),
        (-2, "over-2027-01-02"),
    ],
)
def test_which_warning_is_due(days: int, warning: str | None) -> None:
    assert find_warning(ENDS, ENDS - timedelta(days=days, hours=2)) == warning


def test_what_has_just_ended_is_over() -> None:
    assert find_warning(ENDS, ENDS) == "over-2026-12-31"


def test_an_end_is_told_in_words() -> None:
    assert describe(ENDS, ENDS - timedelta(days=7)) == "ends in 7 days, on 2026-12-31 (UTC)"
    assert describe(ENDS, ENDS - timedelta(days=1)) == "ends in 1 day, on 2026-12-31 (UTC)"
    assert describe(ENDS, ENDS - timedelta(hours=1)) == "ends today, on 2026-12-31 (UTC)"
    assert describe(ENDS, ENDS) == "ended on 2026-12-31 (UTC)"
