"""The ledger: one row for each mail that was ever seen in a mailbox, from its claim to its verdict.

The rows lie newest first, so that the ledger is the journal that people read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from shared.clock import from_text, to_text
from shared.errors import NotFound
from shared.mail.mailboxes import TABLE
from shared.mail.state import State
from shared.mail.verdicts import Verdict
from shared.runtime import Runtime
from shared.storage.errors import StorageError
from shared.storage.keys import after, digest, newest_first
from shared.storage.rows import Change, Row, fill
from shared.storage.tables import RowChanged

PREFIX = "j~"
LONGEST_REASON = 2_000
MOST_SINGLE_READS = 12


@dataclass(slots=True)
class Entry:
    """One mail in the ledger. ``key`` is its name in the journal; a verdict makes it done."""

    key: str
    message_id: str
    received_at: str
    origin: str
    subject: str = ""
    sender: str = ""
    internet_message_id: str = ""
    deaths: int = 0
    """How many rounds ended, without a word, while they had this mail in hand."""
    refusals: int = 0
    """How many rounds ended because Graph failed to give just this mail."""
    claimed_at: str = ""
    done_at: str = ""
    verdict: str = ""
    reason: str = ""
    cure: str = ""
    number: int = 0
    action: str = ""
    requester: str = ""
    joined_by: str = ""
    automatic: str = "none"
    raw: str = ""
    disposal: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do; a mail that was gone may come back."""
        return bool(self.verdict) and self.verdict != Verdict.GONE

    @property
    def raw_blob(self) -> str:
        """The blob that the original is kept in."""
        return f"raw/{self.origin}.eml"

    def conclude(self, verdict: Verdict, reason: str = "", cure: str = "") -> None:
        """Give the mail its verdict."""
        self.verdict, self.reason, self.cure = verdict, reason[:LONGEST_REASON], cure[:LONGEST_REASON]

    def row(self, mailbox_id: str) -> Row:
        """The row that holds this entry."""
        values = asdict(self)
        return Row(mailbox_id, PREFIX + values.pop("key"), values)


def new_entry(mailbox_id: str, message_id: str, received: datetime) -> Entry:
    """The entry of a mail seen for the first time; the same mail always gives the same key."""
    origin = digest(mailbox_id, message_id)
    return Entry(f"{newest_first(received)}~{origin[:12]}", message_id, to_text(received), origin)


def claim(rt: Runtime, mailbox_id: str, state: State, page: Sequence[Entry]) -> None:
    """Take a page of mails, and the lease, in one transaction; those that were claimed before are claimed anew.

    Raises RowExists where another round claimed one of them meanwhile, RowChanged where it works on the mailbox.
    """
    now = rt.clock.now()
    state.take_lease(now)
    state.high_water = max(state.high_water, *(entry.received_at for entry in page))
    changes = [
        Change("replace" if entry.claimed_at else "insert", _claimed(entry, to_text(now)).row(mailbox_id))
        for entry in page
    ]
    _transact(rt, mailbox_id, state, changes)
    for entry in page:
        entry.claimed_at, entry.verdict = to_text(now), ""


def finish(rt: Runtime, mailbox_id: str, state: State, entries: Iterable[Entry]) -> None:
    """Write the verdicts of these mails, and the state, in one transaction; raises RowChanged."""
    changed = [entry for entry in entries if entry.verdict or entry.refusals]
    done = [entry for entry in changed if entry.verdict]
    for entry in done:
        entry.done_at = to_text(rt.clock.now())
    state.taken += sum(1 for entry in done if entry.number)
    state.quarantined += sum(1 for entry in done if entry.verdict == Verdict.QUARANTINED)
    _transact(rt, mailbox_id, state, [Change("replace", entry.row(mailbox_id)) for entry in changed])


def save_state(rt: Runtime, mailbox_id: str, state: State) -> None:
    """Write the state alone; raises RowChanged."""
    _transact(rt, mailbox_id, state, [])


