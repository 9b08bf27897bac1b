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
from dataclasses import dataclass, field
from itertools import batched
from typing import Literal

from shared import log
from shared.clock import to_text
from shared.desk import PARTITION, TABLE, numbering, people
from shared.desk.message_ids import message_key
from shared.desk.people import User
from shared.desk.tickets import (
    LARGEST_PACKED,
    Action,
    Body,
    Defaults,
    Ticket,
    action_row,
    listed_keys,
    pack,
    preview,
    reopened,
    ticket_key,
    ticket_of,
    ticket_values,
)
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage.tables import Change, Row, RowChanged, RowExists

MAILS_AT_ONCE = 10
"""Each takes up to nine rows, and a transaction takes 100 rows and 4 MiB."""
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
    counter, careful = numbering.counter(rt), False
    for attempt in range(TRIES):
        with counter.lock:
            plan = _Plan(rt, dict(done), careful=careful)
            try:
                plan.add_all(chunk, packed)
                plan.commit(counter)
            except RowExists:
                careful = True
                people.forget(rt)
            except RowChanged:
                log.debug("desk.number_taken", attempt=attempt)
            else:
                done.update(plan.done)
                return
            counter.forget()
        rt.clock.pause(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads workers, guards nothing
    raise Later("Other workers kept changing the desk at the same time.", delay=5)


def _packed(rt: Runtime, incoming: Incoming) -> bytes | str:
    packed = pack(incoming.body)
    if len(packed) <= LARGEST_PACKED:
        return packed
    blob = f"bodies/{incoming.origin}"
    rt.blobs.put(blob, packed)
    return blob


class _Plan:
    """One transaction in the making. ``careful``: look first whether things were recorded before."""

    def __init__(self, rt: Runtime, done: dict[str, Recorded], *, careful: bool) -> None:
        self._rt, self._desk, self._careful = rt, rt.tables[TABLE], careful
        self.done = done
        now = rt.clock.now()
        self._now, self._place = to_text(now), int(now.timestamp() * 1_000_000)
        self._counter = numbering.counter(rt)
        self._first = self._next = self._counter.last(rt) + 1
        self._tickets: dict[int, tuple[Ticket, Row | None]] = {}
        self._before: dict[int, Ticket] = {}
        self._new_users: dict[str, User] = {}
        self._owners: dict[str, tuple[int, str]] = {}
        self._changes: list[Change] = []

    def add_all(self, chunk: Sequence[Incoming], packed: Sequence[bytes | str]) -> None:
        for each, body in zip(chunk, packed, strict=True):
            known = self._recorded_before(each)
            self.done[each.origin] = known or self._add(each, body)

    def commit(self, counter: numbering.Counter) -> None:
        advance = counter.advance(self._next - 1) if self._next > self._first else None
        changes = [*self._changes, *self._ticket_changes(), *([advance] if advance else [])]
        for user in self._new_users.values():
            changes += people.insertion(user)
        if not changes:
            return
        self._desk.transact(changes)
        if advance:
            counter.advanced(advance)
        for user in self._new_users.values():
            people.remember(self._rt, user)

    def _add(self, each: Incoming, packed: bytes | str) -> Recorded:
        owner = self._owner_of_message_id(each)
        if owner and owner[1] == each.fingerprint:
            return self._note_origin(each, "duplicate", owner[0], "", "")
        user = self._user(each)
        ticket = self._joined(each)
        outcome: Outcome = "added" if ticket else "opened"
        ticket = reopened(ticket, self._now, automatic=each.automatic != "none") if ticket else self._open(each, user)
        self._put_ticket(ticket)
        action = _action(each, ticket.number, user, self._now, self._action_key(each))
        self._changes.append(Change("insert", action_row(action, packed)))
        if each.message_id and not owner:
            self._own_message_id(each, ticket.number)
        return self._note_origin(each, outcome, ticket.number, action.key, user.user_id)

    def _action_key(self, each: Incoming) -> str:
        """Keys sort by the time received, and what was received in the same second in the order of recording."""
        self._place += 1
        return f"{each.received_at}~{self._place:014x}"

    def _recorded_before(self, each: Incoming) -> Recorded | None:
        row = self._desk.find(PARTITION, f"o~{each.origin}") if self._careful else None
        if row is None:
            return None
        return Recorded(each.origin, row["outcome"], int(row["number"]), row.get("action", ""), row.get("user_id", ""))

    def _owner_of_message_id(self, each: Incoming) -> tuple[int, str] | None:
        if not each.message_id:
            return None
        key = message_key(each.message_id)
        if key not in self._owners and self._careful:
            row = self._desk.find(PARTITION, key)
            if row is not None:
                self._owners[key] = int(row["number"]), row.get("fingerprint", "")
        return self._owners.get(key)

    def _own_message_id(self, each: Incoming, number: int) -> None:
        key = message_key(each.message_id)
        self._owners[key] = number, each.fingerprint
        values = {"number": number, "origin": each.origin, "fingerprint": each.fingerprint}
        self._changes.append(Change("insert", Row(PARTITION, key, values)))

    def _note_origin(self, each: Incoming, outcome: Outcome, number: int, action: str, user_id: str) -> Recorded:
        values = {"outcome": outcome, "number": number, "action": action, "user_id": user_id}
        self._changes.append(Change("insert", Row(PARTITION, f"o~{each.origin}", values)))
        return Recorded(each.origin, outcome, number, action, user_id)

    def _user(self, each: Incoming) -> User:
        address = each.sender_address.lower()
        known = self._new_users.get(address) or people.find_by_address(self._rt, address)
        if known is None:
            known = self._new_users[address] = people.new_user(each.sender_name, address, self._now)
        return known

    def _joined(self, each: Incoming) -> Ticket | None:
        number = self.done[each.joins].number if isinstance(each.joins, str) else each.joins
        if number is None:
            return None
        if number not in self._tickets:
            row = self._desk.find(PARTITION, ticket_key(number))
            if row is None:
                return None
            self._tickets[number] = ticket_of(row), row
            self._before[number] = ticket_of(row)
        return self._tickets[number][0]

    def _open(self, each: Incoming, user: User) -> Ticket:
        number, self._next = self._next, self._next + 1
        return Ticket(
            number=number,
            subject=each.subject,
            status="new",
            user_id=user.user_id,
            user_name=user.name,
            user_address=user.address,
            created_at=self._now,
            updated_at=self._now,
            mailbox_id=each.mailbox_id,
            automatic=each.automatic != "none",
            priority=each.defaults.priority,
            type=each.defaults.type,
            team=each.defaults.team,
            agent=each.defaults.agent,
            site=user.site or each.defaults.site,
        )

    def _put_ticket(self, ticket: Ticket) -> None:
        row = self._tickets[ticket.number][1] if ticket.number in self._tickets else None
        self._tickets[ticket.number] = ticket, row

    def _ticket_changes(self) -> list[Change]:
        changes: list[Change] = []
        for number, (ticket, row) in self._tickets.items():
            keys, values = listed_keys(ticket), ticket_values(ticket)
            old = set(listed_keys(self._before[number])) if number in self._before else set()
            if number in self._before and ticket == self._before[number]:
                continue
            own = Row(PARTITION, keys[0], values, row.etag if row else None)
            changes.append(Change("replace" if row else "insert", own))
            changes += [Change("upsert", Row(PARTITION, key, values)) for key in keys[1:]]
            changes += [Change("delete", Row(PARTITION, key)) for key in old - set(keys)]
        return changes


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
