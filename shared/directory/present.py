"""What of the desk a plan is made of: who is there, by what they are found by, and their rows with their versions.

For a few people only what concerns them is read; for many all of the desk is gone through once.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from shared.desk.keeping import Kept
from shared.desk.people import User
from shared.directory.criteria import folded
from shared.directory.identifying import Identified
from shared.directory.matching import index_of, new_user_id, origin_of
from shared.directory.place import Place
from shared.directory.roster import SOUGHT_BY, Roster
from shared.directory.rules import Rules
from shared.directory.structure import Structure, structure_of
from shared.directory.tenant import Seen
from shared.runtime import Runtime

FEW = 300
"""People who are nobody at the desk yet of whom it is cheaper to look for each than to go through the whole desk."""
_SHARE_OF_FEW = 30
"""Or, where that is more, one for so many whom the directory knows: a row of a listing costs a thirtieth of the two
reads for each.
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
    found_by = findable.version(place.rt, [*users, *(f"agent_{each}" for each in working)])
    return f"{found_by}-{structure_at(place).version_of_sites()}"


@dataclass(slots=True)
class Present:
    """The people of the desk: whom the plan concerns, or all users once there are many newcomers, and all agents once
    somebody is to be one who is not known as such.

    ``most``: how many all users may be, at most, None for any number; ``is_cut``: they were more. ``few``: newcomers
    who are looked for one by one.
    """

    rt: Runtime
    connection_id: str
    rules: Rules
    users: Roster[User]
    agents: Roster[Agent]
    most: int | None = None
    few: int = FEW
    is_cut: bool = False
    _newcomers: int = 0
    _asked: set[str] = field(default_factory=set)

    def prepare(self, seen: Sequence[Seen], addresses: Sequence[str]) -> None:
        """Make sure that these people are found, and who has the address that each of them is to have."""
        self.agents.read({each.known.agent_id for each in seen if each.known} - {""})
        if self.users.is_whole:
            return
        self._newcomers += sum(1 for each in seen if not (each.known and each.known.user_id))
        by_address_alone = set(self.rules.user_matching) <= {"address"}
        if self._newcomers > (self.few if by_address_alone else 0) and self._takes_all():
            return
        ids = [(each.known.user_id if each.known else "") or self._new_id(each.person.object_id) for each in seen]
        self.users.read({*ids})
        theirs = zip(ids, addresses, strict=True)
        wanted = {address for user_id, address in theirs if address and not self._has(user_id, address)}
        self.users.read(self._holders(wanted - self._asked))

    def reads_on(self, identified: Sequence[Identified]) -> bool:
        """Read what else it takes to be sure who these people are; whether there was any such."""
        return self._meet_agents(identified) or self._meet_owners(identified)

    def rows_of(self, identified: Sequence[Identified]) -> tuple[dict[str, Kept[User]], dict[str, Kept[Agent]]]:
        """The present rows of those who are known, by their ids."""
        users = self.users.rows(each.user.record_id for each in identified if each.user.by != "new")
        return users, self.agents.rows(each.agent.record_id for each in identified if each.agent.by != "new")

    def _takes_all(self) -> bool:
        """Let everybody be found; not where they are too many."""
        found = keeping.iter_all(self.rt, people.KIND, SOUGHT_BY)
        first = [] if self.most is None else list(islice(found, self.most + 1))
        if self.most is not None and len(first) > self.most:
            self.is_cut = True
            return False
        self.users.take(chain(first, found))
        return True

    def _meet_agents(self, identified: Sequence[Identified]) -> bool:
        """Who is to be an agent, and is none by their object id, may be any of them."""
        if self.agents.is_whole or not any(map(_seeks_agent, identified)):
            return False
        self.agents.take(keeping.iter_all(self.rt, agents.KIND, SOUGHT_BY))
        return True

    def _meet_owners(self, identified: Sequence[Identified]) -> bool:
        """The users of agents who were found by a field; whether there are any who were not known."""
        by_field = (each.agent.record_id for each in identified if each.agent.by in self.rules.agent_matching)
        owners = {self.agents.index.by_id[each].user_id for each in by_field} - self.users.index.by_id.keys()
        self.users.read(owners)
        return not owners.isdisjoint(self.users.index.by_id)

    def _has(self, user_id: str, address: str) -> bool:
        user = self.users.remembered(user_id)
        return user is not None and folded(user.address) == address

    def _new_id(self, object_id: str) -> str:
        return new_user_id(origin_of(self.connection_id, object_id))

    def _holders(self, addresses: set[str]) -> set[str]:
        """The users who have these addresses."""
        self._asked |= addresses
        keys = map(people.address_key, sorted(addresses))
        rows = side_by_side.each(partial(self.rt.tables[TABLE].find, PARTITION), keys)
        return {str(row["user_id"]) for row in rows if row is not None}


def _seeks_agent(each: Identified) -> bool:
    return each.choice.agent is not None and bool(each.user.record_id) and each.agent.by != "id"


def look_at_desk(place: Place, most: int | None = None) -> Present:
    """Get ready to find people at the desk."""
    rt, rules = place.rt, place.rules
    users = Roster(rt, people.KIND, index_of((), rules.user_matching))
    working = Roster(rt, agents.KIND, index_of((), rules.agent_matching))
    if not place.state.way:  # the mirror need not know of all that the last run did
        working.take(keeping.iter_all(rt, agents.KIND, SOUGHT_BY))
    few = max(FEW, place.state.known // _SHARE_OF_FEW)
    return Present(rt, place.connection_id, rules, users, working, most, few)
