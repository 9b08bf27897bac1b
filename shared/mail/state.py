"""Where the rounds over a mailbox are: the lease, the cursor, what is unfinished, and how it went last.

Two workers never work on one mailbox: every step of a round writes this row at the version that it read, so that the
slower of two is refused at its next step.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from shared.clock import from_text, to_text
from shared.storage.rows import Row, fill

LEASE = timedelta(seconds=120)
"""Renewed at every page; a worker that died holds its mailbox up for no longer than this."""
_OVERLAP = timedelta(seconds=2)
"""How far the clocks of two workers may differ before a notice counts as covered that is not."""


@dataclass(slots=True)
class State:
    """One ``!state`` row. Times are ISO 8601 in UTC, empty for never."""

    etag: str | None = None
    leases: set[str] = field(default_factory=set, compare=False)
    """The leases that whoever holds this has taken; not in the row."""
    cursor: str = ""
    """Graph's delta link of the last completed round."""
    high_water: str = ""
    """The latest receivedDateTime claimed so far: what is newer is certainly unknown."""
    lease_until: str = ""
    lease: str = ""
    """The name of the lease, another one each time: two workers may take theirs at the same moment."""
    round_began_at: str = ""
    open_low: str = ""
    open_high: str = ""
    """First and last ledger key of what was begun and not finished; a dead round leaves them for the next."""
    done_folder_id: str = ""
    folder_trouble: str = ""
    folder_cure: str = ""
    """Why the folder for taken mail could not be made, and what to do about it."""
    unmoved_low: str = ""
    unmoved_high: str = ""
    """First and last ledger key of mails that are to be moved once there is a folder."""
    settings_version: str = ""
    """Another one with each change of the mailbox's settings, made in the same transaction: a round that began with
    other settings is refused at its next step."""
    last_success_at: str = ""
    last_mail_at: str = ""
    last_notified_at: str = ""
    unannounced: int = 0
    """New mail that a scan found and no notification had announced, since the last one that did."""
    resyncs: int = 0
    failing_since: str = ""
    rest_until: str = ""
    """Graph is busy; when this moment has come, the work that met it is on the queue again."""
    failure: str = ""
    failure_cure: str = ""
    endless: bool = False
    """The last delta round did not end, and mail was listed by its time instead."""
    quarantined: int = 0
    taken: int = 0

    @classmethod
    def of(cls, row: Row | None) -> State:
        """The state that a row holds."""
        if row is None:
            return cls()
        return fill(cls, row, etag=row.etag)

    def row(self, mailbox_id: str) -> Row:
        """The row that holds this state, at the version that it was read at."""
        values = asdict(self)
        del values["leases"]
        return Row(mailbox_id, "!state", values, values.pop("etag"))

    def is_leased(self, now: datetime) -> bool:
        """Whether another round is working on the mailbox."""
        return bool(self.lease_until) and from_text(self.lease_until) > now

    @property
    def is_settled(self) -> bool:
        """Whether no round is at the mailbox, and the last one ended well and left nothing behind."""
        return not (self.lease_until or self.open_low or self.unmoved_low or self.failing_since)

    def is_resting(self, now: datetime) -> bool:
        """Whether the next round is already on the queue, for later."""
        return bool(self.rest_until) and from_text(self.rest_until) > now

    def covers(self, noticed_at: str) -> bool:
        """Whether a round that went well began after this notice: what it told of is taken in already."""
        if not self.round_began_at or self.failing_since or self.open_low:
            return False
        ended_well = self.last_success_at >= self.round_began_at
        return ended_well and from_text(noticed_at) + _OVERLAP < from_text(self.round_began_at)

    def take_lease(self, now: datetime) -> None:
        """Hold the mailbox for this round."""
        self.lease_until, self.lease = to_text(now + LEASE), uuid4().hex
        self.leases.add(self.lease)

    def take_over(self, present: State) -> bool:
        """Go on from the row as it is now, where only the settings were changed in mid-round; whether that is so.

        It is while the lease is ours: who changes settings leaves it alone, and any other worker writes its own.
        """
        if present.lease not in self.leases or present.settings_version == self.settings_version:
            return False
        self.etag, self.settings_version = present.etag, present.settings_version
        self.done_folder_id = present.done_folder_id
        return True

    def keep_open(self, keys: Collection[str]) -> None:
        """Note which ledger keys are begun and not finished."""
        self.open_low, self.open_high = (min(keys), max(keys)) if keys else ("", "")

    def keep_unmoved(self, key: str) -> None:
        """Note the ledger key of a mail that waits for its folder."""
        self.unmoved_low = min(self.unmoved_low or key, key)
        self.unmoved_high = max(self.unmoved_high, key)

    def release(self) -> None:
        """Let the mailbox go; nothing is unfinished."""
        self.lease_until = self.lease = self.open_low = self.open_high = ""

    def succeed(self, began_at: datetime, now: datetime, cursor: str) -> None:
        """A round came to its end."""
        self.release()
        self.cursor = cursor
        self.round_began_at, self.last_success_at = to_text(began_at), to_text(now)
        self.failing_since = self.rest_until = self.failure = self.failure_cure = ""

    def go_on(self, now: datetime) -> None:
        """A part of a round came to its end; another one follows."""
        self.release()
        self.last_success_at = to_text(now)
        self.failing_since = self.rest_until = self.failure = self.failure_cure = ""

    def fail(self, now: datetime, cause: str, cure: str) -> None:
        """A round could not go on; what is unfinished stays noted."""
        self.lease_until = self.lease = ""
        self.failing_since = self.failing_since or to_text(now)
        self.failure, self.failure_cure = cause[:1000], cure[:1000]
