"""One round over one mailbox: the only way that mail comes in.

Webhook, scan, lifecycle event and *fetch now* all lead here. What changed since the last round is asked of Graph, what
is not in the ledger yet is taken in, oldest first, page by page; the cursor moves only when all of it is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple

from shared import log, tally
from shared.clock import from_text, to_text
from shared.connections.store import REMEMBERED_SECONDS, graph_client, rests
from shared.connections.store import forget as forget_connections
from shared.errors import DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph.errors import GraphBusy, GraphError, SignInFailed
from shared.mail import changes, disposal, heads, intake, late_moves, ledger, mailboxes
from shared.mail.changes import Waiting
from shared.mail.fetching import Fetching
from shared.mail.heads import Head
from shared.mail.ledger import Entry
from shared.mail.passage import Passage, Place
from shared.mail.state import State
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.storage.tables import RowChanged, RowExists
from shared.work import LONGEST_DELAY, SyncMailbox

PAGE = 40
"""Mails claimed at once: with the state they fill less than half a transaction of 100 rows."""
BUSY_DELAY = 5
"""Seconds until work is looked at again that found another round at its mailbox; doubled each time, to 80."""
LONG_ROUND = 5
"""Seconds after which a round looks once more at its end: those that knocked meanwhile need not wait their time out."""
ANNOUNCED_WITHIN = 60
"""Seconds after which a mail that no notification told of counts as unannounced; Graph promises a minute on average,
three at most. https://learn.microsoft.com/en-us/graph/change-notifications-overview#latency"""


def sync_mailbox(rt: Runtime, work: SyncMailbox) -> None:
    """Bring one mailbox up to date; raises Later where that must wait."""
    if _is_done_from_memory(rt, work):
        return
    try:
        head = heads.read(rt, work.mailbox_id)
    except NotFound:
        log.warning("mail.no_such_mailbox")
        return
    try:
        _bring_up_to_date(rt, head, work)
    except RowChanged:
        raise Later("Another round took this mailbox over.", BUSY_DELAY) from None


def _is_done_from_memory(rt: Runtime, work: SyncMailbox) -> bool:
    """Whether it could be done with what is remembered of the mailbox; raises Later.

    Only what Graph tells of is done so, at its first attempt: scans, people and whatever failed before read anew.
    """
    head = heads.take(rt, work.mailbox_id) if work.cause == "notification" and not work.attempt else None
    if head is None:
        return False
    try:
        _bring_up_to_date(rt, head, work, within=heads.REMEMBERED_SECONDS)
    except RowChanged:
        log.info("mail.head_outdated")
        heads.distrust(rt, work.mailbox_id)
        forget_connections(rt)  # it may be they that have changed: a disconnection holds from here on
        return False
    return True


def _bring_up_to_date(rt: Runtime, head: Head, work: SyncMailbox, within: float = REMEMBERED_SECONDS) -> None:
    """Run a round if there is reason to; raises Later, and RowChanged where the head turns out to be outdated.

    ``within``: how many seconds old what is known of the connection may be.
    """
    mailbox, state, now = head.mailbox, head.state, rt.clock.now()
    if not mailbox.enabled or state.covers(work.noticed_at) or _is_awaited(work, state, now):
        log.debug("mail.nothing_to_do", enabled=mailbox.enabled)
        heads.keep(rt, head)
        return
    if rests(rt, mailbox.connection_id, within):  # nothing is lost: the next round begins where the last one ended
        log.debug("mail.connection_rests", connection_id=mailbox.connection_id)
        return
    if state.is_leased(now):
        raise Later("Another round is at this mailbox.", BUSY_DELAY * 2 ** min(work.attempt, 4))
    _run_round(rt, head, work, within)


def _is_awaited(work: SyncMailbox, state: State, now: datetime) -> bool:
    """Whether work that was put again after a failure will do this as well.

    Without it every scan of a long outage would leave one more message that is tried again and again.
    """
    return work.attempt == 0 and work.cause in ("scan", "notification") and state.is_resting(now)


