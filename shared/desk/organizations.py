"""Organizations: what sites belong to."""

from __future__ import annotations

from dataclasses import dataclass

from shared.desk import keeping
from shared.desk.columns import columns
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill


@dataclass(frozen=True, slots=True)
class Organization:
    """A company, or a part of one that is looked after by itself. No two have the same name."""

    organization_id: str
    name: str
    active: bool = True
    created_at: str = ""


def of(row: Row) -> Organization:
    """The organization that a row holds."""
    return fill(Organization, row)


def _guards(organization: Organization) -> dict[str, Guard]:
    return keeping.name_guard("organization", organization.name)


KIND = Kind("organization", "org~", columns, of, lambda each: each.organization_id, _guards)


def load_all(rt: Runtime) -> dict[str, Organization]:
    """All organizations by their ids, remembered for a minute."""
    return keeping.load_all(rt, KIND)
