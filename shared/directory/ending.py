"""The end of a run: what the next one begins with, and what becomes of holds of before."""

from __future__ import annotations

from dataclasses import replace

from shared import log
from shared.clock import to_text
from shared.directory import runs, schedule
from shared.directory.place import Place
from shared.storage.rows import Change
from shared.storage.tables import LARGEST_TRANSACTION

_MOST_SUPERSEDED = LARGEST_TRANSACTION - 2
"""Runs, beside the state and the run that ends."""


def end(place: Place) -> None:
    """The pages go, and the next run begins where this one ended; a preview leaves nothing but its plan."""
    if place.state.user_pages or place.state.group_pages or place.state.resyncs:
        place.spool.remove_pages()
    if place.run.mode == "run":
        _end_run(place)
        return
    place.state.end(place.rt.clock.now())
    ended = place.note(status="previewed", ended_at=to_text(place.rt.clock.now()))
    runs.save(place.rt, place.connection_id, place.state, ended)


def _end_run(place: Place) -> None:
    """All is applied but what is held."""
    state, now = place.state, place.rt.clock.now()
    also = _superseded(place) if place.run.everybody else []
    if place.run.holds:
        state.held_run = place.run.run_id
    state.take_over(place.run.troubles)
    state.end(now)
    status = "held" if place.run.holds else "done"
    runs.save(place.rt, place.connection_id, state, place.note(status=status, ended_at=to_text(now)), *also)
    log.info("directory.ended", run=place.run.run_id, status=status, **place.run.counts)
    if state.settling:
        schedule.knock(place.rt, place.connection_id, "slice")


def _superseded(place: Place) -> list[Change]:
    """Holds of before are over when everybody was looked at again: what is still to be held, this run holds."""
    state = place.state
    if not state.held_run:
        return []
    state.held_run = ""
    former = runs.list_held(place.rt, place.connection_id)[:_MOST_SUPERSEDED]
    return [runs.writing(place.connection_id, replace(each, status="superseded")) for each in former]
