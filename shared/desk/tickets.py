"""Tickets and their actions: what they are, and how they lie in the table."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from shared.desk import PARTITION, TABLE
from shared.errors import NotFound
from shared.runtime import Runtime
from shared.storage.keys import after, descending
from shared.storage.rows import Change, Row, fill

Status = Literal["new", "open", "pending", "solved", "closed"]
STATUSES: tuple[Status, ...] = ("new", "open", "pending", "solved", "closed")
ENDED: frozenset[str] = frozenset({"solved", "closed"})

ActionKind = Literal["mail_in", "mail_out", "note", "system"]

LARGEST_PACKED = 60_000
"""A packed body larger than this lies in a blob: a property of a row takes 64 KiB."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new ticket begins with."""

    priority: str = "normal"
    type: str = "incident"
    team: str = ""
    agent: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request of a user. Times are ISO 8601 in UTC; ``followers`` are addresses, ``linked`` ticket numbers."""

    number: int
    subject: str
    status: str
    user_id: str
    user_name: str
    user_address: str
    created_at: str
    updated_at: str
    priority: str = "normal"
    type: str = "incident"
    team: str = ""
    agent: str = ""
    site: str = ""
    mailbox_id: str = ""
    automatic: bool = False
    followers: tuple[str, ...] = ()
    linked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """An attachment of an action: ``index`` names it within the action, ``blob`` is where its bytes are."""

    index: int
    name: str
    type: str
    size: int
    inline: bool
    content_id: str | None
    blob: str


@dataclass(frozen=True, slots=True)
class Body:
    """What an action says: ``new_text`` is ``text`` without quoted history; ``html`` is clean, or None."""

    text: str
    new_text: str
    html: str | None
    files: tuple[File, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that happened on a ticket. ``origin``: the id of what it came from; ``raw``: blob of the original."""

    number: int
    key: str
    kind: str
    at: str
    recorded_at: str
    origin: str
    author_id: str
    author_name: str
    author_address: str
    subject: str
    preview: str
    joined_by: str = ""
    message_id: str = ""
    automatic: str = "none"
    raw: str = ""
    file_count: int = 0


def get_ticket(rt: Runtime, number: int) -> Ticket:
    """The ticket of this number; raises NotFound."""
    return ticket_of(get_row(rt, number))


def get_row(rt: Runtime, number: int) -> Row:
    """The ticket's own row, with its version; raises NotFound."""
    row = rt.tables[TABLE].find(PARTITION, ticket_key(number))
    if row is None:
        raise NotFound(f"There is no ticket {number}.", "Look the number up in the list of tickets.")
    return row


def list_actions(rt: Runtime, number: int, *, past: str = "", limit: int | None = None) -> list[tuple[Action, Body]]:
    """The actions of a ticket with their bodies, oldest first, behind the key ``past``."""
    low = f"a~{number:010d}~"
    rows = rt.tables[TABLE].range(PARTITION, low=low, high=after(low), after=low + past if past else "", limit=limit)
    return [(action_of(row), unpack(rt, row)) for row in rows]


def get_action(rt: Runtime, number: int, key: str) -> tuple[Action, Body]:
    """One action of a ticket; raises NotFound."""
    row = rt.tables[TABLE].find(PARTITION, f"a~{number:010d}~{key}")
    if row is None:
        raise NotFound(f"Ticket {number} has no action {key!r}.", "Read the ticket for its actions.")
    return action_of(row), unpack(rt, row)


def ticket_key(number: int) -> str:
    """The key of a ticket's own row."""
    return f"t~{descending(number)}"


def status_key(status: str, number: int) -> str:
    """The key that lists a ticket by its status."""
    return f"s~{status}~{descending(number)}"


def requester_key(user_id: str, number: int) -> str:
    """The key that lists a ticket by its requester."""
    return f"r~{user_id}~{descending(number)}"


def agent_key(agent_id: str, number: int) -> str:
    """The key that lists a ticket by its agent."""
    return f"g~{agent_id}~{descending(number)}"


def listed_keys(ticket: Ticket) -> tuple[str, ...]:
    """The keys under which a ticket lies, its own first."""
    number = ticket.number
    keys = ticket_key(number), status_key(ticket.status, number), requester_key(ticket.user_id, number)
    return (*keys, agent_key(ticket.agent, number)) if ticket.agent else keys


def ticket_changes(ticket: Ticket, row: Row | None) -> list[Change]:
    """Write a ticket over the row it was read from (None: it is new), its own row first, and its rows in the lists.

    In a list that it left it is deleted. What another version keeps in its row goes along into each of its lists.
    """
    values = {**(row.values if row else {}), **ticket_values(ticket)}
    own, *listed = listed_keys(ticket)
    left = set(listed_keys(ticket_of(row))) - {own, *listed} if row else set()
    return [
        Change("replace" if row else "insert", Row(PARTITION, own, values, row.etag if row else None)),
        *(Change("upsert", Row(PARTITION, key, values)) for key in listed),
        *(Change("delete", Row(PARTITION, key)) for key in left),
    ]


def ticket_values(ticket: Ticket) -> dict[str, Any]:
    """A ticket as columns."""
    values = asdict(ticket)
    return {**values, "followers": json.dumps(values["followers"]), "linked": json.dumps(values["linked"])}


def ticket_of(row: Row) -> Ticket:
    """The ticket that a row holds."""
    followers, linked = (tuple(json.loads(row.get(name, "[]"))) for name in ("followers", "linked"))
    return fill(Ticket, row, followers=followers, linked=linked)


def action_row(action: Action, packed: bytes | str) -> Row:
    """An action as a row; ``packed``: its body, or the name of the blob that holds it."""
    where = {"packed": packed} if isinstance(packed, bytes) else {"packed_blob": packed}
    return Row(PARTITION, f"a~{action.number:010d}~{action.key}", {**asdict(action), **where})


def action_of(row: Row) -> Action:
    """The action that a row holds."""
    return fill(Action, row)


def pack(body: Body) -> bytes:
    """A body as few bytes: JSON, compressed (an HTML mail shrinks to about a fifth)."""
    return zlib.compress(json.dumps(asdict(body), ensure_ascii=False).encode("utf-8", "replace"), 6)


def unpack(rt: Runtime, row: Row) -> Body:
    """The body that ``pack`` packed, wherever it lies."""
    blob = row.get("packed_blob")
    values = json.loads(zlib.decompress(rt.blobs.get(blob) if blob else bytes(row["packed"])))
    files = tuple(File(**each) for each in values.pop("files"))
    return Body(**{**values, "files": files, "notes": tuple(values["notes"])})


def preview(text: str, length: int = 200) -> str:
    """The beginning of a text on one line."""
    return " ".join(text[: 4 * length].split())[:length]


def reopened(ticket: Ticket, at: str, *, automatic: bool) -> Ticket:
    """The ticket after a mail was added at ``at``: an ended one opens again, unless only a machine wrote."""
    wakes = not automatic and (ticket.status in ENDED or ticket.status == "pending")
    return replace(ticket, updated_at=at, status="open" if wakes else ticket.status)
