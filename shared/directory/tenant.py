"""The tenant as it is after a round: what was told, upon what the mirror knew before.

Whoever need not be looked at is never loaded. A round over everybody holds a little of each person at once
(``Briefs``), any other only those whom Graph spoke of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched, islice
from typing import Any

from shared.clock import to_text
from shared.directory import mirror, rounds
from shared.directory.brief import COLUMNS, Briefs
from shared.directory.mirror import Group, Known
from shared.directory.numbering import Numbers
from shared.directory.persons import Gone, Person
from shared.directory.place import Place
from shared.directory.properties import groups_in_use, uses_transitive
from shared.directory.told import GroupsTold, Told, add_up, ancestors, index, iter_present, manager_of
from shared.graph import directory as graph
from shared.graph.client import Json

CHUNK = 500
MANY = 500
"""People of whom it is cheaper to go through the whole mirror than to read them one by one."""
MOST_LOOKED_UP = 500
"""People of whom it is asked whether they can be restored; of more at once it makes no difference."""
MOST_REMEMBERED = 5_000
FEW_MANAGED = 2
"""People of whom it is believed that they have no manager any more, though a round names nobody's."""
_KEPT = frozenset({"@odata.type"})


@dataclass(frozen=True, slots=True)
class Seen:
    """A person as they are now, and their row of before; None where there is none."""

    person: Person
    known: Known | None


