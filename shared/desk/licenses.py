"""Licenses: what an organization has bought, and how much of it is in use. Who has which stands with the users."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.desk import PARTITION, TABLE
from shared.desk.columns import columns
from shared.desk.keeping import Kind
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.rows import Row, fill

_ID = re.compile(r"[a-z0-9-]{1,64}~[0-9a-f-]{36}\Z")


@dataclass(frozen=True, slots=True)
class License:
    """One product of an organization. ``total``: units that may be given, ``used``: those that are.

    ``sku``: the id of the product where it was bought; ``active``: whether it may be given still; ``updated_at``: when
    any of this was last found to differ, ISO 8601 in UTC.
    """

    license_id: str
    organization_id: str
    name: str
    sku: str
    total: int
    used: int
    connection_id: str
    active: bool = True
    updated_at: str = ""


def of(row: Row) -> License:
    """The license that a row holds."""
    return fill(License, row)


KIND = Kind("license", "lic~", columns, of, lambda each: each.license_id)


def id_of(connection_id: str, sku: str) -> str:
    """The id of a product of a connection: made of the two, so that it need not be looked up."""
    return f"{connection_id}~{sku.lower()}"


def sku_of(license_id: str, connection_id: str) -> str:
    """The product that an id names; empty where it is one of another connection."""
    owner, _, sku = license_id.partition("~")
    return sku if owner == connection_id else ""


def linked(licenses: Iterable[str], connection_id: str, skus: Iterable[str]) -> tuple[str, ...]:
    """The licenses of a user who has these products of a connection; what they have of others stays."""
    others = tuple(each for each in licenses if not sku_of(each, connection_id))
    return (*others, *sorted({id_of(connection_id, each) for each in skus}))


def linked_still(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """What a user is linked to who gets what is new and keeps what they had."""
    return (*after, *(each for each in before if each not in after))


def find_license(rt: Runtime, license_id: str) -> License | None:
    """The license of this id, or None; also for a text that cannot be one."""
    row = rt.tables[TABLE].find(PARTITION, KIND.prefix + license_id) if _ID.match(license_id) else None
    return of(row) if row else None


def load_of(rt: Runtime, connection_id: str) -> dict[str, License]:
    """All licenses of a connection, by their ids."""
    low = f"{KIND.prefix}{connection_id}~"
    return {each.license_id: each for each in map(of, rt.tables[TABLE].range(PARTITION, low=low, high=behind(low)))}
