"""Roles of agents and of users on the desk. Not those of callers of the admin API, which Entra gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.desk import keeping
from shared.desk.columns import columns
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill

RoleKind = Literal["agent", "user"]


@dataclass(frozen=True, slots=True)
class Role:
    """What agents, or users, may do. No two of a kind have the same name. ``admin``: it opens all of the desk."""

    role_id: str
    name: str
    kind: RoleKind
    admin: bool = False
    active: bool = True
    created_at: str = ""


def of(row: Row) -> Role:
    """The role that a row holds."""
    return fill(Role, row)


def _guards(role: Role) -> dict[str, Guard]:
    return keeping.name_guard("role", role.name, role.kind)


KIND = Kind("role", "role~", columns, of, lambda each: each.role_id, _guards)


def load_all(rt: Runtime) -> dict[str, Role]:
    """All roles by their ids, remembered for a minute."""
    return keeping.load_all(rt, KIND)
