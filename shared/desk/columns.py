"""Things as columns of a row: text, truth and numbers as they are, everything else as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from shared.storage.rows import Row


_encode = json.JSONEncoder(ensure_ascii=False, default=asdict).encode
"""Made once: ``json.dumps`` would make one for each of fifty thousand users."""


def columns(thing: DataclassInstance) -> dict[str, Any]:
    """All fields of a thing as a row holds them."""
    return {each.name: _column(getattr(thing, each.name)) for each in fields(thing)}


def texts(row: Row, name: str) -> tuple[str, ...]:
    """The texts of a column."""
    return tuple(json.loads(row.get(name, "[]")))


def named_texts(row: Row, name: str) -> dict[str, str]:
    """The texts of a column by their names."""
    found: dict[str, str] = json.loads(row.get(name, "{}"))
    return found


def things[T: DataclassInstance](kind: type[T], row: Row, name: str) -> tuple[T, ...]:
    """The things of a column. What they have no field for, written by another version, is passed over."""
    found = json.loads(row.get(name, "[]"))
    if not found:
        return ()
    known = {each.name for each in fields(kind)}
    return tuple(kind(**{key: value for key, value in each.items() if key in known}) for each in found)


def _column(value: object) -> str | int:
    return value if isinstance(value, str | int) else _encode(value)
