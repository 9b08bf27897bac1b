"""What is written to and read from a table: rows, and changes of rows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(slots=True)
class Row:
    """One entity: its two keys, its values, and the version (etag) that it was read at."""

    partition: str
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    etag: str | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of this name, or the default; an absent value and None are the same in a table."""
        value = self.values.get(name)
        return default if value is None else value


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a transaction. ``merge`` and ``replace`` hold only if the row still has the row's etag, if given.

    ``merge`` gives some columns, ``replace`` and ``upsert`` all that this version knows. Columns that it does not know,
    written by a later version before somebody went back to this one, stay in any case: whoever is to be rid of a value
    writes an empty one.
    """

    kind: Literal["insert", "upsert", "merge", "replace", "delete"]
    row: Row


def fill[T: DataclassInstance](kind: type[T], row: Row, **known: object) -> T:
    """A dataclass made of a row's columns, and of what is ``known`` besides.

    Columns that it has no field for, written by another version, are passed over; absent ones keep their defaults.
    """
    columns = {each.name: row.values[each.name] for each in fields(kind) if row.get(each.name) is not None}
    return kind(**{**columns, **known})