@dataclass(slots=True)
class Tenant:
    """What one run knows. ``full``, ``groups_full``: whether all people, all groups were told of; ``everybody``:
    whether all people are looked at, and not only those who were told of.

    ``groups``: those that are known after the round, if that had to be looked at (``groups_loaded``); ``above``: for
    each the groups that it is in; ``kept``: groups in use whose members stay as they were, because nothing was told of
    them; ``emptied``: groups in use that lost everybody, or so many silently that nobody was asked for; ``stays``: who
    is still in which group, though a round over all groups did not say so; ``keeps_managers``: whether managers stay as
    they were, because nobody's was told; ``waiting``: people who are looked at, told of or not, because something was
    in their way that may be gone. ``most``: of how many people all may be gone through, where somebody waits for the
    answer; None for any number. ``numbers``: hold the ids of everybody.
    """

    place: Place
    pages: int = 0
    full: bool = False
    groups_full: bool = False
    everybody: bool = False
    told: Told = field(default_factory=Told)
    groups_told: GroupsTold = field(default_factory=GroupsTold)
    groups: dict[str, Group] = field(default_factory=dict)
    groups_before: dict[str, Group] = field(default_factory=dict)
    groups_loaded: bool = False
    above: Mapping[str, frozenset[str]] = field(default_factory=dict)
    brief: Briefs = field(default_factory=Briefs)
    gone: dict[str, Gone] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    stays: dict[str, frozenset[str]] = field(default_factory=dict)
    keeps_managers: bool = False
    waiting: frozenset[str] = frozenset()
    most: int | None = None
    numbers: Numbers = field(default_factory=Numbers)
    _read: dict[str, Known | None] = field(default_factory=dict)

    def is_quiet(self) -> bool:
        """Whether there is nobody to look at."""
        return not (self.everybody or self.told.last or self._others())

    def iter_chunks(self) -> Iterator[list[Seen]]:
        """Everybody who must be looked at, once each, some hundred at a time."""
        for items in batched(self._present(), CHUNK, strict=False):
            known = self.find_known(each["id"] for each in items)
            yield [Seen(self.person_of(each, known.get(each["id"])), known.get(each["id"])) for each in items]
        for chunk in batched(self._iter_untold(), CHUNK, strict=False):
            yield [Seen(self.unchanged(each), each) for each in chunk]

    def list_managers(self) -> frozenset[str] | None:
        """Whoever is somebody's manager, as far as everybody is looked at; None where that are only some."""
        if not self.everybody:
            return None
        kept: Iterable[Known] = self.brief.values() if self.keeps_managers else ()
        if not self.full:
            kept = mirror.iter_known(self.place.rt, self.place.connection_id, ["manager"])
        return frozenset(self.told.managers) | {each.manager for each in kept}

    def iter_all(self, wanted: frozenset[str] | None) -> Iterator[Seen]:
        """Those who must be looked at, told of or not; or the ``wanted`` of them."""
        yield from self.iter_told(wanted)
        for each in self._iter_untold(wanted):
            yield Seen(self.unchanged(each), each)

    def iter_reports(self, managers: Collection[str]) -> Iterator[list[Seen]]:
        """Those who have one of these managers, and are not looked at for anything else."""
        others = self._others()
        reports = mirror.find_reports(self.place.rt, self.place.connection_id, managers)
        ids = [each for each in reports if each not in others and each not in self.told.last]
        for chunk in batched(ids, CHUNK, strict=False):
            yield [Seen(self.unchanged(each), each) for each in self.find_known(chunk).values()]

    def iter_told(self, wanted: frozenset[str] | None = None) -> Iterator[Seen]:
        """Those who were told of, without looking whether anything is different; or the ``wanted`` of them."""
        found = (each for each in self._present() if wanted is None or each["id"] in wanted)
        for items in batched(found, CHUNK, strict=False):
            known = self.find_known(each["id"] for each in items)
            yield from (Seen(self.person_of(each, known.get(each["id"])), known.get(each["id"])) for each in items)

    def person_of(self, item: Json, known: Known | None) -> Person:
        """A person who was told of."""
        before = known if known and not self.full else Known(item["id"])
        properties = plain_properties({**before.properties, **item})
        groups = self._groups_of(item["id"], known)
        return Person(item["id"], properties, self._manager_of(item, known), groups, self._all_groups(groups))

    def unchanged(self, known: Known) -> Person:
        """A person of whom nothing was told but, perhaps, of their groups, or that they are gone."""
        groups = self._groups_of(known.object_id, known)
        gone: Gone = self.gone.get(known.object_id, known.gone)
        return replace(known.person(), groups=groups, all_groups=self._all_groups(groups), gone=gone)

    def find_known(self, object_ids: Iterable[str]) -> dict[str, Known]:
        """The rows of people, at least the brief ones."""
        wanted = list(object_ids)
        if self.full:
            return {each: self.brief[each] for each in wanted if each in self.brief}
        unread = [each for each in wanted if each not in self._read]
        found: dict[str, Known | None] = dict.fromkeys(unread)
        found |= mirror.find_many(self.place.rt, self.place.connection_id, unread) if unread else {}
        if len(self._read) < MOST_REMEMBERED:
            self._read |= found
        known = {each: found.get(each, self._read.get(each)) for each in wanted}
        return {each: row for each, row in known.items() if row is not None}

    def _present(self) -> Iterator[Json]:
        return iter_present(self.place.spool.iter_all("users", self.pages), self.told)

    def _iter_untold(self, only: frozenset[str] | None = None) -> Iterator[Known]:
        found = self._untold()
        return found if only is None else (each for each in found if each.object_id in only)

    def _untold(self) -> Iterator[Known]:
        rt, connection_id = self.place.rt, self.place.connection_id
        if self.everybody and not self.full:
            return (each for each in mirror.iter_known(rt, connection_id) if not self.told.is_there(each.object_id))
        others = self.brief if self.everybody else self._others()
        wanted = {each for each in others if not self.told.is_there(each)}
        if len(wanted) > MANY:
            return (each for each in mirror.iter_known(rt, connection_id) if each.object_id in wanted)
        if not self.full:
            return iter(self.find_known(sorted(wanted)).values())
        return iter(mirror.find_many(rt, connection_id, sorted(wanted)).values())

    def _others(self) -> set[str]:
        """Whom a run over some people looks at, though nothing may have been told of them."""
        return self.groups_told.members.keys() | self.gone.keys() | self.waiting

    def _manager_of(self, item: Json, known: Known | None) -> str:
        told = manager_of(item)
        if told is not None:
            return told
        return known.manager if known and (self.keeps_managers or not self.full) else ""

    def _groups_of(self, object_id: str, known: Known | None) -> frozenset[str]:
        before = known.groups if known else frozenset()
        moves = dict(self.groups_told.members.get(object_id, ()))
        into = frozenset(group for group, is_in in moves.items() if is_in)
        if self.groups_full:
            return into | (before & self.kept) | self.stays.get(object_id, frozenset())
        return (before - moves.keys()) | into

    def _all_groups(self, groups: frozenset[str]) -> frozenset[str]:
        return groups.union(*(self.above.get(each, frozenset()) for each in groups))


