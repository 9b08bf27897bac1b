"""What users and agents are found by: for each such field a version, another one with every change of what is in it.

Who could not come in because somebody has their address already, or a value that leads to several, need not look at the
whole desk to see whether that may be different by now: while the version is the same, it is not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from shared.desk import PARTITION, TABLE
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.rows import Change, Row

KEY = "!findable"

Findable = Mapping[str, str]
"""What is in the fields of a user or an agent, as one text each."""


def not_findable(_thing: object) -> Findable:
    """For things that nobody is looked up among."""
    return {}


def changes(pairs: Iterable[tuple[Findable, Findable]]) -> list[Change]:
    """What goes into the transaction that changes such things: one row, or none where no value in a field does.

    ``pairs``: each as it was and as it will be. Who is new frees nothing.
    """
    moved = {
        name for before, after in pairs for name in {*before, *after} if before.get(name, "") != after.get(name, "")
    }
    return [Change("upsert", Row(PARTITION, KEY, {_column(each): uuid.uuid4().hex for each in moved}))] if moved else []


def version(rt: Runtime, names: Iterable[str]) -> str:
    """Stands for all that is in these fields at the desk: the same for as long as nobody has changed any of it."""
    row = rt.tables[TABLE].find(PARTITION, KEY)
    columns = sorted({_column(each) for each in names})
    return digest(*(str(row.get(each, "")) if row else "" for each in columns))


def _column(name: str) -> str:
    """A row has room for the fields that everybody has; the custom ones share sixteen columns."""
    return name if name.isidentifier() else f"custom_{digest(name)[0]}"
