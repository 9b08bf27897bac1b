"""One round over one mailbox: the only way that mail comes in.

Webhook, scan, lifecycle event and *fetch now* all lead here. What changed since the last round is asked of Graph, what
is not in the ledger yet is taken in, oldest first, page by page; the cursor moves only when all of it is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from shared import log
from shared.clock import from_text, to_text
from shared.connections.store import graph_client
from shared.errors import DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph import mail as graph_mail
from shared.graph.client import Json
from shared.graph.delta import EndlessRound, Round
from shared.graph.errors import GraphBusy, GraphError, ResyncRequired, SignInFailed
from shared.mail import disposal, intake, ledger, mailboxes
from shared.mail.intake import Passage, Place
from shared.mail.ledger import Entry
from shared.mail.state import State
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.storage.tables import RowChanged, RowExists
from shared.work import SyncMailbox

PAGE = 40
"""Mails claimed at once: with the state they fill less than half a transaction of 100 rows."""
OVERLAP = timedelta(days=1)
BUSY_DELAY = 5
"""Seconds until work is looked at again that found another round at its mailbox; doubled each time, to 80."""
LONG_ROUND = 5
"""Seconds after which a round looks once more at its end: those that knocked meanwhile need not wait their time out."""
ANNOUNCED_WITHIN = 60
"""Seconds after which a mail that no notification told of counts as unannounced; Graph promises a minute on average,
three at most. https://learn.microsoft.com/en-us/graph/change-notifications-overview#latency"""


def sync_mailbox(rt: Runtime, work: SyncMailbox) -> None:
    """Bring one mailbox up to date; raises Later where that must wait."""
    try:
        mailbox, state = mailboxes.get_head(rt, work.mailbox_id)
    except NotFound:
        log.warning("mail.no_such_mailbox")
        return
    if not mailbox.enabled or state.covers(work.noticed_at):
        log.debug("mail.nothing_to_do", enabled=mailbox.enabled)
        return
    if state.is_leased(rt.clock.now()):
        raise Later("Another round is at this mailbox.", BUSY_DELAY * 2 ** min(work.attempt, 4))
    try:
        place = Place(rt, graph_client(rt, mailbox.connection_id), mailbox, state)
        _Round(place, work).run()
    except RowChanged:
        raise Later("Another round took this mailbox over.", BUSY_DELAY) from None
    except (
        StorageError
    ) as error:  # said while we can, so that nobody takes the worker for dead, and a mail for the cause
        away = StorageAway(error)
        _note_failure(rt, mailbox.mailbox_id, state, away)
        raise away from error
    except (GraphError, SignInFailed, Later, NotFound, Misconfigured) as failure:
        _note_failure(rt, mailbox.mailbox_id, state, failure)
        if isinstance(failure, GraphBusy):
            raise Later(failure.cause, failure.retry_after, failure.cure) from failure
        if isinstance(failure, Later):
            raise


def _note_failure(rt: Runtime, mailbox_id: str, state: State, failure: DeskbridgeError) -> None:
    log.warning("mail.round_failed", reason=failure.cause)
    state.fail(rt.clock.now(), failure.cause, failure.cure)
    try:
        ledger.save_state(rt, mailbox_id, state)
    except RowChanged:
        log.debug("mail.state_taken_over")


class _Page(NamedTuple):
    """Mails that are claimed and being fetched; ``listed`` counts also those that another round finished meanwhile."""

    listed: int
    entries: list[Entry]
    fetched: list[Future[Passage]]


