"""Who has which product, and what is to be done so that they have another one. Decides, and asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.desk.licenses import License, id_of

_GIVABLE = ("Enabled", "Warning")
"""``Warning``: expired, and in the time of grace.
https://learn.microsoft.com/en-us/graph/api/resources/subscribedsku#properties"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A product that a user has. ``direct``: it is their own; ``groups``: object ids of the groups that give it.

    ``active``: they may use it; where not, ``error`` is Entra's word for why.
    """

    sku: str
    direct: bool
    groups: tuple[str, ...] = ()
    active: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class Licensed:
    """All products of a user. ``country``: where they are, two letters; empty where Entra does not know."""

    country: str
    holdings: Mapping[str, Holding] = field(default_factory=dict)

    def held(self) -> frozenset[str]:
        """The products that they may use."""
        return frozenset(each.sku for each in self.holdings.values() if each.active)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is to have, and not to have any more; ``country``: where they are to be from now on, or empty."""

    assign: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    country: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is done, and what to do about it."""

    cause: str
    cure: str


def license_of(connection_id: str, organization_id: str, sku: Mapping[str, Any], at: str) -> License:
    """A product as Graph tells of it; none is left to give of one that was cancelled."""
    units = sku.get("prepaidUnits") or {}
    active = sku.get("capabilityStatus") in _GIVABLE
    return License(
        license_id=id_of(connection_id, str(sku["skuId"])),
        organization_id=organization_id,
        name=str(sku.get("skuPartNumber") or sku["skuId"])[:200],
        sku=str(sku["skuId"]).lower(),
        total=int(units.get("enabled") or 0) + int(units.get("warning") or 0) if active else 0,
        used=int(sku.get("consumedUnits") or 0),
        connection_id=connection_id,
        active=active,
        updated_at=at,
    )


def is_for_users(sku: Mapping[str, Any]) -> bool:
    """Whether a product is given to people one by one, and not to the company as a whole."""
    return str(sku.get("appliesTo", "User")) == "User"


def licensed_of(user: Mapping[str, Any]) -> Licensed:
    """A user's products as Graph tells of them, who may have one in several ways at once."""
    found: dict[str, Holding] = {}
    for state in user.get("licenseAssignmentStates") or []:
        sku, group = str(state["skuId"]).lower(), state.get("assignedByGroup")
        active = state.get("state") in ("Active", "ActiveWithError")
        known = found.get(sku, Holding(sku, direct=False, active=False))
        error = "" if active else str(state.get("error") or "")
        found[sku] = Holding(
            sku,
            direct=known.direct or not group,
            groups=(*known.groups, str(group)) if group else known.groups,
            active=known.active or active,
            error=known.error or error,
        )
    return Licensed(str(user.get("usageLocation") or ""), found)


def outstanding(wanted: Wanted, present: Licensed) -> Wanted:
    """What is left to be done: nothing that is so already."""
    add = tuple(each for each in wanted.assign if each not in present.held())
    remove = tuple(each for each in wanted.remove if each in present.holdings)
    return Wanted(add, remove, wanted.country if add and wanted.country != present.country else "")


def find_refusal(
    left: Wanted, present: Licensed, free: Mapping[str, int], names: Mapping[str, str] | None = None
) -> Refusal | None:
    """Why what is left cannot be done. ``free``: units left of each product; ``names``: of products and groups."""
    shown = names or {}
    for sku in left.remove:
        groups = present.holdings[sku].groups
        if groups:
            told = _listed(shown, groups)
            cause = f"{shown.get(sku, sku)} comes from a group: {told}. It cannot be taken from the user alone."
            return Refusal(cause, f"Take the user out of {told} in Entra, or the license from the group.")
    if left.assign and not (present.country or left.country):
        cause = "Entra does not know in which country the user is, and gives no license without."
        return Refusal(cause, "Send it again with usage_location, two letters such as DE.")
    for sku in left.assign:
        if free.get(sku, 0) <= 0:
            cause = f"No unit of {shown.get(sku, sku)} is left."
            return Refusal(cause, "Buy more of them, or take one from somebody else first.")
    return None


def _listed(names: Mapping[str, str], ids: Iterable[str]) -> str:
    return ", ".join(names.get(each, each) for each in ids)