def list_between(rt: Runtime, mailbox_id: str, low: str, high: str) -> list[Entry]:
    """The entries from one key to another, both included."""
    rows = rt.tables[TABLE].range(mailbox_id, low=PREFIX + low, high=after(PREFIX + high))
    return [entry_of(row) for row in rows]


def list_left(rt: Runtime, mailbox_id: str, state: State, disposal: str, limit: int) -> list[Entry]:
    """The newest of the mails that the state has down as unmoved, of which just this was told."""
    low, high = PREFIX + state.unmoved_low, after(PREFIX + state.unmoved_high)
    where = f"disposal eq '{disposal}'"
    rows = rt.tables[TABLE].range(mailbox_id, low=low, high=high, where=where, limit=limit, page=limit)
    return [entry_of(row) for row in rows]


def note_disposals(rt: Runtime, mailbox_id: str, state: State, entries: Iterable[Entry]) -> None:
    """Write what became of mails in their mailbox, and the state, in one transaction; raises RowChanged."""
    rows = (Row(mailbox_id, PREFIX + each.key, {"disposal": each.disposal}) for each in entries)
    _transact(rt, mailbox_id, state, [Change("merge", row) for row in rows])


def find_known(rt: Runtime, mailbox_id: str, keys: Sequence[str]) -> list[Entry]:
    """Those of these keys that are in the ledger; few are read one by one, many as one range."""
    if len(keys) > MOST_SINGLE_READS:
        return list_between(rt, mailbox_id, min(keys), max(keys))
    rows = (rt.tables[TABLE].find(mailbox_id, PREFIX + key) for key in keys)
    return [entry_of(row) for row in rows if row is not None]


def iter_newest(rt: Runtime, mailbox_id: str, *, past: str = "", page: int = 100) -> Iterator[Entry]:
    """The entries newest first, behind the key ``past``, fetched ``page`` by ``page`` as they are taken."""
    start = PREFIX + past if past else ""
    rows = rt.tables[TABLE].range(mailbox_id, low=PREFIX, high=after(PREFIX), after=start, page=page)
    return (entry_of(row) for row in rows)


def key_at(moment: str) -> str:
    """The key behind which all entries received before this moment lie, and no others."""
    return newest_first(from_text(moment)) + "~~"


def get(rt: Runtime, mailbox_id: str, key: str) -> Entry:
    """One entry; raises NotFound."""
    row = rt.tables[TABLE].find(mailbox_id, PREFIX + key)
    if row is None:
        raise NotFound(f"The journal of {mailbox_id} has no entry {key!r}.", "Look it up in the journal.")
    return entry_of(row)


def entry_of(row: Row) -> Entry:
    """The entry that a row holds."""
    return fill(Entry, row, key=row.key.removeprefix(PREFIX))


def _claimed(entry: Entry, at: str) -> Entry:
    return replace(entry, claimed_at=at, verdict="")


def _transact(rt: Runtime, mailbox_id: str, state: State, changes: list[Change]) -> None:
    """Make these changes with the state, or none. Settings that people changed in mid-round stay as they are."""
    row = state.row(mailbox_id)
    if row.etag is None:
        raise RowChanged("The mailbox has no state: it was removed.")
    try:
        rt.tables[TABLE].transact([Change("replace", row), *changes])
    except (RowChanged, StorageError):
        present = rt.tables[TABLE].find(row.partition, row.key)
        if present is None:
            raise
        if not _was_made(row, present):
            if not state.take_over(State.of(present)):
                raise
            _transact(rt, mailbox_id, state, changes)
            return
        row.etag = present.etag
    state.etag = row.etag


def _was_made(row: Row, present: Row) -> bool:
    """Whether the state holds just what we wrote: the transaction was made, and only its answer was lost.

    Tried again by the SDK, it is then refused because of our own change. The name of the lease tells our state
    from that of another worker.
    """
    return row.values.items() <= present.values.items()
