"""Which directories are due, and which runs are to go on: looked at every quarter of an hour."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared import log
from shared.clock import from_text
from shared.connections import store as connections
from shared.directory import runs
from shared.directory.rules import Rules
from shared.directory.runs import Head, State
from shared.errors import Misconfigured
from shared.runtime import Runtime
from shared.work import Cause, SyncDirectory

_EARLY = timedelta(minutes=7)
"""Half the time between two looks: what is hourly begins every hour, though a look comes a little early or late."""


def begin_due(rt: Runtime) -> int:
    """Put the work of every connection whose directory is due, or whose run was left lying. Returns how many."""
    now = rt.clock.now()
    waiting = [each for each in _list_working(rt) if _is_waiting(rt, each, now)]
    for connection_id in waiting:
        knock(rt, connection_id, "scan")
    return len(waiting)


def knock(rt: Runtime, connection_id: str, cause: Cause, *, delay: float = 0) -> None:
    """Ask for a slice of work on the directory of a connection."""
    rt.queues.put(SyncDirectory(connection_id=connection_id, cause=cause), delay)


def find_next(rules: Rules, state: State) -> datetime | None:
    """When the next run begins by itself; None where it never does."""
    if not rules.enabled or not rules.every_hours or not state.began_at:
        return None
    return from_text(state.began_at) + timedelta(hours=rules.every_hours)


def is_due(rules: Rules, state: State, now: datetime) -> bool:
    """Whether a run is to begin by itself now."""
    if not rules.enabled or not rules.every_hours or state.run:
        return False
    planned = find_next(rules, state)
    return planned is None or planned - _EARLY <= now


def is_full_due(rules: Rules, state: State, now: datetime) -> bool:
    """Whether a run that begins now is to read everything, though delta links are there.

    Delta may keep something to itself: of properties that are asked for by name it tells when one of them changes, and
    a user who was restored has them as before. https://github.com/microsoftgraph/microsoft-graph-docs/issues/5821
    """
    if not rules.full_every_hours:
        return False
    return not state.full_at or from_text(state.full_at) + timedelta(hours=rules.full_every_hours) - _EARLY <= now


def _list_working(rt: Runtime) -> list[str]:
    """The connections that do not rest."""
    listed = [each.connection_id for each in connections.list_all(rt)]
    return [each for each in listed if not connections.rests(rt, each)]


def _is_waiting(rt: Runtime, connection_id: str, now: datetime) -> bool:
    try:
        head = runs.get_head(rt, connection_id)
    except Misconfigured as unreadable:
        log.error("directory.rules_unreadable", connection_id=connection_id, reason=unreadable.cause)
        return False
    return is_due(head.rules, head.state, now) or _is_left_lying(head, now)


def _is_left_lying(head: Head, now: datetime) -> bool:
    """Whether a run, or a decision, stands still: its worker died, or its message was lost."""
    state = head.state
    return bool(state.run or state.settling) and not state.is_leased(now) and not state.is_resting(now)