def look(place: Place) -> Tenant:
    """Put together what was told and what is known; raises GraphError, NotCredible where it cannot be true."""
    found = _read_back(place)
    rounds.check_told(place, found.told)
    _look_at_groups(found)
    if found.full:
        found.brief = Briefs(mirror.iter_known(place.rt, place.connection_id, COLUMNS), found.numbers)
        found.keeps_managers = _hides_managers(found)
    found.emptied = _emptied(found)
    _look_up_gone(found)
    if found.groups_full:
        _look_up_left(found)
    return found


def _read_back(place: Place) -> Tenant:
    """What was told, over all pages."""
    state, spool, numbers = place.state, place.spool, Numbers()
    return Tenant(
        place,
        pages=state.user_pages,
        full=state.users_full,
        groups_full=reads_all_groups(place),
        told=index(spool.iter_all("users", state.user_pages), numbers),
        groups_told=add_up(spool.iter_all("groups", state.group_pages), numbers),
        numbers=numbers,
    )


def _look_at_groups(found: Tenant) -> None:
    """The groups before and after. Everybody may be concerned where one is in another by now that was not, and where
    rules or structure are not those by which the mirror's plans were made.
    """
    place, told = found.place, found.groups_told
    replanned = place.state.version != place.state.next_version
    waits = place.state.waiting or place.state.too_many_wait
    concerns = found.full or found.groups_full or found.told.last or waits or told.names or told.removed
    if not (concerns or replanned):
        return
    found.groups_loaded = True
    found.groups_before = mirror.load_groups(place.rt, place.connection_id)
    found.groups = groups_after(place, found.groups_before, told)
    found.above = ancestors({each.group_id: each.children for each in found.groups.values()})
    moved = _edges(found.groups_before) != _edges(found.groups)
    found.everybody = found.full or found.groups_full or replanned or moved
    found.kept = frozenset(groups_in_use(place.rules)) - told.names.keys()


def reads_all_groups(place: Place) -> bool:
    """Whether this round says of every group who is in it, as far as groups are asked for."""
    return place.state.groups_full and rounds.asked(place.rules).groups is not None


def plain_properties(item: Json) -> dict[str, Any]:
    """What is said of a person, without what is empty and without annotations; but the type tells what they are."""
    told = ((name, value) for name, value in item.items() if name in _KEPT or not ("@" in name or name == "manager"))
    return {name: value for name, value in told if value not in (None, "", [])}


def _edges(groups: Mapping[str, Group]) -> dict[str, frozenset[str]]:
    return {each.group_id: each.children for each in groups.values() if each.children}


def groups_after(place: Place, before: Mapping[str, Group], told: GroupsTold) -> dict[str, Group]:
    """All groups after a round. One that a mapping uses stays when it is gone, and since when is noted."""
    used, full = groups_in_use(place.rules), reads_all_groups(place)
    after = {} if full else dict(before)
    for group, name in told.names.items():
        known = before.get(group, Group(group))
        moves = told.children.get(group, {})
        stays = frozenset() if full else known.children - moves.keys()
        after[group] = Group(group, name or known.name, stays | {child for child, is_in in moves.items() if is_in})
    lost = {each for each in used if each not in told.names} if full else set()
    for group in told.removed | lost:
        after.pop(group, None)
        if group in used:
            known = before.get(group, Group(group, used[group].name))
            after[group] = replace(known, gone_at=known.gone_at or to_text(place.rt.clock.now()))
    return after


def _emptied(tenant: Tenant) -> frozenset[str]:
    """Groups in use that had two members or more, and have none at all after a round over all groups."""
    if not tenant.groups_full:
        return frozenset()
    left = {group for moves in tenant.groups_told.members.values() for group, is_in in moves if is_in}
    suspects = frozenset(groups_in_use(tenant.place.rules)) - tenant.kept - left
    before = Counter(group for known in _with_groups(tenant, suspects) for group in known.groups & suspects)
    return frozenset(group for group in suspects if before[group] > 1)


