"""Taking in one page of mails: read top to bottom, this is the road of a mail.

Every step can be repeated: originals and attachments lie under names made from the mail, the desk records an origin
once, and the mailbox is touched last. A mail that breaks a step is set aside with its reason and the next one goes on;
where Graph or the storage is away, the page ends before the first mail concerned, so that the order is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from shared.desk import recording
from shared.desk.message_ids import find_ticket_number
from shared.desk.recording import Incoming, Recorded
from shared.desk.tickets import Body
from shared.errors import DeskbridgeError
from shared.graph.errors import GraphBusy
from shared.mail import disposal, fetching, follow_ups, late_moves, own_mail, refusals
from shared.mail.ledger import Entry
from shared.mail.parsing import Automatic, Mail
from shared.mail.passage import INTERRUPTIONS, Passage, Place, guarded
from shared.mail.requester import find_requester
from shared.mail.verdicts import LEAVES_MAILBOX, Verdict
from shared.storage.errors import StorageError, is_refusal
from shared.storage.tables import RowTooLarge


def take_in(place: Place, fetched: Sequence[Future[Passage]]) -> DeskbridgeError | None:
    """Bring these mails, oldest first, to their verdicts; returns what kept the rest from theirs, if anything did."""
    passages = [each.result() for each in fetched]
    refusals.set_aside_refused(passages)
    passages = _in_order(_until_interrupted(passages))
    _decide_all(place, passages)
    _record_all(place, passages)
    _dispose_all(place, passages)
    return next((each.interruption for each in passages if each.interruption), None)


def _until_interrupted(passages: Sequence[Passage]) -> Sequence[Passage]:
    """The mails up to the first that has to wait: those behind it wait with it, to keep the order."""
    first = next((place for place, passage in enumerate(passages) if passage.interruption), len(passages))
    return passages[: first + 1]


def _in_order(passages: Sequence[Passage]) -> list[Passage]:
    return [passages[place] for place in follow_ups.originals_first([(p.entry.received_at, p.mail) for p in passages])]


def take_in_original(place: Place, entry: Entry, raw: bytes) -> None:
    """Put one kept original through again; the mail in its mailbox is not looked for. Raises Later."""
    passage = Passage(entry)
    entry.verdict = entry.reason = entry.cure = ""
    guarded(passage, partial(fetching.read, place, passage, raw))
    _decide_all(place, [passage])
    _record_all(place, [passage])
    if passage.interruption:
        raise passage.interruption


def _decide_all(place: Place, passages: Sequence[Passage]) -> None:
    together: dict[str, str] = {}
    for passage in passages:
        if not passage.is_open or passage.mail is None:
            continue
        guarded(passage, partial(_decide, place, passage, together))
        if passage.interruption:
            return  # those behind wait with it
        if passage.incoming and passage.mail.message_id:
            together.setdefault(passage.mail.message_id, passage.entry.origin)


Check = Callable[[Place, Mail, Entry], Verdict | None]


def _own_message(place: Place, mail: Mail, entry: Entry) -> Verdict | None:
    """A mail that this desk sent itself; the mark counts only with our signature."""
    if mail.automatic != Automatic.OWN:
        return None
    if own_mail.is_signed(place.rt.keys, mail.own_mark):
        return Verdict.OWN
    entry.automatic = mail.automatic_by_signs
    return None


CHECKS: tuple[Check, ...] = (_own_message,)
"""What a mail has to pass before it becomes a ticket, in this order; the first that gives a verdict ends the road."""


def _decide(place: Place, passage: Passage, together: dict[str, str]) -> None:
    mail, entry = passage.mail, passage.entry
    assert mail is not None  # noqa: S101 - the caller looked
    entry.automatic = mail.automatic
    for check in CHECKS:
        verdict = check(place, mail, entry)
        if verdict:
            entry.conclude(verdict)
            return

    def find(message_id: str) -> int | str | None:
        return together.get(message_id) or find_ticket_number(place.rt, message_id)

    follow_up = follow_ups.decide(mail, place.rt.keys, find)
    entry.joined_by = follow_up.joined_by
    passage.incoming = _incoming(place, passage, mail, follow_up)


def _incoming(place: Place, passage: Passage, mail: Mail, follow_up: follow_ups.FollowUp) -> Incoming:
    entry, sender = passage.entry, find_requester(place.mailbox.address, mail)
    entry.requester = sender.address
    notes = (*mail.notes, *follow_up.remarks)
    return Incoming(
        origin=entry.origin,
        joins=follow_up.joins,
        joined_by=follow_up.joined_by,
        subject=mail.subject,
        sender_name=sender.name,
        sender_address=sender.address,
        received_at=entry.received_at,
        message_id=mail.message_id or "",
        fingerprint=passage.fingerprint,
        body=Body(mail.text, mail.new_text, mail.html, passage.files, notes),
        automatic=entry.automatic,
        raw=entry.raw,
        mailbox_id=place.mailbox.mailbox_id,
        defaults=place.mailbox.defaults,
    )


def _record_all(place: Place, passages: Sequence[Passage]) -> None:
    waiting = [each for each in passages if each.is_open and each.incoming]
    try:
        recorded = recording.record(place.rt, [each.incoming for each in waiting if each.incoming])
    except (StorageError, RowTooLarge) as error:
        if isinstance(error, StorageError) and not is_refusal(error):
            raise
        _record_singly(place, waiting)
        return
    for passage, result in zip(waiting, recorded, strict=True):
        _note(passage.entry, result)


def _record_singly(place: Place, passages: Sequence[Passage]) -> None:
    """The storage refused a page: find the mail that it refuses, and let the others through."""
    numbers: dict[str, int] = {}
    for passage in passages:
        guarded(passage, partial(_record_one, place, passage, numbers))
        if passage.interruption:
            return  # those behind it wait with it


def _record_one(place: Place, passage: Passage, numbers: dict[str, int]) -> None:
    incoming = passage.incoming
    assert incoming is not None  # noqa: S101 - the caller looked
    joins = numbers.get(incoming.joins) if isinstance(incoming.joins, str) else incoming.joins
    recorded = recording.record(place.rt, [replace(incoming, joins=joins)])[0]
    numbers[incoming.origin] = recorded.number
    _note(passage.entry, recorded)


def _note(entry: Entry, recorded: Recorded) -> None:
    verdicts = {"opened": Verdict.TICKET, "added": Verdict.REPLY, "duplicate": Verdict.DUPLICATE}
    entry.number, entry.action = recorded.number, recorded.action
    entry.conclude(verdicts[recorded.outcome])


def _dispose_all(place: Place, passages: Sequence[Passage]) -> None:
    """Let the mails leave their mailbox; one that must wait keeps its ticket and has no verdict yet."""
    leaving = [each for each in passages if each.entry.verdict in LEAVES_MAILBOX]
    if not leaving:
        return
    try:
        outcomes = disposal.dispose(
            place.client, place.mailbox, place.state, [each.entry.message_id for each in leaving]
        )
    except INTERRUPTIONS as interruption:
        for passage in leaving:
            _hold_back(passage, interruption)
        return
    alone = all(isinstance(outcome, GraphBusy) for outcome in outcomes)
    for passage, outcome in zip(leaving, outcomes, strict=True):
        if not isinstance(outcome, GraphBusy):
            passage.entry.disposal = outcome
        elif refusals.is_hopeless(passage.entry, outcome, alone=alone):
            passage.entry.disposal = f"failed: {outcome.cause}"
        else:
            _hold_back(passage, outcome)
    late_moves.note(place, [each.entry for each in leaving])


def _hold_back(passage: Passage, interruption: DeskbridgeError) -> None:
    passage.entry.verdict, passage.interruption = "", interruption
