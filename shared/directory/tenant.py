"""The tenant as it is after a round: what was told, upon what the mirror knew before.

Whoever need not be looked at is never loaded. A round over everybody holds a little of each person at once
(``Briefs``), any other only those whom Graph spoke of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any

from shared.directory import mirror
from shared.directory.brief import Briefs
from shared.directory.mirror import Group, Known
from shared.directory.numbering import Numbers
from shared.directory.persons import Gone, Person
from shared.directory.place import Place
from shared.directory.told import GroupsTold, Told, iter_present, manager_of
from shared.graph.client import Json

CHUNK = 500
MANY = 500
"""People of whom it is cheaper to go through the whole mirror than to read them one by one."""
MOST_REMEMBERED = 5_000
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


def plain_properties(item: Json) -> dict[str, Any]:
    """What is said of a person, without what is empty and without annotations; but the type tells what they are."""
    told = ((name, value) for name, value in item.items() if name in _KEPT or not ("@" in name or name == "manager"))
    return {name: value for name, value in told if value not in (None, "", [])}