def _run_round(rt: Runtime, head: Head, work: SyncMailbox, within: float) -> None:
    """Busy Graph: the work is put again. A refusal, or a lost sign-in: the next scan tries again."""
    mailbox, state = head.mailbox, head.state
    read_at = state.etag
    try:
        client = graph_client(rt, mailbox.connection_id, within)
        place = _Round(Place(rt, client, mailbox, state), work).run()
        heads.keep(rt, replace(head, mailbox=place.mailbox))
    except RowChanged:
        if state.etag == read_at:  # nothing is written yet
            raise
        raise Later("Another round took this mailbox over.", BUSY_DELAY) from None
    except GraphBusy as busy:
        state.rest_until = to_text(rt.clock.now() + timedelta(seconds=min(busy.retry_after, LONGEST_DELAY)))
        _note_failure(rt, head, busy)
        raise Later(busy.cause, busy.retry_after, busy.cure) from busy
    except Later as later:
        _note_failure(rt, head, later)
        raise
    except StorageError as error:  # said while we can: nobody shall take the worker for dead, and a mail for the cause
        away = StorageAway(error)
        _note_failure(rt, head, away)
        raise away from error
    except (GraphError, SignInFailed, NotFound, Misconfigured) as failure:
        _note_failure(rt, head, failure)


def _note_failure(rt: Runtime, head: Head, failure: DeskbridgeError) -> None:
    """Note why the round could not go on; raises RowChanged: then it is another round's to say how it goes."""
    log.warning("mail.round_failed", reason=failure.cause)
    head.state.fail(rt.clock.now(), failure.cause, failure.cure)
    ledger.save_state(rt, head.mailbox.mailbox_id, head.state)


class _Page(NamedTuple):
    """Mails that are claimed and being fetched; ``listed`` counts also those that another round finished meanwhile."""

    listed: int
    entries: list[Entry]
    fetched: list[Future[Passage]]


