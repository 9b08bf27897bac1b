"""Keeping the desk's structure: one row for each thing, and one for each text that no other thing may have.

Such a *guard* is written in the transaction of its thing, so that two things never share a name, whoever is faster.
A thing is changed only at the version that was read: of two who change it at once, one is told so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from shared.desk import PARTITION, TABLE, findable
from shared.desk.findable import Findable, not_findable
from shared.errors import BadInput, Conflict, NotFound
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.keys import digest
from shared.storage.tables import Change, Row, RowChanged, RowExists

MOST_LOOKED_AT = 1_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_REMEMBERED_SECONDS = 60
_HOLDER = "holder"


@dataclass(frozen=True, slots=True)
class Guard:
    """The row behind a text that only one thing may have. ``name``: the field the text is in."""

    name: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def no_guards(_thing: object) -> dict[str, Guard]:
    """For things that may all be called the same."""
    return {}


@dataclass(frozen=True, slots=True)
class Kind[T]:
    """One kind of thing: its word for people, where it lies, and how it becomes a row and is made of one.

    ``guards``: the keys that it holds; ``findable``: what others may be found to be the same thing by. ``forget``:
    what this process remembered of it besides.
    """

    word: str
    prefix: str
    columns: Callable[[T], dict[str, Any]]
    of: Callable[[Row], T]
    id_of: Callable[[T], str]
    guards: Callable[[T], dict[str, Guard]] = no_guards
    holder: str = _HOLDER
    findable: Callable[[T], Findable] = not_findable
    forget: Callable[[Runtime], None] = lambda _rt: None


@dataclass(frozen=True, slots=True)
class Kept[T]:
    """A thing, and the version that it was read at."""

    thing: T
    etag: str


def name_key(name: str) -> str:
    """A name as the desk tells names apart: without regard to case and spaces, and ² is 2."""
    return " ".join(normalize("NFKC", name).casefold().split())


def name_guard(kind: str, name: str, *within: str) -> dict[str, Guard]:
    """The guard of a name that no other of its kind may have, within something."""
    return {f"n~{digest(kind, *within, name_key(name))}": Guard("name", name)}


def row_of[T](kind: Kind[T], thing: T) -> Row:
    """A thing as its row."""
    return Row(PARTITION, kind.prefix + kind.id_of(thing), kind.columns(thing))


def replacement[T](kind: Kind[T], thing: T, etag: str) -> Change:
    """The change that puts a thing in the place of what was read at this version; whatever is there without one."""
    row = row_of(kind, thing)
    row.etag = etag or None
    return Change("replace" if etag else "upsert", row)


def creation[T](kind: Kind[T], thing: T) -> list[Change]:
    """The rows that make a thing: its own first, then its guards, which are refused where another one has them."""
    mine = kind.id_of(thing)
    own = Change("insert", row_of(kind, thing))
    return [own, *(Change("insert", _guard_row(kind, mine, *each)) for each in kind.guards(thing).items())]


def find[T](rt: Runtime, kind: Kind[T], thing_id: str) -> T | None:
    """The thing of this id, or None; also for a text that cannot be one."""
    row = _find_row(rt, kind, thing_id)
    return None if row is None else kind.of(row)


def get[T](rt: Runtime, kind: Kind[T], thing_id: str) -> T:
    """The thing of this id; raises NotFound."""
    return read(rt, kind, thing_id).thing


def read[T](rt: Runtime, kind: Kind[T], thing_id: str) -> Kept[T]:
    """The thing of this id and its version; raises NotFound."""
    row = _find_row(rt, kind, thing_id)
    if row is None:
        raise NotFound(f"There is no {kind.word} {thing_id[:64]!r}.", "Look it up in the list.")
    return Kept(kind.of(row), row.etag or "")


def iter_all[T](rt: Runtime, kind: Kind[T], select: Sequence[str] | None = None) -> Iterator[T]:
    """All of a kind, by id, fetched as they are taken; ``select``: only these columns are told, None for all."""
    rows = rt.tables[TABLE].range(PARTITION, low=kind.prefix, high=behind(kind.prefix), select=select)
    return map(kind.of, rows)


def list_some[T](
    rt: Runtime, kind: Kind[T], fits: Callable[[T], bool] | None = None, *, past: str = "", limit: int = 50
) -> tuple[list[T], str | None]:
    """Those that fit (None: all), behind the id ``past``, and the id to go on behind (None at the end).

    At most a thousand are compared, in one request: a page may hold fewer than ``limit`` and still have a next.
    """
    found: list[T] = []
    low = kind.prefix + past if past else ""
    size = MOST_LOOKED_AT if fits else limit + 1
    rows = rt.tables[TABLE].range(PARTITION, low=kind.prefix, high=behind(kind.prefix), after=low, page=size)
    for looked, row in enumerate(rows, start=1):
        if len(found) == limit:
            return found, past
        thing, past = kind.of(row), row.key.removeprefix(kind.prefix)
        if fits is None or fits(thing):
            found.append(thing)
        if looked == MOST_LOOKED_AT:
            return found, past
    return found, None


def load_all[T](rt: Runtime, kind: Kind[T]) -> dict[str, T]:
    """All of a small kind by their ids, remembered for a minute."""
    memory: dict[str, tuple[dict[str, Any], float]] = rt.memory.setdefault("desk.structure", {})
    known = memory.get(kind.prefix)
    if known is None or known[1] <= rt.clock.steady():
        things = {kind.id_of(thing): thing for thing in iter_all(rt, kind)}
        known = memory[kind.prefix] = things, rt.clock.steady() + _REMEMBERED_SECONDS
    return known[0]


def create[T](rt: Runtime, kind: Kind[T], thing: T) -> Kept[T]:
    """Keep a new thing; raises BadInput where another one has its name, and the like."""
    changes = creation(kind, thing)
    try:
        rt.tables[TABLE].transact(changes)
    except RowExists:
        return _after_refusal(rt, kind, thing)
    finally:
        _forget(rt, kind)
    return Kept(thing, changes[0].row.etag or "")


def change[T](rt: Runtime, kind: Kind[T], before: Kept[T], after: T, also: Collection[Change] = ()) -> Kept[T]:
    """Put ``after`` in the place of what was read; ``also``: what is to change in the same transaction.

    Raises BadInput where another thing has its name, and the like; Conflict where it was changed meanwhile.
    """
    if after == before.thing:
        return before
    changes = [*_planned(rt, kind, before, after), *also]
    try:
        rt.tables[TABLE].transact(changes)
    except (RowExists, RowChanged):
        return _after_refusal(rt, kind, after)
    finally:
        _forget(rt, kind)
    return Kept(after, changes[0].row.etag or "")


def _planned[T](rt: Runtime, kind: Kind[T], before: Kept[T], after: T) -> list[Change]:
    """A change of a thing and of its guards. Guards that another thing holds by now are left to it."""
    mine, changes = kind.id_of(after), [replacement(kind, after, before.etag)]
    old, new = kind.guards(before.thing), kind.guards(after)
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        present = rt.tables[TABLE].find(PARTITION, key)
        theirs = present is not None and present[kind.holder] == mine
        if key not in new:
            changes += [Change("delete", Row(PARTITION, key))] if theirs else []
        elif theirs or present is None:
            changes.append(Change("upsert" if theirs else "insert", _guard_row(kind, mine, key, new[key])))
        else:
            raise _taken(kind, new[key], present)
    return changes + findable.changes([(kind.findable(before.thing), kind.findable(after))])


def _after_refusal[T](rt: Runtime, kind: Kind[T], wanted: T) -> Kept[T]:
    """What is there after a refusal, if it is what was wanted: the answer to our own first request was lost."""
    row = _find_row(rt, kind, kind.id_of(wanted))
    if row is not None and kind.of(row) == wanted:
        return Kept(wanted, row.etag or "")
    for key, guard in kind.guards(wanted).items():
        present = rt.tables[TABLE].find(PARTITION, key)
        if present is not None and present[kind.holder] != kind.id_of(wanted):
            raise _taken(kind, guard, present)
    raise changed_meanwhile(kind.word)


def changed_meanwhile(word: str) -> Conflict:
    """What is said to who comes second."""
    return Conflict(f"The {word} was changed meanwhile.", "Read it again, and change what is there now.")


def _taken[T](kind: Kind[T], guard: Guard, present: Row) -> BadInput:
    cause = f"The {kind.word} {present[kind.holder]} has {guard.text[:100]!r} already."
    return BadInput(guard.name, cause, f"Choose another one, or change that {kind.word}.")


def _find_row[T](rt: Runtime, kind: Kind[T], thing_id: str) -> Row | None:
    return rt.tables[TABLE].find(PARTITION, kind.prefix + thing_id) if _ID.match(thing_id) else None


def _guard_row[T](kind: Kind[T], holder: str, key: str, guard: Guard) -> Row:
    return Row(PARTITION, key, {kind.holder: holder, **guard.values})


def _forget[T](rt: Runtime, kind: Kind[T]) -> None:
    rt.memory.get("desk.structure", {}).pop(kind.prefix, None)
    kind.forget(rt)
