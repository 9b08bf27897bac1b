"""Recording what came in: as a new ticket or as an action on one, exactly once, in the order given.

Two designs were weighed. One row kind a table, with a number taken first and an intent row to find one's way back after
a crash, needs some five requests a mail and leaves gaps in the numbers. One partition for the desk needs one request
for a dozen mails, leaves nothing half done, and its numbers have no gaps; its price is the throughput of one partition,
2,000 rows a second, some 300 mails: far above what a desk receives.
https://learn.microsoft.com/en-us/azure/storage/tables/scalability-targets
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import batched
from typing import Literal

from shared import log
from shared.clock import to_text
from shared.desk import PARTITION, TABLE, numbering, people, sites
from shared.desk.message_ids import message_key
from shared.desk.people import User
from shared.desk.recent import recent
from shared.desk.tickets import (
    LARGEST_PACKED,
    Action,
    Body,
    Defaults,
    Ticket,
    action_row,
    pack,
    preview,
    reopened,
    ticket_changes,
    ticket_key,
    ticket_of,
)
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage.tables import Change, Row, RowChanged, RowExists

MAILS_AT_ONCE = 10
"""Each takes up to ten rows (nine, and the counter, where it opens a ticket); a transaction takes 100, and 4 MiB."""
TRIES = 8

Outcome = Literal["opened", "added", "duplicate"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing to record. ``origin``: its stable id; ``joins``: a ticket's number, or the origin of an earlier one of
    the same call, or None to open a ticket; ``fingerprint``: the same for two copies of the same mail.
    """

    origin: str
    joins: int | str | None
    joined_by: str
    subject: str
    sender_name: str
    sender_address: str
    received_at: str
    message_id: str
    fingerprint: str
    body: Body
    automatic: str
    raw: str
    mailbox_id: str
    defaults: Defaults = field(default_factory=Defaults)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an incoming thing: its ticket and, unless it was a duplicate, its action."""

    origin: str
    outcome: Outcome
    number: int
    action: str
    user_id: str


def record(rt: Runtime, incoming: Sequence[Incoming]) -> list[Recorded]:
    """Record all of these, in order; what was recorded before is reported as it was then."""
    done: dict[str, Recorded] = {}
    for chunk in batched(incoming, MAILS_AT_ONCE, strict=False):
        _record_chunk(rt, chunk, done)
    return [done[each.origin] for each in incoming]


def _record_chunk(rt: Runtime, chunk: Sequence[Incoming], done: dict[str, Recorded]) -> None:
    packed = [_packed(rt, each) for each in chunk]
    careful = False
    for attempt in range(TRIES):
        try:
            done.update(_record_at_once(rt, chunk, packed, done, careful=careful))
        except RowExists:
            careful = True
            people.forget(rt)
        except RowChanged:
            log.debug("desk.number_taken", attempt=attempt)
        else:
            return
        rt.clock.pause(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads workers, guards nothing
    raise Later("Other workers kept changing the desk at the same time.", delay=5)


def _record_at_once(
    rt: Runtime, chunk: Sequence[Incoming], packed: Sequence[bytes | str], done: dict[str, Recorded], *, careful: bool
) -> dict[str, Recorded]:
    """One attempt, in one transaction, with what this process remembers of the counter."""
    counter = numbering.counter(rt)
    with counter.lock:
        plan = _Plan(rt, counter, done, careful=careful)
        try:
            for each, body in zip(chunk, packed, strict=True):
                plan.add(each, body)
            plan.commit()
        except (RowExists, RowChanged):
            counter.forget()
            recent(rt).forget()
            raise
        return plan.done


def _packed(rt: Runtime, incoming: Incoming) -> bytes | str:
    packed = pack(incoming.body)
    if len(packed) <= LARGEST_PACKED:
        return packed
    blob = f"bodies/{incoming.origin}"
    rt.blobs.put(blob, packed)
    return blob


@dataclass(frozen=True, slots=True)
class _Touched:
    """A ticket that is to be written: as it shall be, and the row that it lay in (None: it is new)."""

    ticket: Ticket
    row: Row | None


class _Plan:
    """One transaction in the making. ``careful``: look first whether things were recorded before."""

    def __init__(self, rt: Runtime, counter: numbering.Counter, done: dict[str, Recorded], *, careful: bool) -> None:
        self._rt, self._desk, self._counter, self._careful = rt, rt.tables[TABLE], counter, careful
        self.done = dict(done)
        now = rt.clock.now()
        self._now, self._place = to_text(now), int(now.timestamp() * 1_000_000)
        self._given = counter.last(rt)
        self._tickets: dict[int, _Touched] = {}
        self._new_users: dict[str, User] = {}
        self._owners: dict[str, tuple[int, str]] = {}
        self._owned: dict[str, int] = {}
        self._changes: list[Change] = []

    def add(self, each: Incoming, packed: bytes | str) -> None:
        """Plan for one more; those added before count as recorded."""
        self.done[each.origin] = self._recorded_before(each) or self._record(each, packed)

    def commit(self) -> None:
        """Make all changes, or none; raises RowExists, RowChanged."""
        if not self._changes:
            return
        advance = self._counter.advance(self._given) if self._given > self._counter.last(self._rt) else None
        changes = [*self._changes, *([advance] if advance else [])]
        written = {number: ticket_changes(touched.ticket, touched.row) for number, touched in self._tickets.items()}
        for each in written.values():
            changes += each
        for user in self._new_users.values():
            changes += people.insertion(user)
        self._desk.transact(changes)
        if advance:
            self._counter.advanced(advance)
        for user in self._new_users.values():
            people.remember(self._rt, user)
        recent(self._rt).note(self._owned, {number: each[0].row for number, each in written.items()})

    def _record(self, each: Incoming, packed: bytes | str) -> Recorded:
        """A copy of a mail that is on a ticket is only noted; anything else joins its ticket, or opens one."""
        copied = self._ticket_of_copy(each)
        if copied:
            return self._note_origin(Recorded(each.origin, "duplicate", copied, "", ""))
        user = self._user(each)
        joined = self._joined(each)
        ticket = self._join(joined, each) if joined else self._open(each, user)
        action = _action(each, ticket.number, user, self._now, self._action_key(each))
        self._changes.append(Change("insert", action_row(action, packed)))
        if each.message_id:
            self._own_message_id(each, ticket.number)
        outcome: Outcome = "added" if joined else "opened"
        return self._note_origin(Recorded(each.origin, outcome, ticket.number, action.key, user.user_id))

    def _action_key(self, each: Incoming) -> str:
        """Keys sort by the time received, and what was received in the same second in the order of recording."""
        self._place += 1
        return f"{each.received_at}~{self._place:014x}"

    def _recorded_before(self, each: Incoming) -> Recorded | None:
        row = self._desk.find(PARTITION, f"o~{each.origin}") if self._careful else None
        if row is None:
            return None
        return Recorded(each.origin, row["outcome"], int(row["number"]), row.get("action", ""), row.get("user_id", ""))

    def _ticket_of_copy(self, each: Incoming) -> int | None:
        """The ticket that an equal mail is on. Unequal ones may share a Message-ID: replies join the first of them."""
        for key in _keys_of_copies(each):
            owner = self._owner(key)
            if owner is None or owner[1] == each.fingerprint:
                return owner[0] if owner else None
        return None

    def _owner(self, key: str) -> tuple[int, str] | None:
        if key not in self._owners and self._careful:
            row = self._desk.find(PARTITION, key)
            if row is not None:
                self._owners[key] = int(row["number"]), row.get("fingerprint", "")
        return self._owners.get(key)

    def _own_message_id(self, each: Incoming, number: int) -> None:
        first, second = _keys_of_copies(each)
        key = first if self._owner(first) is None else second
        self._owners[key] = number, each.fingerprint
        if key == first:
            self._owned[each.message_id] = number
        values = {"number": number, "origin": each.origin, "fingerprint": each.fingerprint}
        self._changes.append(Change("insert", Row(PARTITION, key, values)))

    def _note_origin(self, recorded: Recorded) -> Recorded:
        values = asdict(recorded)
        self._changes.append(Change("insert", Row(PARTITION, f"o~{values.pop('origin')}", values)))
        return recorded

    def _user(self, each: Incoming) -> User:
        address = each.sender_address.lower()
        known = self._new_users.get(address) or people.find_by_address(self._rt, address)
        if known is None:
            site = sites.find_by_domain(self._rt, address.rpartition("@")[2])
            known = self._new_users[address] = people.new_user(each.sender_name, address, self._now, site=site)
        return known

    def _joined(self, each: Incoming) -> _Touched | None:
        """The ticket that this is to be added to, if there is one."""
        number = self.done[each.joins].number if isinstance(each.joins, str) else each.joins
        if number is None:
            return None
        if number in self._tickets:
            return self._tickets[number]
        row = recent(self._rt).find_row(number) or self._desk.find(PARTITION, ticket_key(number))
        return None if row is None else _Touched(ticket_of(row), row)

    def _join(self, joined: _Touched, each: Incoming) -> Ticket:
        ticket = reopened(joined.ticket, self._now, automatic=each.automatic != "none")
        self._tickets[ticket.number] = _Touched(ticket, joined.row)
        return ticket

    def _open(self, each: Incoming, user: User) -> Ticket:
        self._given += 1
        ticket = _new_ticket(each, self._given, user, self._now)
        self._tickets[ticket.number] = _Touched(ticket, None)
        return ticket


def _keys_of_copies(each: Incoming) -> tuple[str, ...]:
    """Where a mail is known by its Message-ID and, where an unequal one came first, by its fingerprint as well."""
    if not each.message_id:
        return ()
    return message_key(each.message_id), message_key(f"{each.message_id} {each.fingerprint}")


def _new_ticket(each: Incoming, number: int, user: User, now: str) -> Ticket:
    return Ticket(
        number=number,
        subject=each.subject,
        status="new",
        user_id=user.user_id,
        user_name=user.name,
        user_address=user.address,
        created_at=now,
        updated_at=now,
        mailbox_id=each.mailbox_id,
        automatic=each.automatic != "none",
        priority=each.defaults.priority,
        type=each.defaults.type,
        team=each.defaults.team,
        agent=each.defaults.agent,
        site=user.site or each.defaults.site,
    )


def _action(each: Incoming, number: int, user: User, now: str, key: str) -> Action:
    return Action(
        number=number,
        key=key,
        kind="mail_in",
        at=each.received_at,
        recorded_at=now,
        origin=each.origin,
        author_id=user.user_id,
        author_name=user.name,
        author_address=user.address,
        subject=each.subject,
        preview=preview(each.body.new_text or each.body.text),
        joined_by=each.joined_by,
        message_id=each.message_id,
        automatic=each.automatic,
        raw=each.raw,
        file_count=len(each.body.files),
    )
