"""Handling tickets: whom they are with, how far they are, how they are filed. Each change is an action on the ticket.

Ticket and action are written in one transaction, at the version of the ticket that was read. What is as it should be
already is not changed again, so that all of this may be repeated.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, Unpack

from shared.clock import to_text
from shared.desk import TABLE, agents, listing, teams
from shared.desk.keeping import changed_meanwhile
from shared.desk.listing import Wanted
from shared.desk.tickets import (
    ENDED,
    Action,
    Body,
    Status,
    Ticket,
    action_row,
    get_row,
    get_ticket,
    pack,
    preview,
    ticket_changes,
    ticket_of,
)
from shared.errors import BadInput
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.tables import Change, Row, RowChanged, RowExists

Priority = Literal["low", "normal", "high", "urgent"]

TRIES = 6
RELEASED_AT_ONCE = 100
MOST_FOLLOWERS = 500
LONGEST_FOLLOWERS = 30_000
"""Characters of all their addresses as JSON: a column takes 64 KiB."""


class Handled(TypedDict, total=False):
    """What handling changes; what is left out stays. ``agent`` and ``team``: their ids, empty for none."""

    agent: str
    team: str
    status: Status
    priority: str
    type: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a ticket: a person, or a part of the app; ``author_id`` is empty where they have none."""

    name: str
    author_id: str = ""


@dataclass(frozen=True, slots=True)
class Released:
    """How many tickets were taken from an agent, and the number to go on behind (None: that was all)."""

    count: int
    next: int | None


def change(rt: Runtime, number: int, *, by: Author, **values: Unpack[Handled]) -> Ticket:
    """Change what is named, whatever else is changed at the same time.

    Raises NotFound, and Conflict where others kept changing the ticket.
    """
    names = _names(rt, get_ticket(rt, number), values)
    return _written(rt, number, by, names, lambda ticket: replace(ticket, **values))


def follow(rt: Runtime, number: int, *, by: Author, join: Collection[str] = (), leave: Collection[str] = ()) -> Ticket:
    """Let addresses follow a ticket, or follow it no more, whatever else is changed at the same time.

    Raises NotFound, BadInput where there would be too many, and Conflict where others kept changing the ticket.
    """

    def changed(ticket: Ticket) -> Ticket:
        stay = [each for each in ticket.followers if each not in leave]
        return replace(ticket, followers=checked_followers(dict.fromkeys([*stay, *join])))

    return _written(rt, number, by, {}, changed)


def checked_followers(addresses: Iterable[str]) -> tuple[str, ...]:
    """These addresses if a ticket can hold as many; raises BadInput."""
    found = tuple(addresses)
    if len(found) > MOST_FOLLOWERS or len(json.dumps(found)) > LONGEST_FOLLOWERS:
        cause = f"The ticket would have {len(found)} followers, which is more than it can hold."
        raise BadInput("followers", cause, f"Let fewer follow, {MOST_FOLLOWERS} at most, or a group by its address.")
    return found


def unassign(rt: Runtime, agent_id: str, *, by: Author, behind: int | None = None) -> Released:
    """Take the open tickets of an agent from them, newest first, a slice of them at a time.

    Closed and solved ones stay theirs. It may be repeated from anywhere: what was released is not theirs any more.
    """

    def release(ticket: Ticket) -> Ticket:
        """Decided anew at each attempt: it may have been given to somebody else meanwhile."""
        theirs = ticket.agent == agent_id and ticket.status not in ENDED
        return replace(ticket, agent="") if theirs else ticket

    page = listing.list_tickets(rt, Wanted(agent=agent_id), behind=behind, limit=RELEASED_AT_ONCE)
    names = _agent_names(rt, {agent_id})
    open_ones = [ticket.number for ticket in page.tickets if ticket.status not in ENDED]
    released = [_written(rt, number, by, names, release) for number in open_ones]
    return Released(sum(not ticket.agent for ticket in released), page.next)


def _names(rt: Runtime, ticket: Ticket, values: Handled) -> dict[str, str]:
    """What people call the agents and teams that a change is about, by their ids."""
    named = {team.team_id: team.name for team in teams.load_all(rt).values()} if "team" in values else {}
    changes_hands = "agent" in values and values["agent"] != ticket.agent
    return named | (_agent_names(rt, {ticket.agent, values["agent"]}) if changes_hands else {})


def _agent_names(rt: Runtime, agent_ids: set[str]) -> dict[str, str]:
    found = {agent_id: agents.find_agent(rt, agent_id) for agent_id in agent_ids if agent_id}
    return {agent_id: agent.name for agent_id, agent in found.items() if agent}


def describe(before: Ticket, after: Ticket, names: Mapping[str, str]) -> str:
    """What changed, a line for each field, for people."""

    def shown(value: str) -> str:
        return names.get(value, value) or "none"

    changed = [name for name in Handled.__annotations__ if getattr(before, name) != getattr(after, name)]
    lines = [(name, shown(getattr(before, name)), shown(getattr(after, name))) for name in changed]
    told = [f"{name}: {old} → {new}" for name, old, new in lines]
    joined = [f"now follows: {each}" for each in after.followers if each not in before.followers]
    left = [f"follows no more: {each}" for each in before.followers if each not in after.followers]
    return "\n".join([*told, *joined, *left])


def _written(
    rt: Runtime, number: int, by: Author, names: Mapping[str, str], decide: Callable[[Ticket], Ticket]
) -> Ticket:
    for attempt in range(TRIES):
        row = get_row(rt, number)
        before = ticket_of(row)
        after = decide(before)
        if after == before:
            return before
        changed = replace(after, updated_at=to_text(rt.clock.now()))
        try:
            rt.tables[TABLE].transact(_changes(rt, row, changed, by, describe(before, changed, names)))
        except (RowChanged, RowExists):
            rt.clock.pause(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads workers, guards nothing
        else:
            return changed
    raise changed_meanwhile("ticket")


def _changes(rt: Runtime, row: Row, after: Ticket, by: Author, text: str) -> list[Change]:
    at, place = after.updated_at, int(rt.clock.now().timestamp() * 1_000_000)
    action = Action(
        number=after.number,
        key=f"{at}~{place:014x}",
        kind="system",
        at=at,
        recorded_at=at,
        origin=digest("handled", str(after.number), row.etag or ""),
        author_id=by.author_id,
        author_name=by.name,
        author_address="",
        subject="",
        preview=preview(text),
    )
    said = Change("insert", action_row(action, pack(Body(text, text, None))))
    return [*ticket_changes(after, row), said]
