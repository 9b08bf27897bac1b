"""Taking in one page of mails: read top to bottom, this is the road of a mail.

Every step can be repeated: originals and attachments lie under names made from the mail, the desk records an origin
once, and the mailbox is touched last. A mail that breaks a step is set aside with its reason and the next one goes on;
where Graph or the storage is away, the page ends before the first mail concerned, so that the order is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Self, TypeGuard

from shared import log
from shared.desk import people, recording
from shared.desk.message_ids import find_ticket_number
from shared.desk.recording import Incoming, Recorded
from shared.desk.tickets import Body, File
from shared.errors import DeskbridgeError, Later, NotFound
from shared.graph import mail as graph_mail
from shared.graph.client import GraphClient
from shared.graph.errors import AccessDenied, GraphBusy, GraphError, ItemGone, MailboxAway, SignInFailed
from shared.graph.limits import CONCURRENT_REQUESTS_PER_MAILBOX
from shared.mail import copies, disposal, follow_ups, own_mail
from shared.mail.ledger import Entry
from shared.mail.mailboxes import Mailbox
from shared.mail.parsing import Address, Attachment, Automatic, Mail, parse_mail
from shared.mail.state import State
from shared.mail.verdicts import LEAVES_MAILBOX, Verdict
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError, is_refusal
from shared.storage.tables import RowTooLarge

MOST_DEATHS = 3
"""A mail that was in hand each time a worker died so often is taken to be the cause: it is set aside unread."""

MOST_REFUSALS = 5
"""A mail that Graph fails to give in so many rounds, while it gives others, is set aside: it must not hold up those
behind it for ever. What befalls all mails is an outage, and waited for."""
MOST_REFUSALS_ALONE = 12
"""A mail that could be read and recorded, but in so many rounds not moved, stays where it is."""

UNKNOWN_SENDER = Address(name="Unknown sender", address="unknown@sender.invalid")
"""Stands for the sender of a mail that names none."""

_INTERRUPTIONS = (GraphBusy, AccessDenied, MailboxAway, SignInFailed, Later)


@dataclass(frozen=True, slots=True)
class Place:
    """Where mails are taken from, and with what."""

    rt: Runtime
    client: GraphClient
    mailbox: Mailbox
    state: State


@dataclass(slots=True)
class Passage:
    """One mail on its way: its entry in the ledger and, step by step, what is known of it."""

    entry: Entry
    mail: Mail | None = None
    files: tuple[File, ...] = ()
    fingerprint: str = ""
    incoming: Incoming | None = None
    interruption: DeskbridgeError | None = field(default=None)

    @property
    def is_open(self) -> bool:
        """Whether the mail has no verdict yet."""
        return not self.entry.verdict and self.interruption is None


class Fetching:
    """Fetches and reads mails, four at a time, ahead of ``take_in`` and beside it; a context manager."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._threads = ThreadPoolExecutor(CONCURRENT_REQUESTS_PER_MAILBOX, thread_name_prefix="mail")
        self._lock = Lock()
        self._looked_up: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def begin(self, entries: Sequence[Entry]) -> list[Future[Passage]]:
        """Begin with these mails, oldest first."""
        for entry in entries:
            entry.verdict = ""
        return [self._threads.submit(self._fetch, Passage(entry)) for entry in entries]

    def _fetch(self, passage: Passage) -> Passage:
        _guarded(passage, partial(_fetch, self._place, passage))
        if passage.mail is not None:
            self._look_up(_requester(self._place, passage.mail).address)
        return passage

    def _look_up(self, address: str) -> None:
        """Look each requester up once, beside the others: people remembers it, and recording need not wait."""
        with self._lock:
            known = address in self._looked_up
            self._looked_up.add(address)
        if not known:
            people.find_by_address(self._place.rt, address)


def take_in(place: Place, fetched: Sequence[Future[Passage]]) -> DeskbridgeError | None:
    """Bring these mails, oldest first, to their verdicts; returns what kept the rest from theirs, if anything did."""
    passages = [each.result() for each in fetched]
    _set_aside_refused(passages)
    passages = _until_interrupted(passages)
    order = follow_ups.originals_first([(each.entry.received_at, each.mail) for each in passages])
    passages = [passages[index] for index in order]
    _decide_all(place, passages)
    _record_all(place, passages)
    _dispose_all(place, passages)
    return next((each.interruption for each in passages if each.interruption), None)


def take_in_original(place: Place, entry: Entry, raw: bytes) -> None:
    """Put one kept original through again; the mail in its mailbox is not looked for. Raises Later."""
    passage = Passage(entry)
    entry.verdict = entry.reason = entry.cure = ""
    _guarded(passage, partial(_read, place, passage, raw))
    _decide_all(place, [passage])
    _record_all(place, [passage])
    if passage.interruption:
        raise passage.interruption


def _guarded(passage: Passage, step: Callable[[], None]) -> None:
    try:
        step()
    except _INTERRUPTIONS as interruption:
        passage.interruption = interruption
    except StorageError as error:
        if is_refusal(error):
            _quarantine(passage.entry, error)
        else:
            passage.interruption = StorageAway(error)
    except Exception as error:  # noqa: BLE001 - whatever one mail breaks must not stop the next
        _quarantine(passage.entry, error)


