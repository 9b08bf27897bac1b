"""A run over one directory, from top to bottom: begin, read people, read groups, plan, apply, release tickets.

Each step is small, can be repeated, and is written down before the next one; when its slice of time is over the run
puts itself on the queue again. Graph's links for the next run are kept when the last piece of the plan is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared import log
from shared.clock import to_text
from shared.connections.store import graph_client, rests
from shared.directory import applying, ending, planning, releasing, rounds, runs, schedule, settling
from shared.directory.place import Place
from shared.directory.rounds import NotCredible
from shared.directory.runs import Head, Mode, Phase, Run, State
from shared.directory.spool import Spool
from shared.directory.store import RESET
from shared.errors import Conflict, DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph.errors import GraphBusy, GraphError, ResyncRequired, SignInFailed
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.storage.rows import Change, Row
from shared.storage.tables import RowChanged, RowExists
from shared.work import LONGEST_DELAY, SyncDirectory

BUSY_DELAY = 15
"""Seconds until work is looked at again that found another worker at its directory; doubled each time, to 240."""
MOST_RESYNCS = 3
"""How often one run may be told to read everything anew before it gives up."""


def request(rt: Runtime, connection_id: str, mode: Mode, by: str = "") -> Run:
    """Begin a run, or a preview, because a person wants it; ``by``: who. Raises Conflict where none can begin now."""
    head = runs.get_head(rt, connection_id)
    if rests(rt, connection_id):
        raise Conflict("The connection rests.", "See in the list of connections why, and mend it.")
    if head.state.run or head.state.settling:
        raise Conflict("A run is under way.", "Wait for its end: the list of runs shows how far it is.")
    if mode == "run" and not head.rules.enabled:
        raise Conflict("The directory of this connection is switched off.", "Switch it on in its rules ('enabled').")
    try:
        run = _begin(rt, connection_id, head.state, runs.new_run(rt.clock.now(), mode, "asked", by))
    except (RowChanged, RowExists):
        raise Conflict("Another run has just begun.", "Look it up in the list of runs.") from None
    schedule.knock(rt, connection_id, "asked")
    return run


def sync_directory(rt: Runtime, work: SyncDirectory) -> None:
    """Do one slice of whatever there is to do at a directory; raises Later where that must wait."""
    try:
        head, resting = runs.get_head(rt, work.connection_id), rests(rt, work.connection_id)
    except NotFound:
        log.warning("directory.no_such_connection")
        return
    now = rt.clock.now()
    if resting:  # a run that is under way goes on when the connection does
        log.debug("directory.connection_rests")
        return
    if head.state.is_leased(now):
        if work.cause == "scan":  # its worker puts it again; if that died, the next look does
            return
        raise Later("Another worker is at this directory.", BUSY_DELAY * 2 ** min(work.attempt, 4))
    if head.state.run or head.state.settling:
        _guarded(
            rt, work.connection_id, head, partial(_carry_on, reset=head.reset) if head.state.run else settling.settle
        )
    elif schedule.is_due(head.rules, head.state, now):
        head.state.lease(now)
        try:
            _begin(rt, work.connection_id, head.state, runs.new_run(now, "run", work.cause))
        except (RowChanged, RowExists):
            raise Later("Another worker has just begun a run of this directory.", BUSY_DELAY) from None
        _guarded(rt, work.connection_id, head, partial(_carry_on, reset=head.reset))


def _begin(rt: Runtime, connection_id: str, state: State, run: Run) -> Run:
    """Write down that a run begins; raises RowChanged where another one does."""
    state.begin(run)
    runs.save(rt, connection_id, state, runs.writing(connection_id, run))
    log.info("directory.begins", run=run.run_id, mode=run.mode, cause=run.cause)
    return run


def _guarded(rt: Runtime, connection_id: str, head: Head, task: Callable[[Place], None]) -> None:
    """Do a task at a place. Busy Graph: the work is put again. A refusal: the run is over, and says why."""
    state = head.state
    try:
        task(_open(rt, connection_id, head))
    except (RowChanged, RowExists):
        raise Later("Another worker took this directory over.", BUSY_DELAY) from None
    except GraphBusy as busy:
        state.rest_until = to_text(rt.clock.now() + timedelta(seconds=min(busy.retry_after, LONGEST_DELAY)))
        _interrupt(rt, connection_id, state, busy)
        raise Later(busy.cause, busy.retry_after, busy.cure) from busy
    except Later as later:
        _interrupt(rt, connection_id, state, later)
        raise
    except StorageError as error:
        away = StorageAway(error)
        _interrupt(rt, connection_id, state, away)
        raise away from error
    except (NotCredible, GraphError, SignInFailed, NotFound, Misconfigured, Conflict) as failure:
        _give_up(rt, connection_id, state, failure)


def _open(rt: Runtime, connection_id: str, head: Head) -> Place:
    client = graph_client(rt, connection_id)
    run = runs.find_run(rt, connection_id, head.state.run) if head.state.run else None
    deadline = rt.clock.steady() + rt.settings.slice_seconds
    nothing = Run("", "run", "", "")
    return Place(rt, client, connection_id, head.rules, head.state, run or nothing, deadline)


def _interrupt(rt: Runtime, connection_id: str, state: State, why: DeskbridgeError) -> None:
    log.warning("directory.interrupted", reason=why.cause)
    state.interrupt(rt.clock.now(), why.cause, why.cure)
    try:
        runs.save(rt, connection_id, state)
    except (RowChanged, RowExists, StorageError):
        log.debug("directory.state_not_written")


def _give_up(rt: Runtime, connection_id: str, state: State, why: DeskbridgeError) -> None:
    """The run is over: nothing of what it read is applied, and the next one begins where the last good one ended."""
    log.error("directory.failed", run=state.run, reason=why.cause)
    now, run = rt.clock.now(), runs.find_run(rt, connection_id, state.run) if state.run else None
    if run is None:
        _interrupt(rt, connection_id, state, why)
        return
    Spool(rt, connection_id, run.run_id).remove_pages()
    state.give_up(now, why.cause, why.cure)
    cause, cure = why.cause[:1000], why.cure[:1000]
    failed = replace(run, status="failed", ended_at=to_text(now), failure=cause, cure=cure)
    try:
        runs.save(rt, connection_id, state, runs.writing(connection_id, failed))
    except (RowChanged, RowExists):
        raise Later("Another worker took this directory over.", BUSY_DELAY) from None


def _carry_on(place: Place, *, reset: str) -> None:
    """Step by step, one at least, until the run or the slice is over; whoever holds the lease, and nobody else."""
    if place.run.mode == "run" and not place.rules.enabled:
        raise Conflict("The directory was switched off while this run was under way.", "Switch it on ('enabled').")
    if not place.state.is_leased(place.rt.clock.now()):
        place.save()
    if place.state.phase in ("users", "groups", "plan") and rounds.is_outdated(place):
        log.info("directory.rules_changed_meanwhile")
        rounds.begin_reading(place)
    while place.state.run:
        if place.state.phase == "begin":
            _begin_reading(place, reset)
        else:
            _STEPS[place.state.phase](place)
        if place.state.run and place.is_late():
            place.let_go()
            return


def _begin_reading(place: Place, reset: str) -> None:
    """What was wished of Graph's links is done, and no wish any more."""
    rounds.check_reach(place)
    rounds.begin(place, reset)
    done = [Change("delete", Row(place.connection_id, RESET))] if reset else []
    full = place.state.users_full
    place.save(place.note(full=full, rules_version=place.rules.version()), *done)


def _read_users(place: Place) -> None:
    _read(place, "users")


def _read_groups(place: Place) -> None:
    _read(place, "groups")


def _read(place: Place, kind: rounds.Kind) -> None:
    """Read people or groups. Where Graph has forgotten the links, everything is read anew."""
    try:
        rounds.read(place, kind)
    except ResyncRequired as reason:
        place.state.resyncs += 1
        if place.state.resyncs > MOST_RESYNCS:
            raise
        log.warning("directory.resync", reason=reason.cause)
        place.state.users_link = place.state.groups_link = ""
        rounds.begin_reading(place)
    place.save()


_STEPS: dict[Phase, Callable[[Place], None]] = {
    "users": _read_users,
    "groups": _read_groups,
    "plan": planning.make,
    "apply": applying.apply_next,
    "release": releasing.release_next,
    "end": ending.end,
}