class _Round:
    """``open``: the ledger keys of mails that are claimed and not finished."""

    def __init__(self, place: Place, work: SyncMailbox) -> None:
        self.place, self.work = place, work
        self.rt, self.state, self.mailbox_id = place.rt, place.state, place.mailbox.mailbox_id
        self.began_at = self.rt.clock.now()
        self.settings_version = place.state.settings_version
        self.deadline = self.rt.clock.steady() + self.rt.settings.slice_seconds
        self.died_before = bool(self.state.lease_until)
        self.open: set[str] = set()

    def run(self) -> Place:
        """All that waits, or a slice of it; returns the place, with the settings as they are at the end."""
        waiting = changes.find_waiting(self.place, died_before=self.died_before)
        self.open = {entry.key for entry in waiting.entries if entry.claimed_at and not entry.verdict}
        self._note_announcement([entry for entry in waiting.entries if not entry.claimed_at])
        if waiting.entries or self.state.unmoved_low:
            disposal.prepare(self.place.client, self.place.mailbox, self.state)
        more = late_moves.make_up(self.place)
        if waiting.entries:
            more |= self._take_all(waiting)
        else:
            self._succeed(waiting.cursor)
            ledger.save_state(self.rt, self.mailbox_id, self.state)
        if more:
            mailboxes.knock(self.rt, self.mailbox_id, "slice")
        return self.place

    def _take_all(self, waiting: Waiting) -> bool:
        """Take in all that the time allows; whether the mailbox is to be looked at again at once."""
        left = self._work_off(waiting.entries, waiting.cursor)
        log.info("mail.round", cause=self.work.cause, listed=waiting.listed, left=left)
        if left:
            self._let_go()
        return bool(left) or (self.rt.clock.now() - self.began_at).total_seconds() > LONG_ROUND

    def _note_announcement(self, fresh: Sequence[Entry]) -> None:
        """Whether notifications arrive: mail that only a scan found is counted until one brings mail again."""
        if self.work.cause == "notification":
            self.state.last_notified_at = to_text(self.began_at)
            self.state.unannounced = 0 if fresh else self.state.unannounced
        elif self.work.cause == "scan" and self.place.mailbox.method == "webhook":
            self.state.unannounced += sum(1 for entry in fresh if self._is_unannounced(from_text(entry.received_at)))

    def _is_unannounced(self, received: datetime) -> bool:
        """Whether a notification should have told of it: not of a backlog, nor of what it told of in vain."""
        heard = max(self.state.round_began_at, self.state.last_notified_at)
        begin = from_text(heard).replace(microsecond=0) if heard else self.began_at
        return begin <= received < self.began_at - timedelta(seconds=ANNOUNCED_WITHIN)

    def _work_off(self, waiting: Sequence[Entry], cursor: str) -> int:
        """Page by page until done or out of time; how many are left."""
        left = len(waiting)
        with Fetching(self.place) as fetching:
            for page in self._begun(fetching, waiting):
                left -= page.listed
                self._take_page(page, None if left else cursor)
        return left

    def _begun(self, fetching: Fetching, waiting: Sequence[Entry]) -> Iterator[_Page]:
        """Page by page, claimed and being fetched, until the time is over or the mailbox is switched off.

        While a page is taken in, the next one is being fetched; where a worker died before, mails go singly instead, so
        that the one to blame stands alone.
        """
        size, ahead = (1, 0) if self.died_before else (PAGE, 1)
        begun: deque[_Page] = deque()
        for index, listed in enumerate(batched(waiting, size, strict=False)):
            if index and (self.rt.clock.steady() > self.deadline or not self.place.mailbox.enabled):
                break
            entries = self._claim(listed)
            begun.append(_Page(len(listed), entries, fetching.begin(entries)))
            if len(begun) > ahead:
                yield begun.popleft()
        yield from begun

    def _claim(self, page: Sequence[Entry]) -> list[Entry]:
        """Claim a page, without those mails that another round turns out to have finished meanwhile."""
        try:
            return self._write_claims(page)
        except RowExists:
            self.open -= {entry.key for entry in page}
        return self._write_claims(changes.without_finished(self.rt, self.mailbox_id, page))

    def _write_claims(self, page: Sequence[Entry]) -> list[Entry]:
        if page:
            self.open |= {entry.key for entry in page}
            self.state.keep_open(self.open)
            ledger.claim(self.rt, self.mailbox_id, self.state, page)
            self._heed_settings()
        return list(page)

    def _take_page(self, page: _Page, cursor: str | None) -> None:
        """Take a page in; ``cursor``: the next one, with the last page of a round."""
        interruption = intake.take_in(self.place, page.fetched)
        now = self.rt.clock.now()
        self.open -= {entry.key for entry in page.entries if entry.verdict}
        self.state.keep_open(self.open)
        if interruption:
            self.state.fail(now, interruption.cause, interruption.cure)
        elif cursor is not None:
            self._succeed(cursor)
        if any(entry.number for entry in page.entries):
            self.state.last_mail_at = to_text(now)
        ledger.finish(self.rt, self.mailbox_id, self.state, page.entries)
        _count(page.entries)
        self._heed_settings()
        if interruption:
            raise interruption

    def _succeed(self, cursor: str) -> None:
        self.state.succeed(self.began_at, self.rt.clock.now(), cursor)

    def _let_go(self) -> None:
        """The time is over; what is left is for the next round."""
        self.state.go_on(self.rt.clock.now())
        self.state.keep_open(self.open)
        ledger.save_state(self.rt, self.mailbox_id, self.state)
        self._heed_settings()

    def _heed_settings(self) -> None:
        """Go on by the present settings, where a step of ours met that people changed them in mid-round."""
        if self.state.settings_version == self.settings_version:
            return
        self.settings_version = self.state.settings_version
        self.place = replace(self.place, mailbox=mailboxes.get(self.rt, self.mailbox_id))
        log.info("mail.settings_changed", enabled=self.place.mailbox.enabled)


def _count(entries: Sequence[Entry]) -> None:
    """Mails by their verdicts, and the tickets that they are on."""
    for entry in (each for each in entries if each.verdict):
        tally.count("mails")
        tally.count(f"mails_{entry.verdict}")
        if entry.number:
            tally.note("tickets", entry.number)
