"""What of the desk a plan is made of: who is there, by what they are found by, and their rows with their versions.

For a few people only what concerns them is read; for many all of the desk is gone through once, and of each only as
much remembered as it takes to find them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

from shared import side_by_side
from shared.desk import (
    PARTITION,
    TABLE,
    agents,
    boards,
    custom_fields,
    findable,
    keeping,
    organizations,
    people,
    roles,
    sites,
    teams,
)
from shared.desk.agents import Agent
from shared.desk.keeping import Kept, Kind
from shared.desk.people import User
from shared.directory.criteria import folded
from shared.directory.identifying import Identified
from shared.directory.matching import Index, index_of, new_user_id, origin_of
from shared.directory.place import Place
from shared.directory.rules import Rules
from shared.directory.structure import Structure, structure_of
from shared.directory.tenant import Seen
from shared.errors import NotFound
from shared.runtime import Runtime

MOST_REMEMBERED = 5_000
"""Rows of users that are held at once, in the hope that they are needed again."""
FEW = 300
_SHARE_OF_FEW = 30
"""People who are nobody at the desk yet of whom it is cheaper to look for each than to go through the whole desk: so
many, or one for so many whom the directory knows. (A row of a listing costs a thirtieth of the two reads for each.)
"""


def load_structure(rt: Runtime) -> Structure:
    """What mappings may lead to."""
    return structure_of(
        organizations=organizations.load_all(rt).values(),
        sites=sites.iter_sites(rt),
        teams=teams.load_all(rt).values(),
        roles=roles.load_all(rt).values(),
        boards=boards.load_all(rt).values(),
        custom_fields=custom_fields.load_all(rt),
    )


def structure_at(place: Place) -> Structure:
    """The same, once for a slice of work."""
    if place.structure is None:
        place.structure = load_structure(place.rt)
    return place.structure


def version_at(place: Place) -> str:
    """Stands for rules and structure of the desk: with another one, the same person may be planned otherwise."""
    return f"{place.rules.version()}-{structure_at(place).version()}"


def way_at(place: Place) -> str:
    """Stands for all of the desk that can be in somebody's way: while it is the same, whoever waits would wait on."""
    users, working = ("address", "origin", *place.rules.user_matching), ("origin", *place.rules.agent_matching)
    mark = findable.mark(place.rt, [*users, *(f"agent_{each}" for each in working)])
    return f"{mark}-{structure_at(place).version_of_sites()}"


@dataclass(slots=True)
class Present:
    """The people of the desk. ``users`` holds those whom the plan concerns, or all once there are many newcomers.

    ``most``: how many all of them may be, at most, None for any number; ``is_cut``: they were more. ``few``: newcomers
    who are looked for one by one.
    """

    rt: Runtime
    connection_id: str
    rules: Rules
    users: Index
    agents: Index
    most: int | None = None
    few: int = FEW
    is_cut: bool = False
    _whole: bool = False
    _newcomers: int = 0
    _read: dict[str, Kept[User]] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)

    def prepare(self, seen: Sequence[Seen], addresses: Sequence[str]) -> None:
        """Make sure that these people are found, and who has the address that each of them is to have."""
        if self._whole:
            return
        self._newcomers += sum(1 for each in seen if not (each.known and each.known.user_id))
        by_address_alone = set(self.rules.user_matching) <= {"address"}
        if self._newcomers > (self.few if by_address_alone else 0) and self._takes_all():
            return
        ids = [(each.known.user_id if each.known else "") or self._new_id(each.person.object_id) for each in seen]
        self._read_users(set(ids))
        theirs = zip(ids, addresses, strict=True)
        wanted = {address for user_id, address in theirs if address and not self._has(user_id, address)}
        self._read_users(self._holders(wanted - self._asked))

    def _takes_all(self) -> bool:
        """Let everybody be found; not where they are too many."""
        found = people.iter_users(self.rt)
        first = [] if self.most is None else list(islice(found, self.most + 1))
        if self.most is not None and len(first) > self.most:
            self.is_cut = True
            return False
        self._whole = True
        self._add(chain(first, found))
        return True

    def _read_users(self, ids: set[str]) -> None:
        if len(self._read) > MOST_REMEMBERED:
            self._read.clear()
        found = _read_many(self.rt, people.KIND, ids - self._read.keys() - self._absent)
        self._absent |= ids - self._read.keys() - found.keys()
        self._read |= found
        self._add(each.thing for each in found.values())

    def _has(self, user_id: str, address: str) -> bool:
        kept = self._read.get(user_id)
        return kept is not None and folded(kept.thing.address) == address

    def _add(self, users: Iterable[User]) -> None:
        """Let users be found, each once: one who was found twice would be ambiguous."""
        for each in users:
            if each.user_id not in self.users.by_id:
                self.users.add(each)

    def meet_owners(self, identified: Sequence[Identified]) -> bool:
        """Look up the users of agents who were found by a field; whether there are any who were not known."""
        by_field = (each.agent.record_id for each in identified if each.agent.by in self.rules.agent_matching)
        owners = {self.agents.by_id[each].user_id for each in by_field} - self.users.by_id.keys()
        if not self._whole:
            self._read_users(owners)
        return not owners.isdisjoint(self.users.by_id)

    def rows_of(self, identified: Sequence[Identified]) -> tuple[dict[str, Kept[User]], dict[str, Kept[Agent]]]:
        """The present rows of those who are known, by their ids."""
        wanted = {each.user.record_id for each in identified if each.user.by != "new"} - {""}
        working = {each.agent.record_id for each in identified if each.agent.by != "new"} - {""}
        found = {each: self._read[each] for each in wanted if each in self._read}
        found |= _read_many(self.rt, people.KIND, wanted - found.keys())
        return found, _read_many(self.rt, agents.KIND, working)

    def _new_id(self, object_id: str) -> str:
        return new_user_id(origin_of(self.connection_id, object_id))

    def _holders(self, addresses: set[str]) -> set[str]:
        """The users who have these addresses."""
        self._asked |= addresses
        keys = map(people.address_key, sorted(addresses))
        rows = side_by_side.each(partial(self.rt.tables[TABLE].find, PARTITION), keys)
        return {str(row["user_id"]) for row in rows if row is not None}


def look_at_desk(place: Place, most: int | None = None) -> Present:
    """Get ready to find people at the desk; agents are few enough to be read all."""
    rt, rules = place.rt, place.rules
    working = index_of(agents.iter_agents(rt), rules.agent_matching)
    few = max(FEW, place.state.known // _SHARE_OF_FEW)
    return Present(rt, place.connection_id, rules, index_of((), rules.user_matching), working, most, few)


def _read_many[T](rt: Runtime, kind: Kind[T], ids: Collection[str]) -> dict[str, Kept[T]]:
    """Those of these things that are there, a point read each."""
    ordered = sorted(ids)
    found = side_by_side.each(partial(read_one, rt, kind), ordered)
    return {each: kept for each, kept in zip(ordered, found, strict=True) if kept is not None}


def read_one[T](rt: Runtime, kind: Kind[T], thing_id: str) -> Kept[T] | None:
    """A thing of the desk and its version, or None."""
    try:
        return keeping.read(rt, kind, thing_id)
    except NotFound:
        return None
