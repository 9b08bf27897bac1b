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
from shared.directory.mirror import PEOPLE
from shared.directory.pieces import Planned, effective, is_held, planned_of
from shared.directory.place import Place
from shared.directory.planning import Tally, find_spared
from shared.directory.replanning import plan_known
from shared.directory.runs import Run
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
    try:
        runs.save(rt, connection_id, state, Change("replace", decided.row(connection_id)))
    except RowChanged:
        raise Conflict("A run is at work, or somebody else has decided.", "Try again in a minute.") from None
    schedule.knock(rt, connection_id, "asked")
    return decided


def settle(place: Place) -> None:
    """Carry out a decision, piece by piece, for as long as the slice lasts."""
    run = runs.get_run(place.rt, place.connection_id, place.state.settling)
    spool = Spool(place.rt, place.connection_id, run.run_id)
    place.run = run
    place.save()
    while place.run.settled < run.pieces:
        if place.is_late():
            place.let_go()
            return
        held = _held(spool, run, place.run.settled + 1)
        changes = _approved(place, held) if run.status == "approved" else _discarded(place, held)
        place.save(*changes, place.note(settled=place.run.settled + 1))
    place.state.settling = place.state.lease_until = ""
    if place.state.held_run == run.run_id:
        place.state.held_run = ""
    status = "applied" if run.status == "approved" else "discarded"
    runs.save(place.rt, place.connection_id, place.state, place.note(status=status))
    log.info("directory.settled", run=run.run_id, status=status)


def _held(spool: Spool, run: Run, piece: int) -> list[Planned]:
    found = map(planned_of, spool.get("plan", piece))
    return [each for each in found if is_held(each.entry, run)]


def _approved(place: Place, held: Sequence[Planned]) -> list[Change]:
    """Apply what is to be done about these people by now; the receipts of the last chunk are left to the caller."""
    changes: list[Change] = []
    for chunk in batched(held, applying.CHUNK - 1, strict=False):
        if changes:
            place.save(*changes)
        planner, planned = plan_known(place, [each.entry.object_id for each in chunk])
        tally = Tally()
        structure = planner.context.structure
        tally.add(planned, structure.admin_roles())
        free = replace(place.run, holds=(), spared=tuple(find_spared(place, tally)))
        done = write(place, [effective(each, free, structure) for each in planned])
        if place.rules.reassign_tickets:
            for each in done:
                releasing.release(place, each)
        changes = applying.receipts(place, done)
    return changes


def _discarded(place: Place, held: Sequence[Planned]) -> list[Change]:
    """Let the mirror take these people for settled, those of whom nothing else was learned since."""
    known = mirror.find_many(place.rt, place.connection_id, [each.entry.object_id for each in held])
    return [
        Change("merge", Row(place.connection_id, PEOPLE + each.entry.object_id, {"digest": each.known.digest}))
        for each in held
        if each.entry.object_id in known and known[each.entry.object_id].serial == each.known.serial
    ]
