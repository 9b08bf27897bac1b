"""Ticket numbers: unique, rising in the order of recording, without gaps.

The counter is a row of the same partition as the tickets and changes in the very transaction that stores them: what is
not stored uses no number, and of two workers that want the same number one is refused and takes the next.
"""

from __future__ import annotations

from threading import RLock

from shared.desk import PARTITION, TABLE
from shared.runtime import Runtime
from shared.storage.tables import Change, Row

KEY = "!counter"


class Counter:
    """The counter as this process last saw it. Hold ``lock`` from taking numbers until they are stored."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._row: Row | None = None

    def last(self, rt: Runtime) -> int:
        """The last number given, as far as this process knows."""
        if self._row is None:
            found = rt.tables[TABLE].find(PARTITION, KEY)
            self._row = found or Row(PARTITION, KEY, {"last": 0})
        return int(self._row["last"])

    def advance(self, to: int) -> Change:
        """The change that gives all numbers up to ``to``; it is refused if another worker gave any meanwhile."""
        present = self._row
        row = Row(PARTITION, KEY, {"last": to}, present.etag if present else None)
        return Change("replace" if row.etag else "insert", row)

    def advanced(self, change: Change) -> None:
        """Remember what was stored."""
        self._row = change.row

    def forget(self) -> None:
        """Read the counter again before the next number."""
        self._row = None


def counter(rt: Runtime) -> Counter:
    """The one counter of this process."""
    found: Counter = rt.memory.setdefault("desk.counter", Counter())
    return found


def read_last(rt: Runtime) -> int:
    """The last number given by any worker; 0 before the first."""
    row = rt.tables[TABLE].find(PARTITION, KEY)
    return 0 if row is None else int(row["last"])
