"""Getting mails out of their mailbox: the original is kept before anything else is done with it, then it is read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Self

from shared import tally
from shared.desk import people, sites
from shared.desk.tickets import File
from shared.errors import NotFound
from shared.graph import mail as graph_mail
from shared.graph.errors import ItemGone
from shared.graph.limits import CONCURRENT_REQUESTS_PER_MAILBOX
from shared.mail import copies
from shared.mail.ledger import Entry
from shared.mail.parsing import Attachment, parse_mail
from shared.mail.passage import Passage, Place, guarded
from shared.mail.requester import find_requester
from shared.mail.verdicts import Verdict
from shared.runtime import Runtime

MOST_DEATHS = 3
"""A mail that was in hand each time a worker died so often is taken to be the cause: it is set aside unread."""


class Fetching:
    """Fetches and reads mails, four at a time, ahead of what is taken in and beside it; a context manager."""

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
        return [self._threads.submit(tally.carried(self._fetch), Passage(entry)) for entry in entries]

    def _fetch(self, passage: Passage) -> Passage:
        guarded(passage, partial(_fetch, self._place, passage))
        if passage.mail is not None:
            self._look_up(find_requester(self._place.mailbox.address, passage.mail).address)
        return passage

    def _look_up(self, address: str) -> None:
        """Look each requester up once, beside the others: it is remembered, and recording need not wait."""
        with self._lock:
            known = address in self._looked_up
            self._looked_up.add(address)
        if not known and people.find_by_address(self._place.rt, address) is None:
            sites.find_by_domain(self._place.rt, address.rpartition("@")[2])


def fetch_original(place: Place, entry: Entry) -> bytes:
    """The mail from its mailbox, kept before it is looked at; raises GraphError."""
    raw = graph_mail.get_mime(place.client, place.mailbox.address, entry.message_id)
    place.rt.blobs.put(entry.raw_blob, raw, "message/rfc822")
    entry.raw = entry.raw_blob
    return raw


def read(place: Place, passage: Passage, raw: bytes) -> None:
    """Read an original, and keep its attachments."""
    mail, entry = parse_mail(raw), passage.entry
    entry.subject, entry.internet_message_id = mail.subject, mail.message_id or ""
    entry.sender = mail.sender.address if mail.sender else ""
    passage.fingerprint = copies.fingerprint(mail)
    passage.files = tuple(_keep(place.rt, entry, index, each) for index, each in enumerate(mail.attachments))
    passage.mail = replace(mail, attachments=())  # their bytes need not stay in memory


def _fetch(place: Place, passage: Passage) -> None:
    entry = passage.entry
    if entry.deaths >= MOST_DEATHS:
        entry.conclude(Verdict.QUARANTINED, f"The worker died {entry.deaths} times while it took this mail in.")
        return
    try:
        raw = fetch_original(place, entry)
    except ItemGone:
        kept = _find_kept(place, entry)
        if kept is None:
            entry.conclude(Verdict.GONE)
            return
        raw = kept
    read(place, passage, raw)


def _find_kept(place: Place, entry: Entry) -> bytes | None:
    """An earlier attempt may have kept the original, and even moved the mail away."""
    try:
        raw = place.rt.blobs.get(entry.raw_blob)
    except NotFound:
        return None
    entry.raw = entry.raw_blob
    return raw


def _keep(rt: Runtime, entry: Entry, index: int, attachment: Attachment) -> File:
    blob = f"attachments/{entry.origin}/{index}"
    rt.blobs.put(blob, attachment.content, attachment.type)
    size = len(attachment.content)
    return File(index, attachment.name, attachment.type, size, attachment.inline, attachment.content_id, blob)
