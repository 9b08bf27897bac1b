"""Tickets of agents whom a run made inactive go back to nobody, where the rules wish it."""

from __future__ import annotations

from shared.desk import handling
from shared.desk.handling import Author
from shared.directory.pieces import Planned, effective, planned_of
from shared.directory.place import Place
from shared.directory.present import structure_at

AUTHOR = Author("Directory")


def release_next(place: Place) -> None:
    """Free the tickets of those whom the next piece made inactive, or go on to the end of the run."""
    state = place.state
    if not place.rules.reassign_tickets or state.piece >= state.pieces:
        state.phase = "end"
        place.save()
        return
    for line in place.spool.get("plan", state.piece + 1):
        release(place, effective(planned_of(line), place.run, structure_at(place)))
    state.piece += 1
    place.save()


def release(place: Place, planned: Planned) -> None:
    """Free the tickets of an agent who became inactive; what was freed before stays so, whoever has it by now."""
    before, after = planned.entry.agent_before, planned.entry.agent
    if not (before and after and before.active and not after.active):
        return
    behind: int | None = None
    while True:
        released = handling.unassign(place.rt, after.agent_id, by=AUTHOR, behind=behind)
        if released.next is None:
            return
        behind = released.next
