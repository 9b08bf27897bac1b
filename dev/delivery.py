"""Puts mails into a mailbox of the running emulator and follows each to its verdict.

At most four hundred mails are under way at a time, so that neither memory nor the journal that is read again and again
grows with the folder. The journal is asked only for the time in which those mails came.

Graph tells to the second when a mail came and promises no order within it, so a mail is not delivered in the same
second as one that it answers: in life it never is.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dev.desk_api import DeskApi
from dev.tenant import ControlPlane
from dev.threads import message_ids

MOST_UNDER_WAY = 400
FEWEST_UNDER_WAY = 200
"""When no more than these are left, the next are delivered: the app never waits for us."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
_PAGE = 500
_NEVER = datetime.min.replace(tzinfo=UTC)

type Entry = dict[str, Any]
"""A line of the journal, as the API gives it."""


@dataclass
class Parcel:
    """One file on its way. `seconds`: from its arrival in the mailbox to its verdict."""

    file: Path
    message_id: str = ""
    """Graph's immutable id."""
    received_at: datetime = _NEVER
    arrived_at: datetime = _NEVER
    entry: Entry | None = None
    trouble: str = ""
    """Why there is no verdict."""

    @property
    def seconds(self) -> float:
        """How long it took; 0 where there is no verdict."""
        if self.entry is None:
            return 0.0
        return max(0.0, (datetime.fromisoformat(self.entry["done_at"]) - self.arrived_at).total_seconds())


class Delivery:
    """Delivers to one mailbox. `patience`: seconds without any new verdict after which the rest is given up."""

    def __init__(self, plane: ControlPlane, desk: DeskApi, mailbox: dict[str, Any], patience: float) -> None:
        self._plane, self._desk, self._mailbox, self._patience = plane, desk, mailbox, patience
        self._under_way: dict[str, Parcel] = {}
        self._second = _NEVER
        self._ids_of_second: set[bytes] = set()

    def run(self, files: Iterable[Path]) -> Iterator[list[Parcel]]:
        """Deliver in the given order; yields parcels as they get their verdicts, at the end those without one."""
        waiting, pause, last_news = iter(files), FIRST_PAUSE, time.monotonic()
        while True:
            if len(self._under_way) <= FEWEST_UNDER_WAY and (broken := self._fill(waiting)):
                yield broken
            if not self._under_way:
                return
            if done := self._collect():
                pause, last_news = FIRST_PAUSE, time.monotonic()
                yield done
            elif time.monotonic() - last_news > self._patience:
                yield self._give_up()
            else:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _fill(self, waiting: Iterator[Path]) -> list[Parcel]:
        """Deliver until enough are under way; returns the files that could not be read."""
        broken, count = [], len(self._under_way)
        while len(self._under_way) < MOST_UNDER_WAY and (file := next(waiting, None)) is not None:
            parcel = self._deliver(file)
            if parcel.trouble:
                broken.append(parcel)
            else:
                self._under_way[parcel.message_id] = parcel
        if self._mailbox["method"] == "scan" and len(self._under_way) > count:
            self._desk.post(f"/mailboxes/{self._mailbox['mailbox_id']}/fetch")
        return broken

    def _deliver(self, file: Path) -> Parcel:
        try:
            raw = file.read_bytes()
        except OSError as error:
            return Parcel(file, trouble=f"the file cannot be read: {error.strerror}")
        own, answered = message_ids(raw)
        if answered & self._ids_of_second:
            time.sleep(1)
        arrived_at = datetime.now(UTC)
        made = self._plane.deliver(self._mailbox["address"], raw)
        received_at = datetime.fromisoformat(made["receivedDateTime"])
        self._remember(own, received_at)
        return Parcel(file, made["id"], received_at, arrived_at)

    def _remember(self, own: set[bytes], received_at: datetime) -> None:
        if received_at != self._second:
            self._second = received_at
            self._ids_of_second.clear()
        self._ids_of_second |= own

    def _collect(self) -> list[Parcel]:
        """Those that have their verdicts by now, in the order of their delivery."""
        found = {entry["message_id"]: entry for entry in self._list_entries() if entry["verdict"]}
        done = [parcel for key, parcel in self._under_way.items() if key in found]
        for parcel in done:
            parcel.entry = found[parcel.message_id]
            del self._under_way[parcel.message_id]
        return done

    def _list_entries(self) -> Iterator[Entry]:
        times = [parcel.received_at for parcel in self._under_way.values()]
        return self._desk.walk(
            "/journal",
            mailbox=self._mailbox["mailbox_id"],
            since=min(times).isoformat(),
            before=(max(times) + timedelta(seconds=1)).isoformat(),
            limit=_PAGE,
        )

    def _give_up(self) -> list[Parcel]:
        left = list(self._under_way.values())
        self._under_way.clear()
        for parcel in left:
            parcel.trouble = f"no verdict, and no other mail had one for {self._patience:.0f} s"
        return left
