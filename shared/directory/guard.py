"""What a run may not take away without being asked: too much at once, and the last administrator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from shared.desk.agents import is_admin
from shared.directory.differences import agent_changes, user_changes
from shared.directory.plan import Entry, FieldChange, Outcome, Removal
from shared.directory.reasons import Reason
from shared.directory.rules import Cap
from shared.directory.structure import Structure

_NAMES: dict[Removal, str] = {
    "deactivation": "people would be made inactive",
    "role": "roles would be taken away",
    "team": "agents would leave a team",
    "seat": "seats on boards would be taken away",
    "license": "people would lose the licenses of Entra that they are linked to",
}
_EMPTIED = "All members, very many of them or a group within is no longer named in these groups"
_MOST_NAMED = 10
_CURE = (
    "Look at the names. If that is what you want, approve it; if not, discard it, mend the mapping, the group or the "
    "permission, and run again. 'cap' says how much goes without asking."
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A kind of removal that waits for approval: how many there are, how many would go without asking, and why."""

    kind: Removal
    count: int
    allowed: int
    cause: str
    cure: str = _CURE


def count_removals(entries: Iterable[Entry]) -> Counter[Removal]:
    """How much of each kind would be taken away."""
    return Counter(removal for entry in entries for removal in entry.removals)


def find_holds(
    counts: Mapping[Removal, int],
    present: Mapping[Removal, int],
    cap: Cap,
    emptied: Collection[str] = (),
    undecided: Collection[Removal] = (),
) -> list[Hold]:
    """The kinds that must wait. ``present``: how much of each this connection gave, or keeps active.

    ``emptied``: names of groups that lost all of their members in one reading, or of which much was not told; all then
    waits. ``undecided``: kinds among which is what waits already, which must not go bit by bit.
    """
    found = []
    for kind, count in sorted(counts.items()):
        allowed = allowed_of(cap, present.get(kind, 0))
        if count > allowed:
            found.append(Hold(kind, count, allowed, _too_many(kind, count, allowed, present.get(kind, 0))))
        elif count and kind in undecided:
            found.append(Hold(kind, count, 0, f"{count} {_NAMES[kind]}, some of which nobody has approved so far."))
        elif count and emptied:
            groups = ", ".join(sorted(emptied)[:_MOST_NAMED])
            groups += f", and {len(emptied) - _MOST_NAMED} more" if len(emptied) > _MOST_NAMED else ""
            found.append(Hold(kind, count, 0, f"{count} {_NAMES[kind]}. {_EMPTIED}: {groups}."))
    return found


def allowed_of(cap: Cap, present: int) -> int:
    """How many go without asking: the larger of a number and a share of what is there."""
    return max(cap.least, int(present * cap.percent / 100))


def _too_many(kind: Removal, count: int, allowed: int, present: int) -> str:
    return f"{count} of {present} {_NAMES[kind]}; up to {allowed} go without asking."


def without_removals(entry: Entry, structure: Structure, reason: Reason | None = None) -> Entry:
    """An entry as it is applied while nothing may be taken away; ``reason``: why, if that is what there is to say."""
    if not entry.removals:
        return entry
    user, agent = entry.user_held or entry.user, entry.agent_held or entry.agent
    why = {(each.field, each.after): each.because for each in entry.changes}
    told: tuple[FieldChange, ...] = ()
    if user:
        told += user_changes(entry.user_before, user, {}, structure)
    if agent:
        told += agent_changes(entry.agent_before, agent, {}, structure)
    changes = tuple(replace(each, because=why.get((each.field, each.after), each.because)) for each in told)
    kept = replace(entry, user=user, agent=agent, user_held=None, agent_held=None, removals=(), changes=changes)
    return replace(kept, outcome=_outcome(kept), reason=reason or entry.reason)


def _outcome(entry: Entry) -> Outcome:
    if entry.outcome == "create":
        return "create"
    return "update" if entry.does_something else "unchanged"


def loses_admin(entry: Entry, admin_roles: Collection[str]) -> bool:
    """Whether somebody is an administrator and would not be one afterwards."""
    before, after = entry.agent_before, entry.agent
    return bool(before and is_admin(before, admin_roles) and not (after and is_admin(after, admin_roles)))


def becomes_admin(entry: Entry, admin_roles: Collection[str]) -> bool:
    """Whether somebody would be an administrator afterwards who is none."""
    before, after = entry.agent_before, entry.agent
    return bool(after and is_admin(after, admin_roles) and not (before and is_admin(before, admin_roles)))


def find_spared(admins: Collection[str], losing: Collection[str], becoming: Collection[str]) -> frozenset[str]:
    """Which agents (ids) keep what makes them administrators: all who would lose it, if nobody else would be left.

    ``admins``: the active administrators before the run. Nobody is picked among them: none is a better guess.
    """
    left = {*admins, *becoming} - {*losing}
    return frozenset() if left else frozenset(losing)
