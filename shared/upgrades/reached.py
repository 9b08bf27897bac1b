"""How far a storage is: one row, written with every page of rows that was brought forward.

A storage without the row is at 0: what was written before there were versions, or nothing at all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.runtime import Runtime
from shared.storage.rows import Change, Row, fill

TABLE = "Upgrades"
PARTITION = "schema"
KEY = "reached"


@dataclass(slots=True)
class Reached:
    """``number``: of the last step that came to its end. ``after``: the last key that the next one has been at.

    ``needs``: the number that an app must know at least to work here. ``left``: rows that no step could read.
    ``at``: when any of it was last written, ISO 8601 in UTC.
    """

    number: int = 0
    after: str = ""
    needs: int = 0
    left: int = 0
    at: str = ""
    etag: str | None = None


def find(rt: Runtime) -> Reached:
    """How far the storage is: one point read."""
    row = rt.tables[TABLE].find(PARTITION, KEY)
    return fill(Reached, row, etag=row.etag) if row else Reached()


def save(rt: Runtime, reached: Reached) -> None:
    """Write it down; raises RowChanged or RowExists where another worker did since it was read."""
    values = asdict(reached)
    row = Row(PARTITION, KEY, values, values.pop("etag"))
    rt.tables[TABLE].transact([Change("replace" if row.etag else "insert", row)])
    reached.etag = row.etag