@dataclass
class _Round:
    """``open``: the ledger keys of mails that are claimed and not finished."""

    place: Place
    work: SyncMailbox

    def __post_init__(self) -> None:
        self.rt, self.mailbox, self.state = self.place.rt, self.place.mailbox, self.place.state
        self.began_at = self.rt.clock.now()
        self.deadline = self.rt.clock.steady() + self.rt.settings.slice_seconds
        self.died_before = bool(self.state.lease_until)
        self.open: set[str] = set()

    def run(self) -> None:
        if self.work.cause == "notification":
            self.state.last_notified_at = to_text(self.began_at)
        unfinished = self._list_unfinished()
        messages, cursor = self._fetch_changes()
        waiting = self._merged(unfinished, self._list_unknown(messages))
        self._note_announcement([entry for entry in waiting if not entry.claimed_at])
        if waiting:
            disposal.prepare(self.place.client, self.mailbox, self.state)
        if self._work_off(waiting, cursor):
            log.info("mail.round", cause=self.work.cause, messages=len(messages), taken=len(waiting))
            if waiting and (self.rt.clock.now() - self.began_at).total_seconds() > LONG_ROUND:
                mailboxes.knock(self.rt, self.mailbox.mailbox_id, "slice")

    def _list_unfinished(self) -> list[Entry]:
        """What a round before this one had claimed and did not bring to its end."""
        if not self.state.open_low:
            return []
        entries = ledger.list_between(self.rt, self.mailbox.mailbox_id, self.state.open_low, self.state.open_high)
        found = [entry for entry in entries if not entry.is_finished]
        for entry in found:
            entry.deaths += self.died_before
            self.open.add(entry.key)
        return found

    def _fetch_changes(self) -> tuple[list[Json], str]:
        """Messages that came or changed since the cursor, and the next cursor; from the beginning if it is too old."""
        self.state.endless = False
        try:
            found = self._fetch_round()
        except EndlessRound as reason:
            log.warning("mail.endless_round", reason=reason.cause)
            self.state.endless = True
            return self._list_recent(), self.state.cursor
        there = (each for each in found.items if not graph_mail.is_removed(each))
        return [each for item in there if (each := self._completed(item))], found.delta_link

    def _completed(self, message: Json) -> Json | None:
        """An update need not tell more than what was updated: the rest is asked for; None if the message is gone.

        https://learn.microsoft.com/en-us/graph/delta-query-overview
        """
        if "receivedDateTime" in message:
            return message
        return graph_mail.find_message(self.place.client, self.mailbox.address, message["id"])

    def _fetch_round(self) -> Round:
        client, address, folder = self.place.client, self.mailbox.address, self.mailbox.folder
        try:
            return graph_mail.fetch_message_round(client, address, folder, self.state.cursor or None)
        except ResyncRequired as reason:
            log.warning("mail.resync", reason=reason.cause)
            self.state.resyncs += 1
            self.state.cursor = ""
            return graph_mail.fetch_message_round(client, address, folder, None)

    def _list_recent(self) -> list[Json]:
        """What the folder received since a day before the latest mail that we know."""
        since = from_text(self.state.high_water) - OVERLAP if self.state.high_water else None
        return graph_mail.list_messages(self.place.client, self.mailbox.address, self.mailbox.folder, since)

    def _list_unknown(self, messages: list[Json]) -> list[Entry]:
        """Entries for those messages that the ledger does not know as finished."""
        entries = {entry.key: entry for entry in (_entry(self.mailbox.mailbox_id, each) for each in messages)}
        doubtful = [entry for entry in entries.values() if entry.received_at <= self.state.high_water]
        return self._without_known(entries, doubtful) if doubtful else list(entries.values())

    def _without_known(self, entries: dict[str, Entry], doubtful: list[Entry]) -> list[Entry]:
        keys = [entry.key for entry in doubtful]
        for known in ledger.find_known(self.rt, self.mailbox.mailbox_id, keys):
            if known.key in entries:
                entries[known.key] = known
        return [entry for entry in entries.values() if not entry.is_finished]

    def _merged(self, unfinished: list[Entry], unknown: list[Entry]) -> list[Entry]:
        merged = {entry.key: entry for entry in (*unknown, *unfinished)}
        return sorted(merged.values(), key=lambda entry: (entry.received_at, entry.key))

    def _note_announcement(self, fresh: list[Entry]) -> None:
        if self.work.cause == "notification":
            self.state.unannounced = 0 if fresh else self.state.unannounced
        elif self.work.cause == "scan" and self.mailbox.method == "webhook":
            self.state.unannounced += sum(1 for entry in fresh if self._is_unannounced(from_text(entry.received_at)))

    def _is_unannounced(self, received: datetime) -> bool:
        """Whether a notification should have told of it: not of a backlog, nor of what it told of in vain."""
        heard = max(self.state.round_began_at, self.state.last_notified_at)
        begin = from_text(heard).replace(microsecond=0) if heard else self.began_at
        return begin <= received < self.began_at - timedelta(seconds=ANNOUNCED_WITHIN)

    def _work_off(self, waiting: list[Entry], cursor: str) -> bool:
        """Page by page until done, interrupted or out of time; whether it was done."""
        left = len(waiting)
        with intake.Fetching(self.place) as fetching:
            for page in self._begun(fetching, waiting):
                left -= page.listed
                self._take_page(page, None if left else cursor)
        if left:
            self._go_on_later(left)
        elif not waiting:
            self.state.succeed(self.began_at, self.rt.clock.now(), cursor)
            ledger.save_state(self.rt, self.mailbox.mailbox_id, self.state)
        return not left

    def _begun(self, fetching: intake.Fetching, waiting: list[Entry]) -> Iterator[_Page]:
        """Page by page, claimed and being fetched, until the time is over.

        While a page is taken in, the next one is being fetched; where a worker died before, mails go singly instead, so
        that the one to blame stands alone.
        """
        size, ahead = (1, 0) if self.died_before else (PAGE, 1)
        begun: deque[_Page] = deque()
        for index, listed in enumerate(batched(waiting, size, strict=False)):
            if index and self.rt.clock.steady() > self.deadline:
                break
            entries = self._claim(list(listed))
            begun.append(_Page(len(listed), entries, fetching.begin(entries)))
            if len(begun) > ahead:
                yield begun.popleft()
        yield from begun

    def _take_page(self, page: _Page, cursor: str | None) -> None:
        """Take a page in; ``cursor``: the next one, with the last page of a round."""
        interruption = intake.take_in(self.place, page.fetched)
        now = self.rt.clock.now()
        self.open -= {entry.key for entry in page.entries if entry.verdict}
        self.state.keep_open(self.open)
        if interruption:
            self.state.fail(now, interruption.cause, interruption.cure)
        elif cursor is not None:
            self.state.succeed(self.began_at, now, cursor)
        if any(entry.number for entry in page.entries):
            self.state.last_mail_at = to_text(now)
        ledger.finish(self.rt, self.mailbox.mailbox_id, self.state, page.entries)
        if interruption:
            raise interruption

    def _claim(self, page: list[Entry]) -> list[Entry]:
        """Claim a page; what turns out to be in the ledger already is looked up there."""
        fresh = [entry for entry in page if not entry.claimed_at]
        try:
            self._write_claims(page)
        except RowExists:
            for entry in fresh:
                entry.claimed_at = ""
            self.open -= {entry.key for entry in page}
            page = sorted(self._without_known({each.key: each for each in page}, page), key=lambda e: e.received_at)
            if page:
                self._write_claims(page)
        return page

    def _write_claims(self, page: list[Entry]) -> None:
        fresh = [entry for entry in page if not entry.claimed_at]
        resumed = [entry for entry in page if entry.claimed_at]
        self.open |= {entry.key for entry in page}
        self.state.keep_open(self.open)
        ledger.claim(self.rt, self.mailbox.mailbox_id, self.state, fresh, resumed)

    def _go_on_later(self, left: int) -> None:
        log.info("mail.slice_over", left=left)
        self.state.go_on(self.rt.clock.now())
        self.state.keep_open(self.open)
        ledger.save_state(self.rt, self.mailbox.mailbox_id, self.state)
        mailboxes.knock(self.rt, self.mailbox.mailbox_id, "slice")


def _entry(mailbox_id: str, message: Json) -> Entry:
    entry = ledger.new_entry(mailbox_id, message["id"], graph_mail.received_date_time(message))
    entry.subject = str(message.get("subject") or "")[:500]
    entry.internet_message_id = str(message.get("internetMessageId") or "")[:500]
    sender = (message.get("from") or {}).get("emailAddress") or {}
    entry.sender = str(sender.get("address") or "").lower()[:320]
    return entry
