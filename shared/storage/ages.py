"""Rows that are found by what they are about, and removed by their age.

Each has a second row in its partition that holds its time, written and removed in one transaction with it. The keys of
such rows are digests; those of their times sort behind all of them, the latest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clock import from_text
from shared.storage.keys import newest_first
from shared.storage.rows import Change, Row

if TYPE_CHECKING:
    from shared.storage.tables import Table

BEHIND_DIGESTS = "~"
_MARK = "!dated"
"""What said so, before there were versions, once all rows had their times."""


def inserting(row: Row, moment: datetime) -> list[Change]:
    """The changes that add a row together with its time."""
    return [Change("insert", row), Change("insert", _time_of(row, moment))]


def iter_older(table: Table, partition: str, moment: datetime) -> Iterator[tuple[str, str]]:
    """The keys of the rows from before this moment, each with that of its time; the latest first."""
    for row in table.range(partition, low=BEHIND_DIGESTS + newest_first(moment), select=[]):
        yield row.key.rpartition("~")[2], row.key


def dating(row: Row, column: str) -> list[Change]:
    """What gives its time to a row of a version that had none. ``column``: where it holds it itself.

    Raises KeyError, TypeError or ValueError where it does not.
    """
    if row.key == _MARK:
        return [Change("delete", row)]
    return [] if row.key.startswith(BEHIND_DIGESTS) else [Change("upsert", _time_of(row, from_text(row[column])))]


def _time_of(row: Row, moment: datetime) -> Row:
    return Row(row.partition, f"{BEHIND_DIGESTS}{newest_first(moment)}~{row.key}")
