"""Lists of tickets, newest first, a bounded number of rows a request whatever is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.desk import PARTITION, TABLE, numbering
from shared.desk.tickets import Ticket, ticket_key, ticket_of
from shared.runtime import Runtime
from shared.storage.keys import after, descending

MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets to list; empty means any. Times are ISO 8601 as ``clock.to_text`` writes them."""

    status: str = ""
    user_id: str = ""
    agent: str = ""
    since: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """Some tickets, and the number to go on behind (None: that was the last)."""

    tickets: list[Ticket]
    next: int | None


def list_tickets(rt: Runtime, wanted: Wanted, *, behind: int | None = None, limit: int = 50) -> Listed:
    """The newest tickets that fit, older than the number ``behind``.

    Rows are read from the list that fits best (requester, else agent, else status, else all); what else is wanted is
    compared row by row, at most a thousand of them, so that a page may hold fewer than ``limit`` and still have a next.
    """
    found: list[Ticket] = []
    last, looked = None, 0
    for ticket in _iter_candidates(rt, wanted, _start(rt, wanted, behind), limit):
        if wanted.since and ticket.created_at < wanted.since:
            return Listed(found, None)
        last, looked = ticket.number, looked + 1
        if _fits(ticket, wanted):
            found.append(ticket)
        if len(found) == limit or looked == MOST_LOOKED_AT:
            return Listed(found, last)
    return Listed(found, None)


def find_ticket(rt: Runtime, number: int, wanted: Wanted) -> list[Ticket]:
    """The ticket of this number if it fits: one, or none."""
    row = rt.tables[TABLE].find(PARTITION, ticket_key(number))
    ticket = None if row is None else ticket_of(row)
    return [ticket] if ticket and _fits(ticket, wanted) else []


def _iter_candidates(rt: Runtime, wanted: Wanted, behind: int | None, limit: int) -> Iterator[Ticket]:
    prefix = "t~"
    if wanted.user_id:
        prefix = f"r~{wanted.user_id}~"
    elif wanted.agent:
        prefix = f"g~{wanted.agent}~"
    elif wanted.status:
        prefix = f"s~{wanted.status}~"
    low = "" if behind is None else prefix + descending(behind)
    rows = rt.tables[TABLE].range(
        PARTITION, low=prefix, high=after(prefix), after=low, limit=MOST_LOOKED_AT, page=max(limit + 1, 100)
    )
    return (ticket_of(row) for row in rows)


def _fits(ticket: Ticket, wanted: Wanted) -> bool:
    return (
        (not wanted.status or ticket.status == wanted.status)
        and (not wanted.user_id or ticket.user_id == wanted.user_id)
        and (not wanted.agent or ticket.agent == wanted.agent)
        and (not wanted.since or ticket.created_at >= wanted.since)
        and (not wanted.before or ticket.created_at < wanted.before)
    )


def _start(rt: Runtime, wanted: Wanted, behind: int | None) -> int | None:
    """Where to begin: tickets of a given time are found by halving, since numbers rise with time and have no gaps."""
    if not wanted.before:
        return behind
    low, high = 1, numbering.read_last(rt) + 1
    while low < high:
        middle = (low + high) // 2
        row = rt.tables[TABLE].find(PARTITION, ticket_key(middle))
        if row is not None and row["created_at"] < wanted.before:
            low = middle + 1
        else:
            high = middle
    return low if behind is None else min(low, behind)
