"""Work that could not be done: kept with its reason, listed, and put again when a person says so.

Two roads lead here: work that says itself that it can never go on, and messages that failed so often that the host
moved them to a ``-poison`` queue. https://learn.microsoft.com/en-us/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass

from shared import log
from shared.clock import to_text
from shared.errors import Conflict, NotFound, SetAside
from shared.runtime import Runtime
from shared.storage.keys import digest, newest_first
from shared.storage.rows import Row, fill
from shared.storage.tables import RowExists
from shared.work import KINDS

TABLE = "SetAside"
PARTITION = "work"
LONGEST_TEXT = 20_000
_NAMING = ("mailbox_id", "connection_id")
"""What messages call those whose work they are."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece of work that was set aside: the queue and the message, why, and whether it was put again."""

    key: str
    queue: str
    text: str
    reason: str
    cure: str
    kept_at: str
    replayed_at: str = ""


def keep_text(rt: Runtime, queue: str, text: str, reason: SetAside) -> None:
    """Keep a piece of work that can never go on by itself."""
    _insert(rt, queue, text, reason.cause, reason.cure)


def keep_poison(rt: Runtime, queue: str, text: str) -> None:
    """Keep a message that the host gave up on."""
    cause = "The work failed each time it was tried; the log of the function tells why."
    _insert(rt, queue, text, cause, "Mend the cause, then put the work again.")
    log.error("work.poison", queue=queue)


def list_kept(
    rt: Runtime, *, past: str = "", limit: int = 50, hidden: Collection[str] = ()
) -> tuple[list[Kept], str | None]:
    """The newest first, behind the key ``past``, and the key to go on behind (None at the end).

    ``hidden``: mailboxes and connections whose work is passed over, so that there may be fewer than ``limit`` before
    the end.
    """
    rows = rt.tables[TABLE].range(PARTITION, after=past, limit=limit + 1, page=limit + 1)
    found = [_kept(row) for row in rows]
    seen = [each for each in found[:limit] if _is_seen(each.text, hidden)]
    return seen, found[limit - 1].key if len(found) > limit else None


def count_waiting(rt: Runtime, most: int = 100, hidden: Collection[str] = ()) -> int:
    """How many pieces of work wait for a person, counted up to ``most``; not those of what is ``hidden``."""
    column = "text" if hidden else "queue"
    rows = rt.tables[TABLE].range(PARTITION, where="replayed_at eq ''", select=[column], limit=most)
    return sum(1 for row in rows if _is_seen(row[column], hidden))


def get(rt: Runtime, key: str, hidden: Collection[str] = ()) -> Kept:
    """The kept piece of work of this key; raises NotFound, also for that of what is ``hidden``."""
    row = rt.tables[TABLE].find(PARTITION, key)
    if row is None or not _is_seen(row["text"], hidden):
        raise NotFound(f"No work was set aside as {key!r}.", "Look it up in the list of work set aside.")
    return _kept(row)


def replay(rt: Runtime, key: str) -> Kept:
    """Put a kept piece of work on its queue again; raises NotFound, and Conflict where its queue is unknown."""
    kept = get(rt, key)
    if kept.queue not in KINDS:
        raise Conflict(f"There is no queue {kept.queue!r} in this version.", "The work belongs to another version.")
    rt.queues.put_text(kept.queue, kept.text)
    rt.tables[TABLE].merge(Row(PARTITION, key, {"replayed_at": to_text(rt.clock.now())}))
    return kept


def _insert(rt: Runtime, queue: str, text: str, reason: str, cure: str) -> None:
    now = rt.clock.now()
    key = f"{newest_first(now)}~{digest(queue, text)[:12]}"
    kept = Kept(key, queue, text[:LONGEST_TEXT], reason, cure, to_text(now))
    values = asdict(kept)
    try:
        rt.tables[TABLE].insert(Row(PARTITION, values.pop("key"), values))
    except RowExists:
        log.debug("work.kept_already", queue=queue)


def named_in(text: str) -> frozenset[str]:
    """The mailbox and the connection that a message names; empty where none can be read in it."""
    try:
        found = json.loads(text)
    except ValueError:
        return frozenset()
    named = [found.get(name) for name in _NAMING] if isinstance(found, dict) else []
    return frozenset(each for each in named if isinstance(each, str) and each)


def _is_seen(text: str, hidden: Collection[str]) -> bool:
    """Whether the work is none of what is hidden; where that cannot be known it is not seen."""
    named = named_in(text)
    return not hidden or (bool(named) and named.isdisjoint(hidden))


def _kept(row: Row) -> Kept:
    return fill(Kept, row, key=row.key)
