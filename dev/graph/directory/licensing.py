"""Licenses: what the tenant has bought, who has one of his own, and who has one through a group.

https://learn.microsoft.com/en-us/entra/fundamentals/concept-group-based-licensing
https://learn.microsoft.com/en-us/graph/api/resources/licenseassignmentstate
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.graph.directory.entries import Entry
from dev.graph.directory.properties import USER
from dev.graph.wire import GraphError, Json

if TYPE_CHECKING:
    from dev.graph.directory.state import Directory

_NAMESPACE = uuid.UUID("0c2a7e0e-6ad0-4a35-8b53-5b8de8e4e0b1")


@dataclass
class Sku:
    """A product: `plans` are its service plans by name, `enabled` the units that were bought.

    `held` counts the users who have one, whatever number of ways.
    """

    id: str
    part_number: str
    enabled: int
    plans: dict[str, str]
    held: int = 0
    capability: str = "Enabled"


class Licensing:
    """The products of a tenant and their assignment. A user's `licenseAssignmentStates` are the truth."""

    def __init__(self, directory: "Directory") -> None:
        self._directory = directory
        self.skus: dict[str, Sku] = {}
        self._of_groups: dict[str, dict[str, tuple[str, ...]]] = {}

    # ---- administrators
    def buy(self, part_number: str, units: int, plans: Iterable[str] = (), *, sku_id: str = "") -> Sku:
        """A new product; its id and those of its plans follow from the names unless given."""
        key = sku_id or str(uuid.uuid5(_NAMESPACE, part_number))
        named = {name: str(uuid.uuid5(_NAMESPACE, f"plan {name}")) for name in (*plans, f"{part_number}_PLAN")}
        self.skus[key] = Sku(key, part_number, units, named)
        return self.skus[key]

    def named(self, part_number: str) -> Sku:
        """The product of this name; KeyError if there is none."""
        found = next((sku for sku in self.skus.values() if sku.part_number == part_number), None)
        if found is None:
            raise KeyError(part_number)
        return found

    def assign(self, user: Entry, sku: Sku, disabled: Iterable[str] = ()) -> None:
        """To a user directly; refused as Graph refuses."""
        self.exchange(user, [(sku, tuple(disabled))], [])

    def remove(self, user: Entry, sku: Sku) -> None:
        """The one that was assigned directly; a group's can only be taken away by the group."""
        self.exchange(user, [], [sku])

    def exchange(self, user: Entry, adding: list[tuple[Sku, tuple[str, ...]]], removing: list[Sku]) -> None:
        """Several at once, all or none. A unit that is given back here can be taken here."""
        states = _states(user)
        for sku in removing:
            states = _without(states, sku)
        for sku, disabled in adding:
            self._check_room(user, sku, states)
            states = [s for s in states if not _is_direct(s, sku)] + [self._state(sku, disabled, None, "None")]
        self._put(user, states)

    def assign_to_group(self, group: Entry, sku: Sku, disabled: Iterable[str] = ()) -> None:
        """To a group: every direct user in it has one from now on, as long as there are any."""
        self._of_groups.setdefault(group.id, {})[sku.id] = tuple(disabled)
        self._show_group(group)
        for member in self._directory.members(group.id):
            self._inherit(member, group.id, sku)

    def remove_from_group(self, group: Entry, sku: Sku) -> None:
        """Its members lose what they had through it."""
        del self._of_groups[group.id][sku.id]
        self._show_group(group)
        for member in self._directory.members(group.id):
            self._lose(member, group.id, {sku.id})

    def members_changed(self, group: Entry, keys: list[str], joined: bool) -> None:
        """Who joins a group with licenses gets them, who leaves it loses them."""
        skus = self._of_groups.get(group.id, {})
        for member in (found for key in keys if skus and (found := self._directory.users.get(key)) is not None):
            if not joined:
                self._lose(member, group.id, set(skus))
                continue
            for sku_id in skus:
                self._inherit(member, group.id, self.skus[sku_id])

    def count(self, user: Entry, by: int) -> None:
        """The units of a user who is deleted are free again (-1), of one who is restored they are taken (+1)."""
        for key in _active(_states(user)):
            self.skus[key].held += by

    # ---- within
    def _check_room(self, user: Entry, sku: Sku, states: list[Json]) -> None:
        if not user.values.get("usageLocation"):
            raise _refused("License assignment cannot be done for user with invalid usage location.")
        holding = any(_holds(state, sku) for state in (*states, *_states(user)))
        if not holding and sku.held >= sku.enabled:
            raise _refused(f"Subscription with SKU {sku.id} does not have any available licenses.")

    def _inherit(self, member: Entry, group_id: str, sku: Sku) -> None:
        if member.kind is not USER:
            return  # groups in groups are not looked into: the page named above
        states = _states(member)
        full = sku.held >= sku.enabled and not any(_holds(state, sku) for state in states)
        disabled = self._of_groups[group_id][sku.id]
        self._put(member, [*states, self._state(sku, disabled, group_id, "CountViolation" if full else "None")])

    def _lose(self, member: Entry, group_id: str, sku_ids: set[str]) -> None:
        if member.kind is USER:
            kept = [s for s in _states(member) if not (s["assignedByGroup"] == group_id and s["skuId"] in sku_ids)]
            self._put(member, kept)

    def _put(self, user: Entry, states: list[Json]) -> None:
        before, after = _active(_states(user)), _active(states)
        for sku in (self.skus[key] for key in before.keys() | after.keys()):
            sku.held += (sku.id in after) - (sku.id in before)
        if before == after and states == _states(user):
            return
        shown = [{"disabledPlans": sorted(off), "skuId": key} for key, off in after.items()]
        self._directory.change(user.id, licenseAssignmentStates=states, assignedLicenses=shown)

    def _show_group(self, group: Entry) -> None:
        held = self._of_groups[group.id].items()
        shown = [{"disabledPlans": list(off), "skuId": key} for key, off in held]
        self._directory.change(group.id, assignedLicenses=shown)

    def _state(self, sku: Sku, disabled: Iterable[str], group_id: str | None, error: str) -> Json:
        return {
            "skuId": sku.id,
            "disabledPlans": list(disabled),
            "assignedByGroup": group_id,
            "state": "Active" if error == "None" else "Error",
            "error": error,
            "lastUpdatedDateTime": self._directory.now(),
        }


def _states(user: Entry) -> list[Json]:
    found: list[Json] = user.values.get("licenseAssignmentStates") or []
    return found


def _holds(state: Json, sku: Sku) -> bool:
    return bool(state["skuId"] == sku.id and state["state"] == "Active")


def _is_direct(state: Json, sku: Sku) -> bool:
    return bool(state["skuId"] == sku.id and state["assignedByGroup"] is None)


def _without(states: list[Json], sku: Sku) -> list[Json]:
    """Without the one that was assigned directly; refused if there is none."""
    kept = [state for state in states if not _is_direct(state, sku)]
    if len(kept) < len(states):
        return kept
    if any(state["skuId"] == sku.id for state in states):
        raise _refused(
            "User license is inherited from a group membership and it cannot be removed directly from the user."
        )
    raise _refused("User does not have a corresponding license.")


def _active(states: list[Json]) -> dict[str, set[str]]:
    """The products that a user really has, each with the plans that every one of its ways switches off."""
    found: dict[str, set[str]] = {}
    for state in states:
        if state["state"] == "Active":
            off = set(state["disabledPlans"])
            found[state["skuId"]] = found.get(state["skuId"], off) & off
    return found


def _refused(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)
