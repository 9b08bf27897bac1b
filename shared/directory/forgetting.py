"""Runs that are old go, with their plans, which name people, and so do changes of licenses. What is known of the people
stays in the mirror.
"""

from __future__ import annotations

from datetime import timedelta

from shared.connections import store as connections
from shared.directory import TABLE, license_changes, runs
from shared.directory.runs import PREFIX
from shared.directory.spool import Spool
from shared.errors import Misconfigured
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.keys import newest_first

KEPT_FOR = timedelta(days=90)
AT_ONCE = 200
"""Runs of a connection that go at one time; a day has twenty-four."""


def remove_old(rt: Runtime, until: float) -> int:
    """Remove what is older, until the steady clock says ``until``; how many runs. What waits for a person stays."""
    removed = 0
    for connection in connections.list_all(rt):
        removed += _remove_of(rt, connection.connection_id, until)
        _remove_changes(rt, connection.connection_id)
    return removed


def _remove_changes(rt: Runtime, connection_id: str) -> None:
    """Changes of licenses: after a day each has ended, one way or the other."""
    low = license_changes.PREFIX + newest_first(rt.clock.now() - KEPT_FOR)
    high = behind(license_changes.PREFIX)
    for row in rt.tables[TABLE].range(connection_id, low=low, high=high, select=[], limit=AT_ONCE):
        rt.tables[TABLE].delete(connection_id, row.key)


def _remove_of(rt: Runtime, connection_id: str, until: float) -> int:
    low, removed = PREFIX + newest_first(rt.clock.now() - KEPT_FOR), 0
    old = list(rt.tables[TABLE].range(connection_id, low=low, high=behind(PREFIX), select=[], limit=AT_ONCE))
    needed = _needed(rt, connection_id) if old else set()
    for row in old:
        run_id = row.key.removeprefix(PREFIX)
        if rt.clock.steady() > until or run_id in needed:
            continue
        Spool(rt, connection_id, run_id).remove()
        rt.tables[TABLE].delete(connection_id, row.key)
        removed += 1
    return removed


def _needed(rt: Runtime, connection_id: str) -> set[str]:
    """The runs that are under way, or wait for a person."""
    try:
        state = runs.get_head(rt, connection_id).state
    except Misconfigured:
        return set()
    return {state.run, state.settling, *(each.run_id for each in runs.list_held(rt, connection_id))}
