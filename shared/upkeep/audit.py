"""Who changed what: a row that is written before a change is made, and says afterwards how it ended.

So no change goes unrecorded, wherever the app dies; a row without an outcome tells of one that may have been made.
Only its outcome is ever added to a row, and only its age removes it. All lie in one partition, newest first: a page is
one range.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from shared import log
from shared.clock import to_text
from shared.runtime import Runtime
from shared.storage.keys import newest_first
from shared.storage.rows import Row, fill

TABLE = "Audit"
PARTITION = "changes"
MOST_LOOKED_AT = 1_000
"""As many as storage gives for one request."""
_LONGEST = 30_000
_LONGEST_WHERE_TOO_LONG = 500
"""Characters. A property of a row takes 64 KiB of UTF-16; where all values together would not fit each is cut."""


@dataclass(slots=True)
class Change:
    """One change: by whom (name, and object id in Entra), when (ISO 8601), what (such as ``mailbox.changed``) of which
    target, and the values before and after, as JSON. ``outcome``: empty until it ended, ``done``, or why it failed.
    """

    key: str
    at: str
    who: str
    who_id: str
    what: str
    target: str
    before: str
    after: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes to list; empty means any. ``who``: a name or an object id; ``target``: it, or a part of it."""

    who: str = ""
    target: str = ""


def begin(
    rt: Runtime,
    *,
    who: str,
    who_id: str,
    what: str,
    target: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> Change:
    """Record what somebody is about to change."""
    now = rt.clock.now()
    key = f"{newest_first(now)}~{secrets.token_hex(6)}"
    change = Change(key, to_text(now), who, who_id, what, target, _json(before), _json(after))
    values = asdict(change)
    rt.tables[TABLE].insert(Row(PARTITION, values.pop("key"), values))
    return change


def end(rt: Runtime, change: Change, outcome: str) -> None:
    """Record how it ended, and its target, which something new has only now."""
    change.outcome = outcome
    rt.tables[TABLE].merge(Row(PARTITION, change.key, {"outcome": outcome, "target": change.target}))


def list_changes(rt: Runtime, wanted: Wanted, *, past: str = "", limit: int = 50) -> tuple[list[Change], str | None]:
    """The newest that fit, behind the key ``past``, and the key to go on behind (None at the end).

    At most a thousand rows are compared, so that a page may hold fewer than ``limit`` and still have a next.
    """
    found: list[Change] = []
    rows = limit + 1 if wanted == Wanted() else MOST_LOOKED_AT
    for looked, change in enumerate(_iter_newest(rt, past, rows), start=1):
        if len(found) == limit:
            return found, past
        past = change.key
        if _fits(change, wanted):
            found.append(change)
        if looked == MOST_LOOKED_AT:
            return found, past
    return found, None


def _iter_newest(rt: Runtime, past: str, page: int) -> Iterator[Change]:
    for row in rt.tables[TABLE].range(PARTITION, after=past, page=page):
        yield fill(Change, row, key=row.key)


def _fits(change: Change, wanted: Wanted) -> bool:
    return (not wanted.who or wanted.who in (change.who, change.who_id)) and (
        not wanted.target or change.target == wanted.target or change.target.startswith(f"{wanted.target}/")
    )


def _json(values: Mapping[str, object] | None) -> str:
    told = log.without_secrets(values or {})
    text = _encoded(told)
    if _units(text) <= _LONGEST:
        return text
    return _encoded({name: _cut(_encoded(value)) for name, value in told.items()})


def _encoded(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_WHERE_TOO_LONG else f"{text[:_LONGEST_WHERE_TOO_LONG]}…"


def _units(text: str) -> int:
    """Characters as UTF-16 counts them; an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
