"""Putting a mail through again: from its kept original, else from its mailbox."""

from __future__ import annotations

from shared import log
from shared.connections.store import graph_client
from shared.errors import Conflict, Later, NotFound
from shared.graph import mail as graph_mail
from shared.graph.errors import GraphBusy, GraphError, SignInFailed
from shared.mail import disposal, intake, ledger, mailboxes
from shared.mail.intake import Place
from shared.mail.ledger import Entry
from shared.mail.verdicts import LEAVES_MAILBOX, Verdict
from shared.runtime import Runtime
from shared.storage.tables import RowChanged
from shared.work import ReplayMail

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
        raise Later("A round is at this mailbox.", 5)
    place = Place(rt, graph_client(rt, mailbox.connection_id), mailbox, state)
    was_quarantined = entry.verdict == Verdict.QUARANTINED
    try:
        intake.take_in_original(place, entry, _original(place, entry))
        _dispose(place, entry)
        state.quarantined -= was_quarantined
        ledger.finish(rt, mailbox.mailbox_id, state, [entry])
    except RowChanged:
        raise Later("A round took this mailbox over.", 5) from None
    except GraphBusy as busy:
        raise Later(busy.cause, busy.retry_after) from busy
    except (GraphError, SignInFailed) as failure:
        log.warning("mail.replay_failed", reason=failure.cause)


def _original(place: Place, entry: Entry) -> bytes:
    if entry.raw:
        return place.rt.blobs.get(entry.raw)
    raw = graph_mail.get_mime(place.client, place.mailbox.address, entry.message_id)
    place.rt.blobs.put(entry.raw_blob, raw, "message/rfc822")
    entry.raw = entry.raw_blob
    return raw


def _dispose(place: Place, entry: Entry) -> None:
    if entry.verdict in LEAVES_MAILBOX:
        disposal.prepare(place.client, place.mailbox, place.state)
        [outcome] = disposal.dispose(place.client, place.mailbox, place.state, [entry.message_id])
        if isinstance(outcome, GraphBusy):
            raise outcome
        entry.disposal = outcome
