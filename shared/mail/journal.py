"""The journal: what became of each mail, newest first, over one mailbox or all of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from shared.mail import ledger, mailboxes
from shared.mail.ledger import Entry
from shared.mail.mailboxes import Mailbox
from shared.runtime import Runtime

MOST_LOOKED_AT = 1_000
PAGE_TO_COMPARE = 200
"""Rows of a mailbox that are fetched at once where most may not fit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mails to list; empty means any. ``text`` is looked for in subject and sender, ``since`` is ISO 8601.

    ``hidden``: connections whose mailboxes are passed over, as if they were not there.
    """

    mailbox_id: str = ""
    verdict: str = ""
    sender: str = ""
    text: str = ""
    since: str = ""
    before: str = ""
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Listed:
    """Some entries with their mailboxes, and the key to go on behind (None: that was the last)."""

    entries: list[tuple[str, Entry]]
    next: str | None


def list_entries(rt: Runtime, wanted: Wanted, *, past: str = "", limit: int = 50) -> Listed:
    """The newest mails that fit, behind the key ``past``.

    Rows are read in the order of time and compared one by one, at most a thousand of them, so that a page may hold
    fewer than ``limit`` and still have a next.
    """
    found: list[tuple[str, Entry]] = []
    for looked, (mailbox_id, entry) in enumerate(_iter_newest(rt, wanted, past, limit), start=1):
        if wanted.since and entry.received_at < wanted.since:
            return Listed(found, None)
        if _fits(entry, wanted):
            found.append((mailbox_id, entry))
        if len(found) == limit or looked == MOST_LOOKED_AT:
            return Listed(found, entry.key)
    return Listed(found, None)


def _iter_newest(rt: Runtime, wanted: Wanted, past: str, limit: int) -> Iterator[tuple[str, Entry]]:
    start = max(past, ledger.key_at(wanted.before)) if wanted.before else past
    page = max(limit + 1, PAGE_TO_COMPARE) if wanted.verdict or wanted.sender or wanted.text else limit + 1
    streams = [_stream(rt, mailbox.mailbox_id, start, page) for mailbox in _watched(rt, wanted)]
    return heapq.merge(*streams, key=lambda each: each[1].key)


def _watched(rt: Runtime, wanted: Wanted) -> list[Mailbox]:
    if not wanted.mailbox_id:
        return mailboxes.list_seen(rt, wanted.hidden)
    mailbox = mailboxes.get(rt, wanted.mailbox_id)
    if mailbox.connection_id in wanted.hidden:
        raise mailboxes.missing(wanted.mailbox_id)
    return [mailbox]


def _stream(rt: Runtime, mailbox_id: str, past: str, page: int) -> Iterator[tuple[str, Entry]]:
    for entry in ledger.iter_newest(rt, mailbox_id, past=past, page=page):
        yield mailbox_id, entry


def _fits(entry: Entry, wanted: Wanted) -> bool:
    text = wanted.text.lower()
    return (
        (not wanted.verdict or entry.verdict == wanted.verdict)
        and (not wanted.sender or entry.sender == wanted.sender.lower())
        and (not text or text in entry.subject.lower() or text in entry.sender)
    )
