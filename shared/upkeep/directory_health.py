"""How the directories do: when each was last brought in line, when it will be next, what waits, and what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import from_text, to_text
from shared.connections import store as connections
from shared.connections.store import Connection
from shared.directory import reports, runs, schedule
from shared.directory.runs import Head
from shared.errors import Misconfigured
from shared.runtime import Runtime
from shared.upkeep.issues import Issue

_LATE = timedelta(hours=1)
"""How much later than planned a run may begin before that is told."""


@dataclass(frozen=True, slots=True)
class DirectoryHealth:
    """How the directory of one connection does. Times are ISO 8601 in UTC, empty for never.

    ``people``: how many are known; ``held_run``: the run of which something waits for approval, empty for none.
    """

    connection_id: str
    enabled: bool
    under_way: bool
    last_success_at: str
    next_run_at: str
    people: int
    held_run: str
    issues: tuple[Issue, ...]


def check(rt: Runtime, now: datetime, hidden: Collection[str] = ()) -> tuple[DirectoryHealth, ...]:
    """Look at every directory that is switched on, but those of ``hidden`` connections: two requests each at most, and
    one more where a run is under way, one where licenses are read, one where sign-ins are.
    """
    listed = (each for each in connections.list_all(rt) if each.connection_id not in hidden)
    found = (_check_one(rt, each, now) for each in listed)
    return tuple(each for each in found if each is not None)


def _check_one(rt: Runtime, connection: Connection, now: datetime) -> DirectoryHealth | None:
    try:
        head = runs.get_head(rt, connection.connection_id)
    except Misconfigured as unreadable:
        issue = Issue("directory_rules", "error", connection.name, unreadable.cause, unreadable.cure)
        return DirectoryHealth(connection.connection_id, True, False, "", "", 0, "", (issue,))
    state = head.state
    if not head.rules.enabled and not state.run:
        return None
    planned = schedule.find_next(head.rules, state)
    return DirectoryHealth(
        connection_id=connection.connection_id,
        enabled=head.rules.enabled,
        under_way=bool(state.run),
        last_success_at=state.last_success_at,
        next_run_at=to_text(planned) if planned else "",
        people=state.known,
        held_run=state.held_run,
        issues=tuple(_issues(rt, connection, head, now)),
    )


def _issues(rt: Runtime, connection: Connection, head: Head, now: datetime) -> Iterator[Issue]:
    state, name = head.state, connection.name
    if state.failure:
        cause = f"{state.failure} (since {state.failing_since})"
        yield Issue("directory_failing", "error", name, cause, state.failure_cure)
    planned = schedule.find_next(head.rules, state)
    resting = connections.rests(rt, connection.connection_id)
    if planned and not state.run and not resting and now - planned > _LATE:
        cause = f"A run was to begin at {planned.isoformat()}, and did not."
        yield Issue("directory_overdue", "error", name, cause, "Look whether the timer sync_directories runs.")
    under_way = runs.find_run(rt, connection.connection_id, state.run) if state.run else None
    if under_way and not state.is_resting(now) and now - from_text(under_way.began_at) > _LATE * 6:
        cause = f"A run is under way since {under_way.began_at}."
        yield Issue(
            "directory_slow", "warning", name, cause, "See its log: it goes on by itself, or says why it cannot."
        )
    yield from _held(rt, connection, head)
    for task, report in reports.list_failing(rt, connection.connection_id, head.rules).items():
        cause = f"{report.failure} (since {report.failing_since})"
        yield Issue(f"{task}_unread", "warning", name, cause, report.cure)


def _held(rt: Runtime, connection: Connection, head: Head) -> Iterator[Issue]:
    """What the last run of which something waits says itself, and what the last one was troubled by."""
    state = head.state
    held = runs.find_run(rt, connection.connection_id, state.held_run) if state.held_run else None
    for hold in held.holds if held else ():
        yield Issue("directory_held", "warning", connection.name, hold.cause, hold.cure)
    for trouble in state.troubles:
        cure = "Choose another group in the mappings, or mend it in Entra."
        yield Issue("directory_trouble", "warning", connection.name, trouble, cure)
