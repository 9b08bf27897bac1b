"""Putting a mail through again: from its kept original, else from its mailbox."""

from __future__ import annotations

from shared import log
from shared.connections.store import graph_client, rests
from shared.errors import Conflict, Later, Misconfigured, NotFound
from shared.graph.errors import GraphBusy, GraphError, ItemGone, SignInFailed
from shared.mail import disposal, intake, late_moves, ledger, mailboxes
from shared.mail.fetching import fetch_original
from shared.mail.ledger import Entry
from shared.mail.passage import Place
from shared.mail.verdicts import LEAVES_MAILBOX, Verdict
from shared.runtime import Runtime
from shared.storage.tables import RowChanged
from shared.work import ReplayMail

BUSY_DELAY = 5
SIGN_IN_DELAY = 300
"""Seconds until a replay is tried again while a round is at the mailbox, or while the connection has no sign-in."""

REPLAYABLE = frozenset({Verdict.QUARANTINED, Verdict.GONE, Verdict.OWN})
"""Verdicts that putting a mail through again may change; the others have their ticket."""


def ask_for_replay(rt: Runtime, mailbox_id: str, key: str) -> Entry:
    """Put a mail's replay on the queue; raises NotFound, and Conflict where the mail has its ticket."""
    entry = ledger.get(rt, mailbox_id, key)
    if entry.verdict not in REPLAYABLE:
        raise Conflict(
            f"The mail has the verdict {entry.verdict or 'none yet'!r}.", "Only failed ones go through again."
        )
    rt.queues.put(ReplayMail(mailbox_id=mailbox_id, entry=key))
    return entry


def replay(rt: Runtime, work: ReplayMail) -> None:
    """Put one mail through again; raises Later where that must wait."""
    try:
        mailbox, state = mailboxes.get_head(rt, work.mailbox_id)
        entry = ledger.get(rt, work.mailbox_id, work.entry)
    except NotFound as missing:
        log.warning("mail.nothing_to_replay", reason=missing.cause)
        return
    if entry.verdict not in REPLAYABLE:
        return
    if state.is_leased(rt.clock.now()):
        raise Later("A round is at this mailbox.", BUSY_DELAY)
    if rests(rt, mailbox.connection_id):
        raise Later("The connection of the mailbox rests.", SIGN_IN_DELAY)
    state.quarantined -= entry.verdict == Verdict.QUARANTINED  # it is counted again if it fails again
    try:
        _put_through(Place(rt, graph_client(rt, mailbox.connection_id), mailbox, state), entry)
        ledger.finish(rt, mailbox.mailbox_id, state, [entry])
    except RowChanged:
        raise Later("A round took this mailbox over.", BUSY_DELAY) from None
    except (SignInFailed, GraphBusy, Misconfigured) as failure:  # there is no client to put it through with
        raise Later(failure.cause, SIGN_IN_DELAY, failure.cure) from failure


def _put_through(place: Place, entry: Entry) -> None:
    """To its verdict, whatever that is; raises Later where Microsoft is away or does not let us in."""
    try:
        intake.take_in_original(place, entry, _original(place, entry))
        _dispose(place, entry)
    except GraphBusy as busy:
        raise Later(busy.cause, busy.retry_after) from busy
    except SignInFailed as failure:
        raise Later(failure.cause, SIGN_IN_DELAY, failure.cure) from failure
    except ItemGone:
        entry.conclude(Verdict.GONE)
    except (GraphError, NotFound) as failure:
        entry.conclude(Verdict.QUARANTINED, failure.cause, failure.cure)


def _original(place: Place, entry: Entry) -> bytes:
    return place.rt.blobs.get(entry.raw) if entry.raw else fetch_original(place, entry)


def _dispose(place: Place, entry: Entry) -> None:
    if entry.verdict not in LEAVES_MAILBOX:
        return
    try:
        disposal.prepare(place.client, place.mailbox, place.state)
        [outcome] = disposal.dispose(place.client, place.mailbox, place.state, [entry.message_id])
    except GraphBusy:
        raise
    except GraphError as failure:  # its ticket is safe, the mail stays where it is
        entry.disposal = f"failed: {failure.cause}"
        return
    if isinstance(outcome, GraphBusy):
        raise outcome
    entry.disposal = outcome
    late_moves.note(place, [entry])
