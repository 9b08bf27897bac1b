"""What a delta round over the directory has to show: one line an object, or several for a group with many members."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import batched
from random import Random

from dev.graph.directory.entries import Change, Entry
from dev.graph.directory.properties import GROUP, USER, Kind
from dev.graph.directory.state import Directory

MEMBERS_A_PAGE = 1_000
type Links = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Query:
    """What the first request of a chain of rounds asked for; every link carries it on. Without `names` the default."""

    kind: Kind
    names: tuple[str, ...] | None = None
    ids: frozenset[str] | None = None

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The properties to be shown, without the id and the relation."""
        return tuple(n for n in self.names or self.kind.default if n in self.kind.properties and n != "id")

    @cached_property
    def tracked(self) -> frozenset[str]:
        """What wakes an object."""
        relation = {self.kind.relation} if self.with_links else set()
        return frozenset({*self.shown, *relation} - self.kind.untracked)

    @property
    def with_links(self) -> bool:
        """Members come unless other things are selected, a manager only if selected."""
        return self.kind.relation in self.names if self.names else self.kind is GROUP

    def covers(self, key: str) -> bool:
        """Whether the filter lets this object through."""
        return self.ids is None or key in self.ids


@dataclass(frozen=True, slots=True)
class Line:
    """One object of a round: which properties changed, None for all as it is new; and the links that came or went."""

    id: str
    names: frozenset[str] | None
    links: Links = ()


@dataclass(frozen=True)
class Round:
    """The lines to be shown, the length that the log had when they were taken, and when that was."""

    tenant_id: str
    query: Query
    lines: list[Line]
    log_length: int
    started: datetime


@dataclass
class _Merged:
    names: frozenset[str] | None = frozenset()
    links: dict[str, bool] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        self.names = None if self.names is None or change.names is None else self.names | change.names
        for key, is_one in change.links:
            self.links.pop(key, None)
            self.links[key] = is_one


def everything(directory: Directory, query: Query) -> list[Line]:
    """The first round: all there are, and what lies in the bin as removed.

    A group shows those too who were taken out of it before,
    https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/2005
    """
    entries = (entry for entry in directory.live[query.kind.name].values() if query.covers(entry.id))
    lines = [Line(entry.id, None, _all_links(directory, query, entry)) for entry in entries]
    lines += [Line(e.id, frozenset()) for e in directory.bin.values() if e.kind is query.kind and query.covers(e.id)]
    return _in_pieces(lines) if query.kind is GROUP else lines


def changed_since(directory: Directory, query: Query, position: int) -> list[Line]:
    """A later round: what was changed, each object once, with all its changes."""
    merged: dict[str, _Merged] = {}
    for change in directory.log[position:]:
        if change.kind == query.kind.name and query.covers(change.id):
            merged.setdefault(change.id, _Merged()).add(change)
    live = directory.live[query.kind.name]
    return _in_pieces(
        _line(directory, query, live.get(key), key, found)
        for key, found in merged.items()
        if key not in live or found.names is None or found.names & query.tracked
    )


def page_end(lines: list[Line], start: int, size: int) -> int:
    """Where the page that begins at `start` ends: no more members than a page takes, hence no group twice."""
    end = min(start + size, len(lines))
    members = 0
    for number in range(start, end):
        members += len(lines[number].links)
        if members > MEMBERS_A_PAGE and number > start:
            return number
    return end


def put_off(directory: Directory, query: Query, lines: list[Line]) -> None:
    """Replication lags behind: these come in the next round only.

    https://learn.microsoft.com/en-us/graph/delta-query-overview#replication-delays
    """
    directory.log += [Change(query.kind.name, line.id, line.names, line.links) for line in lines]


def _line(directory: Directory, query: Query, entry: Entry | None, key: str, found: _Merged) -> Line:
    if entry is None or not query.with_links:
        return Line(key, found.names)
    if found.names is None:  # what is new, or has been restored, comes with all that it has
        return Line(key, None, _all_links(directory, query, entry))
    return Line(key, found.names, tuple(found.links.items()))


def _all_links(directory: Directory, query: Query, entry: Entry) -> Links:
    if not query.with_links:
        return ()
    if query.kind is USER:
        return () if entry.manager is None else ((entry.manager, True),)
    now = ((member.id, True) for member in directory.members(entry.id))
    return (*now, *((key, False) for key in directory.former_members(entry.id)))


def _in_pieces(lines: Iterable[Line]) -> list[Line]:
    """Cut up what has more links than a page takes, and mix the pieces among the rest."""
    pieces: list[Line] = []
    for line in lines:
        if len(line.links) <= MEMBERS_A_PAGE:
            pieces.append(line)
        else:
            pieces += [Line(line.id, line.names, links) for links in batched(line.links, MEMBERS_A_PAGE, strict=False)]
    if any(len(piece.links) == MEMBERS_A_PAGE for piece in pieces):
        Random(len(pieces)).shuffle(pieces)  # noqa: S311 - the same disorder every time
    return pieces
