"""Users, or agents, of the desk as far as a plan had to read them: some with their rows, or all of them once, and then
of each only as much as it takes to find them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial

from shared import side_by_side
from shared.desk import keeping
from shared.desk.agents import Agent
from shared.desk.keeping import Kept, Kind
from shared.desk.people import User
from shared.directory.matching import Index
from shared.errors import NotFound
from shared.runtime import Runtime

MOST_REMEMBERED = 2_000
"""Rows that are held at once, in the hope that they are needed again."""
SOUGHT_BY = ("user_id", "agent_id", "name", "address", "details", "custom", "origin")
"""Columns of all that somebody can be found by."""


@dataclass(slots=True)
class Roster[T: (User, Agent)]:
    """``index``: those who were read, to be found; ``is_whole``: whether these are all."""

    rt: Runtime
    kind: Kind[T]
    index: Index
    is_whole: bool = False
    _read: dict[str, Kept[T]] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)

    def read(self, ids: Collection[str]) -> None:
        """Let these be found, a point read each."""
        if self.is_whole:
            return
        if len(self._read) > MOST_REMEMBERED:
            self._read.clear()
        unread = {*ids} - self._read.keys() - self._absent
        found = read_many(self.rt, self.kind, unread)
        self._absent |= unread - found.keys()
        self._read |= found
        self._add(each.thing for each in found.values())

    def take(self, everybody: Iterable[T]) -> None:
        """Let all of them be found."""
        self.is_whole = True
        self._add(everybody)

    def remembered(self, thing_id: str) -> T | None:
        """One who was read a little while ago, or None."""
        kept = self._read.get(thing_id)
        return kept.thing if kept else None

    def rows(self, ids: Iterable[str]) -> dict[str, Kept[T]]:
        """The present rows of those of them who are there."""
        wanted = {*ids} - {""}
        found = {each: self._read[each] for each in wanted & self._read.keys()}
        return found | read_many(self.rt, self.kind, wanted - found.keys())

    def _add(self, things: Iterable[T]) -> None:
        """Let people be found, each once: one who was found twice would be ambiguous."""
        for each in things:
            if self.kind.id_of(each) not in self.index.by_id:
                self.index.add(each)


def read_many[T](rt: Runtime, kind: Kind[T], ids: Collection[str]) -> dict[str, Kept[T]]:
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
