"""What a run held back, and what becomes of it: a person approves or discards, and nobody else.

Approved: everybody concerned is planned again upon what is known now, and nothing is held. Discarded: they stay as they
are, until something about them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import batched
from typing import Literal

from shared import log
from shared.directory import applying, mirror, releasing, runs, schedule
from shared.directory.mirror import PEOPLE, bare_digest
from shared.directory.pieces import Planned, effective, is_held, line_of, planned_of
from shared.directory.place import Place
from shared.directory.planning import Balance, find_spared
from shared.directory.replanning import plan_known
from shared.directory.runs import Run, Status
from shared.directory.spool import Spool
from shared.directory.writing import write
from shared.errors import Conflict
from shared.runtime import Runtime
from shared.storage.rows import Change, Row
from shared.storage.tables import RowChanged

Decision = Literal["approve", "discard"]


def decide(rt: Runtime, connection_id: str, run_id: str, decision: Decision, by: str = "") -> Run:
    """What a person wants with all that a run holds; it is done by a worker. ``by``: who.

    Raises NotFound, and Conflict where nothing of this run is held any more.
    """
    run, state = runs.get_run(rt, connection_id, run_id), runs.get_head(rt, connection_id).state
    if run.status != "held":
        raise Conflict("Nothing of this run waits for approval.", "See in the list of runs which one is held.")
    if state.settling:
        raise Conflict("Another decision is being carried out.", "Wait for its end, then decide again.")
    decided = replace(run, status="approved" if decision == "approve" else "discarding", decided_by=by, settled=0)
    state.settling = run_id
    if not state.run:  # else it is that run's, which ends at the first line
        state.line = 0
    try:
        runs.save(rt, connection_id, state, Change("replace", decided.row(connection_id)))
    except RowChanged:
        raise Conflict("A run is at work, or somebody else has decided.", "Try again in a minute.") from None
    schedule.knock(rt, connection_id, "asked")
    return decided


def settle(place: Place) -> None:
    """Carry out a decision, piece by piece, for as long as the slice lasts."""
    place.run = runs.get_run(place.rt, place.connection_id, place.state.settling)
    step = _approve_next if place.run.status == "approved" else _discard_next
    place.save()
    while place.run.settled < place.run.pieces:
        step(place)
        if place.is_late():
            place.let_go()
            return
    _close(place)


def _close(place: Place) -> None:
    """All of it is settled."""
    state, run = place.state, place.run
    state.settling = state.lease_until = ""
    if state.held_run == run.run_id:
        others = runs.list_held(place.rt, place.connection_id)
        state.held_run = others[0].run_id if others else ""
    status: Status = "applied" if run.status == "approved" else "discarded"
    runs.save(place.rt, place.connection_id, state, place.note(status=status))
    log.info("directory.settled", run=run.run_id, status=status)


def _held(spool: Spool, run: Run, piece: int) -> list[Planned]:
    found = map(planned_of, spool.get("plan", piece))
    return [each for each in found if is_held(each.entry, run)]


def _approve_next(place: Place) -> None:
    """Plan the held people of the next piece by what is known now, write that plan down, and only then apply it.

    ``line`` of the state: none is planned (0), or how many of the plan are applied (less one).
    """
    number, state = place.run.settled + 1, place.state
    if not state.line:
        held = [each.entry.object_id for each in _held(place.spool, place.run, number)]
        place.spool.put("settled", number, [line_of(each) for each in _plan_freely(place, held)])
        state.line = 1
        place.save()
        return
    todo = [planned_of(line) for line in place.spool.get("settled", number)][state.line - 1 :]
    done = write(place, todo[: applying.CHUNK])
    if place.rules.reassign_tickets:
        for each in done:
            releasing.release(place, each)
    state.line += len(done)
    changes = applying.receipts(place, done)
    if len(done) == len(todo):
        state.line = 0
        changes.append(place.note(settled=number))
    place.save(*changes)


def _plan_freely(place: Place, object_ids: Sequence[str]) -> list[Planned]:
    """The plans of these people; nothing is held, but the last administrators stay."""
    if not object_ids:
        return []
    planner, planned = plan_known(place, object_ids)
    structure, balance = planner.context.structure, Balance()
    balance.add(planned, structure.admin_roles())
    free = replace(place.run, holds=(), spared=tuple(find_spared(place, balance)))
    return [effective(each, free, structure) for each in planned]


def _discard_next(place: Place) -> None:
    """Let the mirror take the held people of the next piece for settled, those of whom nothing was learned since."""
    number = place.run.settled + 1
    held = _held(place.spool, place.run, number)
    known = mirror.find_many(place.rt, place.connection_id, [each.entry.object_id for each in held])
    changes = [
        _settling(place, each)
        for each in held
        if each.entry.object_id in known and known[each.entry.object_id].serial == each.known.serial
    ]
    for chunk in batched(changes, applying.CHUNK, strict=False):
        place.save(*chunk)
    place.save(place.note(settled=number))


def _settling(place: Place, planned: Planned) -> Change:
    columns = {"digest": bare_digest(planned.known.digest)}
    return Change("merge", Row(place.connection_id, PEOPLE + planned.entry.object_id, columns))
