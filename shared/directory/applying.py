"""Applying a plan: chunk by chunk the desk's rows, then the mirror's, which are the receipt.

The rows are what the plan says, so writing them twice is writing them once; a worker that dies leaves at most one
chunk whose receipt is missing. A row of the desk is replaced only at the version that the plan was made of: who was
changed by hand meanwhile is planned anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import batched

from shared import log
from shared.clock import to_text
from shared.desk import keeping, sites
from shared.desk.sites import Site
from shared.directory import mirror
from shared.directory.claiming import marks_of
from shared.directory.mirror import Known
from shared.directory.packing import Marks
from shared.directory.pieces import Planned, effective, given, planned_of
from shared.directory.place import Place
from shared.directory.present import structure_at
from shared.directory.reading_back import groups_after, reads_all_groups
from shared.directory.runs import Totals
from shared.directory.told import add_up
from shared.directory.writing import write
from shared.errors import BadInput, Conflict
from shared.storage.tables import LARGEST_TRANSACTION, Change

CHUNK = LARGEST_TRANSACTION - 2
"""People whose rows of the mirror go with the state, and the run, in one transaction."""
MOST_TOLD = 30
"""Changes of one person that their row remembers of a run; all of them are in the plan."""


def apply_next(place: Place) -> None:
    """Apply the rest of the next piece, or write the groups down after the last; raises Later, StorageError."""
    state = place.state
    if state.piece < state.pieces:
        _apply_piece(place, [planned_of(line) for line in place.spool.get("plan", state.piece + 1)])
    else:
        _write_groups(place)
        state.phase, state.piece = "release", 0
        place.save()


def _apply_piece(place: Place, piece: Sequence[Planned]) -> None:
    structure = structure_at(place)
    todo = [effective(each, place.run, structure) for each in piece[place.state.line :]]
    _make_sites(place, todo)
    for chunk in batched(todo, CHUNK, strict=False):
        done = write(place, chunk)
        place.state.line += len(chunk)
        if place.state.line >= len(piece):
            place.state.piece, place.state.line = place.state.piece + 1, 0
        changes = receipts(place, done)
        if again := sum(1 for before, after in zip(chunk, done, strict=True) if before is not after):
            changes.append(place.note(planned_again=place.run.planned_again + again))
        place.save(*changes)


def receipts(place: Place, done: Sequence[Planned]) -> list[Change]:
    """The mirror's rows of those whose entries were applied; totals, and who waits, go along with them in the state."""
    found = []
    place.state.note_waiting({each.known.object_id: _claims(place, each.known) for each in done})
    for planned in done:
        gives = given(place.connection_id, planned.entry.user, planned.entry.agent)
        place.state.totals = place.state.totals.plus(gives).plus(planned.gave, -1)
        place.state.known += planned.is_new
        found.append(_receipt(place, planned, gives))
    return found


def _claims(place: Place, known: Known) -> Marks | None:
    """What somebody claims who waits; None for who does not."""
    return marks_of(place.rules, known.person()) if known.is_waiting else None


def _receipt(place: Place, planned: Planned, gives: Totals) -> Change:
    entry = planned.entry
    known = replace(planned.known, gives=gives, outcome=entry.outcome, reason=str(entry.reason))
    told = {
        "run": place.run.run_id,
        "at": to_text(place.rt.clock.now()),
        "outcome": entry.outcome,
        "reason": str(entry.reason),
        "matched_by": entry.matched_by,
        "user_mapping": entry.user_mapping,
        "agent_mapping": entry.agent_mapping,
        "changes": [asdict(each) for each in entry.changes[:MOST_TOLD]],
    }
    columns = mirror.columns_of(known, told)
    return mirror.writing(place.connection_id, entry.object_id, columns, is_new=planned.is_new)


def _make_sites(place: Place, todo: Sequence[Planned]) -> None:
    """Sites that people are at and that are not there yet, each once."""
    wanted = {each.entry.site_to_make.site_id: each.entry.site_to_make for each in todo if each.entry.site_to_make}
    for site in wanted.values():
        if keeping.find(place.rt, sites.KIND, site.site_id) is None:
            log.info("directory.site", site_id=site.site_id)
            _make_site(place, site)


def _make_site(place: Place, site: Site) -> None:
    try:
        keeping.create(place.rt, sites.KIND, site)
    except BadInput as taken:  # the plan is made of a desk that is another one by now
        cause = f"A site of this name was made since the plan was. {taken.cause}"
        raise Conflict(cause, "Nothing to do: the next run puts people to that site.") from taken


def _write_groups(place: Place) -> None:
    """What the groups are now; those that are gone and no mapping uses are forgotten."""
    rt, connection_id = place.rt, place.connection_id
    if not (place.state.group_pages or reads_all_groups(place)):
        return
    told = add_up(place.spool.iter_all("groups", place.state.group_pages))
    before = mirror.load_groups(rt, connection_id)
    after = groups_after(place, before, told)
    changes = [
        mirror.writing_group(connection_id, each) for each in after.values() if before.get(each.group_id) != each
    ]
    changes += [mirror.removing_group(connection_id, each) for each in before.keys() - after.keys()]
    for chunk in batched(changes, CHUNK, strict=False):
        place.save(*chunk)