def _with_groups(tenant: Tenant, suspects: frozenset[str]) -> Iterator[Known]:
    """Those who were there, with the groups that they were in; nobody where no group is looked for."""
    place = tenant.place
    told = tenant.brief.values() if tenant.full else mirror.iter_known(place.rt, place.connection_id, COLUMNS)
    return (known for known in told if not known.gone) if suspects else iter(())


def _hides_managers(tenant: Tenant) -> bool:
    """Whether a round over everybody names not one manager, and more than a few of those whom it names had one."""
    had = (each for each, known in tenant.brief.items() if known.manager and tenant.told.is_there(each))
    return not tenant.told.managers and sum(1 for _ in islice(had, FEW_MANAGED + 1)) > FEW_MANAGED


def _look_up_gone(tenant: Tenant) -> None:
    """Whom Graph calls removed, or does not name at all, is looked for: a filter, a delay or a fault is no farewell.

    Who is there nevertheless is asked for once more in the next run, in case it was only a matter of time.
    """
    place, told = tenant.place, tenant.told
    suspects = told.removed | (set(place.state.doubtful) - told.last.keys())
    if tenant.full:
        suspects |= {each for each in tenant.brief if each not in told.last and not tenant.brief[each].gone}
    known = suspects & tenant.brief.keys() if tenant.brief else _known_among(tenant, suspects)
    absent = known - graph.find_present(place.client, sorted(known)) if known else set()
    place.state.next_doubtful = tuple(sorted((known - absent) & told.removed)[:MOST_LOOKED_UP])
    unsure = sorted(absent - told.removed)
    restorable = graph.find_deleted(place.client, unsure) if 0 < len(unsure) <= MOST_LOOKED_UP else frozenset()
    tenant.gone = {each: "deleted" if each in told.removed or each in restorable else "missing" for each in absent}


def _look_up_left(tenant: Tenant) -> None:
    """Who was in a group that was told of, but of whom nothing was, is asked for: a missing page is no farewell.

    Of groups within groups, and of very many people at once, nobody is asked for: what they would lose waits.
    """
    silent = dict(_iter_silent(tenant))
    if len(silent) > MOST_LOOKED_UP:
        tenant.emptied |= frozenset[str]().union(*silent.values())
    elif silent:
        groups = graph.find_groups_of(tenant.place.client, sorted(silent))
        tenant.stays = {each: silent[each] & found for each, found in groups.items()}
    tenant.emptied |= {each for each in _counting(tenant) - tenant.kept if _lost_groups(tenant, each)}


def _counting(tenant: Tenant) -> frozenset[str]:
    """The groups in use and, where membership through others counts, those that were within them."""
    used = frozenset(groups_in_use(tenant.place.rules))
    if not uses_transitive(tenant.place.rules):
        return used
    above = ancestors({each.group_id: each.children for each in tenant.groups_before.values()})
    return used | {each for each, groups in above.items() if groups & used}


def _iter_silent(tenant: Tenant) -> Iterator[tuple[str, frozenset[str]]]:
    """Who is not gone, and the groups that count in which they were, and in which no word was said of them."""
    place, told, counting = tenant.place, tenant.groups_told, _counting(tenant) - tenant.kept
    rows = tenant.brief.values() if tenant.full else mirror.iter_known(place.rt, place.connection_id, COLUMNS)
    for known in rows:
        groups = (known.groups & counting) - dict(told.members.get(known.object_id, ())).keys()
        if groups and not known.gone and known.object_id not in tenant.gone:
            yield known.object_id, groups


def _lost_groups(tenant: Tenant, group_id: str) -> bool:
    """Whether a group had others in it of which nothing was said."""
    before, told = tenant.groups_before.get(group_id), tenant.groups_told.children.get(group_id, {})
    return bool(before and before.children - told.keys()) and uses_transitive(tenant.place.rules)


def _known_among(tenant: Tenant, object_ids: Iterable[str]) -> set[str]:
    return set(mirror.find_many(tenant.place.rt, tenant.place.connection_id, object_ids))
