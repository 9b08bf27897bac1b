"""Mails that became tickets and could not be moved, because the folder for taken mail could not be made: moved later.

Those that wait lie between two keys of the ledger, which the state of the mailbox holds; their own entries say so.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.graph.errors import GraphBusy
from shared.mail import disposal, ledger
from shared.mail.ledger import Entry
from shared.mail.passage import Place

PAGE = 40
"""Mails a round: two batches, and half a transaction."""


def note(place: Place, entries: Iterable[Entry]) -> None:
    """Keep in mind which of these mails wait for their folder."""
    for entry in entries:
        if entry.disposal == disposal.WAITS:
            place.state.keep_unmoved(entry.key)


def make_up(place: Place) -> bool:
    """Do the next mails that waited what their mailbox says by now; whether more can follow at once.

    Raises GraphBusy, and RowChanged where another round took the mailbox over. Repeating it is harmless.
    """
    mailbox, state = place.mailbox, place.state
    if not state.unmoved_low or not disposal.is_ready(mailbox, state):
        return False
    waiting = ledger.list_left(place.rt, mailbox.mailbox_id, state, disposal.WAITS, PAGE)
    outcomes = disposal.dispose(place.client, mailbox, state, [each.message_id for each in waiting])
    done = [_told(entry, each) for entry, each in zip(waiting, outcomes, strict=True) if isinstance(each, str)]
    if len(waiting) < PAGE and disposal.WAITS not in outcomes and len(done) == len(waiting):
        state.unmoved_low = state.unmoved_high = ""
    ledger.note_disposals(place.rt, mailbox.mailbox_id, state, done)
    if busy := next((each for each in outcomes if isinstance(each, GraphBusy)), None):
        raise busy
    return bool(state.unmoved_low) and disposal.WAITS not in outcomes


def _told(entry: Entry, outcome: str) -> Entry:
    entry.disposal = outcome
    return entry