def _quarantine(entry: Entry, error: Exception) -> None:
    log.error("mail.quarantined", entry=entry.key, failure=error)
    reason = error.cause if isinstance(error, DeskbridgeError) else f"{type(error).__name__}: {error}"
    entry.conclude(Verdict.QUARANTINED, reason, error.cure if isinstance(error, DeskbridgeError) else "")


def _fetch(place: Place, passage: Passage) -> None:
    entry = passage.entry
    if entry.deaths >= MOST_DEATHS:
        entry.conclude(Verdict.QUARANTINED, f"The worker died {entry.deaths} times while it took this mail in.")
        return
    try:
        raw = graph_mail.get_mime(place.client, place.mailbox.address, entry.message_id)
    except ItemGone:
        kept = _kept_original(place, entry)
        if kept is None:
            entry.conclude(Verdict.GONE)
            return
        raw = kept
    else:
        place.rt.blobs.put(entry.raw_blob, raw, "message/rfc822")
    entry.raw = entry.raw_blob
    _read(place, passage, raw)


def _kept_original(place: Place, entry: Entry) -> bytes | None:
    """An earlier attempt may have kept the original, and even moved the mail away."""
    try:
        return place.rt.blobs.get(entry.raw_blob)
    except NotFound:
        return None


def _read(place: Place, passage: Passage, raw: bytes) -> None:
    mail = parse_mail(raw)
    entry = passage.entry
    entry.subject, entry.internet_message_id = mail.subject, mail.message_id or ""
    entry.sender = mail.sender.address if mail.sender else ""
    passage.fingerprint = copies.fingerprint(mail)
    passage.files = tuple(_keep(place.rt, entry, index, each) for index, each in enumerate(mail.attachments))
    passage.mail = replace(mail, attachments=())  # their bytes need not stay in memory


def _keep(rt: Runtime, entry: Entry, index: int, attachment: Attachment) -> File:
    blob = f"attachments/{entry.origin}/{index}"
    rt.blobs.put(blob, attachment.content, attachment.type)
    size = len(attachment.content)
    return File(index, attachment.name, attachment.type, size, attachment.inline, attachment.content_id, blob)


def _set_aside_refused(passages: Sequence[Passage]) -> None:
    """Set aside what Graph or the storage refuses again and again, or forbids, while other mails pass."""
    if not any(each.mail for each in passages):
        return
    for passage in passages:
        refusal = passage.interruption
        if not _is_of_this_mail(refusal):
            continue
        passage.entry.refusals += 1
        if passage.entry.refusals >= MOST_REFUSALS or isinstance(refusal, AccessDenied):
            passage.interruption = None
            _quarantine(passage.entry, refusal)


def _is_of_this_mail(refusal: DeskbridgeError | None) -> TypeGuard[GraphError | StorageAway]:
    """Whether a refusal may be about one mail alone; throttling never is."""
    if isinstance(refusal, GraphError):
        return refusal.status not in (429, 503)
    return isinstance(refusal, StorageAway)


def _until_interrupted(passages: list[Passage]) -> list[Passage]:
    """The mails up to the first that has to wait: those behind it wait with it, to keep the order."""
    for index, passage in enumerate(passages):
        if passage.interruption:
            return passages[: index + 1]
    return passages


def _decide_all(place: Place, passages: Sequence[Passage]) -> None:
    together: dict[str, str] = {}
    for passage in passages:
        if not passage.is_open or passage.mail is None:
            continue
        _guarded(passage, partial(_decide, place, passage, together))
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
    entry, sender = passage.entry, _requester(place, mail)
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


def _requester(place: Place, mail: Mail) -> Address:
    """Who wants something: the sender, or whom to answer where a web form writes in the mailbox's own name."""
    sender = mail.sender or UNKNOWN_SENDER
    if sender.address == place.mailbox.address and mail.reply_to:
        return mail.reply_to[0]
    return sender


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
        _guarded(passage, partial(_record_one, place, passage, numbers))
        if passage.interruption:
            return  # those behind wait with it


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
    except _INTERRUPTIONS as interruption:
        for passage in leaving:
            _hold_back(passage, interruption)
        return
    alone = all(isinstance(outcome, GraphBusy) for outcome in outcomes)
    for passage, outcome in zip(leaving, outcomes, strict=True):
        if not isinstance(outcome, GraphBusy):
            passage.entry.disposal = outcome
        elif _is_hopeless(passage.entry, outcome, MOST_REFUSALS_ALONE if alone else MOST_REFUSALS):
            passage.entry.disposal = f"failed: {outcome.cause}"
        else:
            _hold_back(passage, outcome)


def _is_hopeless(entry: Entry, refusal: GraphBusy, most: int) -> bool:
    """Count a refusal; whether it was the last that we wait out."""
    entry.refusals += refusal.status not in (429, 503)
    return entry.refusals >= most


def _hold_back(passage: Passage, interruption: DeskbridgeError) -> None:
    passage.entry.verdict, passage.interruption = "", interruption
