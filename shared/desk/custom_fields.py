"""Custom fields: what an installation keeps of its users besides. They are made before anything is put into them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.desk import keeping
from shared.desk.columns import columns
from shared.desk.keeping import Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of users. ``name``: what it is stored under, for good; ``label``: what people read."""

    name: str
    label: str
    created_at: str = ""


def of(row: Row) -> CustomField:
    """The field that a row holds."""
    return fill(CustomField, row)


KIND = Kind("custom field", "field~", columns, of, lambda each: each.name)


def load_all(rt: Runtime) -> dict[str, CustomField]:
    """All custom fields by their names, remembered for a minute."""
    return keeping.load_all(rt, KIND)
