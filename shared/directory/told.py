"""What Graph told in a round, over all its pages: the last word on each person, and who went in and out of groups.

Nothing here depends on the order of the pages but where Graph spoke of the same object twice; and little is held at
once, however many people there are: their ids, and those of whom a later page speaks again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from shared.directory.numbering import Numbered, Numbers
from shared.graph.client import Json
from shared.graph.delta import merged
from shared.graph.directory import GROUP_TYPE


@dataclass(slots=True)
class Told:
    """Who was spoken of. ``last``: the place of the last word on each person; ``removed``: whom it says to be gone;
    ``managers``: who is somebody's manager. ``accounts``, ``hidden``: of how many it was said whether the account is
    blocked, and of how many it was said that this is not known.
    """

    last: Numbered[int] = field(default_factory=Numbered)
    removed: set[str] = field(default_factory=set)
    managers: set[str] = field(default_factory=set)
    accounts: int = 0
    hidden: int = 0

    def is_there(self, object_id: str) -> bool:
        """Whether somebody was told of, and not as removed."""
        return object_id in self.last and object_id not in self.removed

    def present(self) -> int:
        """How many there are that were not removed."""
        return len(self.last) - len(self.removed)


def index(pages: Iterable[list[Json]], numbers: Numbers | None = None) -> Told:
    """Go through all pages once. ``numbers``: hold the ids of all people that are spoken of."""
    told = Told(Numbered(numbers))
    for place, item in _numbered(pages):
        told.last[item["id"]] = place
        if "@removed" in item:
            told.removed.add(item["id"])
            continue
        told.removed.discard(item["id"])
        told.accounts += item.get("accountEnabled") is not None
        told.hidden += item.get("accountEnabled", "") is None
        if manager := manager_of(item):
            told.managers.add(manager)
    return told


def iter_present(pages: Iterable[list[Json]], told: Told) -> Iterator[Json]:
    """Each person who was not removed, once, with all that was said of them."""
    waiting: dict[str, Json] = {}
    for place, item in _numbered(pages):
        object_id = item["id"]
        whole = merged(waiting.pop(object_id), item) if object_id in waiting else item
        if told.last[object_id] > place:
            waiting[object_id] = whole
        elif "@removed" not in item:
            yield whole


def _numbered(pages: Iterable[list[Json]]) -> Iterator[tuple[int, Json]]:
    return enumerate(item for page in pages for item in page)


def manager_of(item: Json) -> str | None:
    """The manager that an item names, empty where it says that there is none any more; None where it says nothing."""
    found = item.get("manager@delta")
    if found is None:
        return None
    return next((str(each["id"]) for each in reversed(found) if "@removed" not in each), "")


Move = tuple[str, bool]
"""A group, and whether somebody went into it; else they went out."""


@dataclass(slots=True)
class GroupsTold:
    """``names``: of each group that was told of; ``removed``: those that are gone.

    ``members``: for each person, into or out of which groups; ``children``: for each group, which groups came into it
    (true) or went.
    """

    names: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    members: Numbered[tuple[Move, ...]] = field(default_factory=Numbered)
    children: dict[str, dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))


def add_up(pages: Iterable[list[Json]], numbers: Numbers | None = None) -> GroupsTold:
    """All pages of a round over groups: what a later page says of a membership counts. ``numbers``: as of ``index``."""
    told = GroupsTold(members=Numbered(numbers))
    for _, item in _numbered(pages):
        _add(told, item)
    return told


def _add(told: GroupsTold, item: Json) -> None:
    group = item["id"]
    if "@removed" in item:
        told.removed.add(group)
        return
    told.removed.discard(group)
    told.names[group] = str(item.get("displayName") or told.names.get(group, ""))
    into, out = (group, True), (group, False)  # thousands of people share them
    for member in item.get("members@delta", ()):
        move = out if "@removed" in member else into
        if member.get("@odata.type") == GROUP_TYPE:
            told.children[group][member["id"]] = move is into
        else:
            others = (each for each in told.members.get(member["id"], ()) if each[0] != group)
            told.members[member["id"]] = (*others, move)


def ancestors(children: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """For each group all groups that it is in, directly or through others; a group in itself is harmless."""
    parents: dict[str, set[str]] = defaultdict(set)
    for parent, nested in children.items():
        for child in nested:
            parents[child].add(parent)
    return {group: _closure(group, parents) for group in parents}


def _closure(group: str, parents: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [group]
    while waiting:
        above = parents.get(waiting.pop(), set()) - found
        found |= above
        waiting += above
    return frozenset(found)
