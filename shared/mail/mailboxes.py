"""Mailboxes: which ones are taken in, how, and what a new ticket begins with.

Everything of a mailbox lies in one partition of the table ``Mailboxes``: ``!config`` (what people decided), ``!state``
(where its rounds are), ``j~...`` (its ledger, one row a mail). So a page of claims, or of receipts, goes with the state
in one transaction. The partition ``!all`` lists the mailboxes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal
from uuid import uuid4

from shared.clock import to_text
from shared.desk.tickets import Defaults
from shared.errors import Conflict, NotFound
from shared.mail.state import State
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.rows import Change, Row, fill
from shared.storage.tables import RowChanged, RowExists
from shared.work import Cause, SyncMailbox

TABLE = "Mailboxes"
LIST = "!all"
CONFIG = "!config"
STATE = "!state"
_REMEMBERED_SECONDS = 60

Method = Literal["webhook", "scan"]
Disposal = Literal["move", "mark_read", "delete", "delete_permanently"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as people set it up. ``done_folder``: where taken mail is moved to, if it is moved."""

    mailbox_id: str
    connection_id: str
    address: str
    name: str
    created_at: str
    folder: str = "inbox"
    method: str = "webhook"
    disposal: str = "move"
    done_folder: str = "Processed"
    enabled: bool = True
    priority: str = "normal"
    type: str = "incident"
    team: str = ""
    site: str = ""

    @property
    def defaults(self) -> Defaults:
        """What a ticket from this mailbox begins with."""
        return Defaults(priority=self.priority, type=self.type, team=self.team, site=self.site)


def create(rt: Runtime, *, connection_id: str, address: str, values: Mapping[str, str | bool]) -> Mailbox:
    """Keep a new mailbox; ``values``: its other fields. Raises Conflict if the connection has it already."""
    folder = str(values.get("folder", "inbox"))
    mailbox = Mailbox(
        mailbox_id=_new_id(connection_id, address, folder),
        connection_id=connection_id,
        address=address.lower(),
        name=str(values.get("name") or address),
        created_at=to_text(rt.clock.now()),
    )
    mailbox = replace(mailbox, **{name: value for name, value in values.items() if name != "name"})  # type: ignore[arg-type]  # the API's model has these very fields
    rows = [Row(mailbox.mailbox_id, CONFIG, asdict(mailbox)), State().row(mailbox.mailbox_id)]
    try:
        rt.tables[TABLE].transact([Change("insert", row) for row in rows])
    except RowExists:
        _put_on_list(rt, get(rt, mailbox.mailbox_id))  # in case we died between the two last time
        raise Conflict(
            f"{address} ({folder}) is set up already.", f"Change mailbox {mailbox.mailbox_id} instead."
        ) from None
    _put_on_list(rt, mailbox)
    return mailbox


def change(rt: Runtime, mailbox_id: str, values: Mapping[str, str | bool]) -> Mailbox:
    """Change some fields of a mailbox, and no other; raises NotFound.

    The state goes with them, so that every round that knows the former settings is refused at its next step.
    """
    get(rt, mailbox_id)
    told = {"settings_version": uuid4().hex} | ({"done_folder_id": ""} if "done_folder" in values else {})
    rows = [Row(mailbox_id, CONFIG, dict(values)), Row(mailbox_id, STATE, dict(told))]
    rt.tables[TABLE].transact([Change("merge", row) for row in rows])
    mailbox = get(rt, mailbox_id)
    try:
        rt.tables[TABLE].merge(Row(LIST, mailbox_id, dict(values)))
    except RowChanged:  # it never came onto the list
        _put_on_list(rt, mailbox)
    return mailbox


def outdate(rt: Runtime, connection_id: str) -> None:
    """Have every round begin from a read that knows the mailboxes of this connection as they were until now."""
    for mailbox in list_all(rt):
        if mailbox.connection_id == connection_id:
            told = {"settings_version": uuid4().hex}
            rt.tables[TABLE].merge(Row(mailbox.mailbox_id, STATE, dict(told)))


def get(rt: Runtime, mailbox_id: str) -> Mailbox:
    """The mailbox of this id; raises NotFound."""
    row = rt.tables[TABLE].find(mailbox_id, CONFIG)
    if row is None or mailbox_id == LIST:
        raise missing(mailbox_id)
    return fill(Mailbox, row)


def missing(mailbox_id: str) -> NotFound:
    """What is said of a mailbox that is not there, and to who may not know that it is."""
    return NotFound(f"There is no mailbox {mailbox_id[:64]!r}.", "Look it up in the list of mailboxes.")


def get_head(rt: Runtime, mailbox_id: str) -> tuple[Mailbox, State]:
    """The mailbox and where its rounds are, in one request; raises NotFound."""
    rows = {row.key: row for row in rt.tables[TABLE].range(mailbox_id, low="!", high='"')}
    if CONFIG not in rows:
        raise missing(mailbox_id)
    return fill(Mailbox, rows[CONFIG]), State.of(rows.get(STATE))


def list_all(rt: Runtime) -> list[Mailbox]:
    """Every mailbox, by id."""
    return [fill(Mailbox, row) for row in rt.tables[TABLE].range(LIST)]


def list_seen(rt: Runtime, hidden: Collection[str]) -> list[Mailbox]:
    """Every mailbox but those of the connections that are ``hidden``."""
    return [mailbox for mailbox in list_all(rt) if mailbox.connection_id not in hidden]


def ids_within(rt: Runtime, connections: Collection[str]) -> frozenset[str]:
    """The mailboxes of these connections."""
    if not connections:
        return frozenset()
    return frozenset(mailbox.mailbox_id for mailbox in list_all(rt) if mailbox.connection_id in connections)


def knock(rt: Runtime, mailbox_id: str, cause: Cause, *, delay: float = 0) -> None:
    """Ask for a round over this mailbox."""
    noticed_at = to_text(rt.clock.now())
    rt.queues.put(SyncMailbox(mailbox_id=mailbox_id, cause=cause, noticed_at=noticed_at), delay)


def scan(rt: Runtime) -> int:
    """Knock at every enabled mailbox: the safety net under the webhooks. Returns how many."""
    enabled = [mailbox for mailbox in list_all(rt) if mailbox.enabled]
    for mailbox in enabled:
        knock(rt, mailbox.mailbox_id, "scan")
    return len(enabled)


def _put_on_list(rt: Runtime, mailbox: Mailbox) -> None:
    rt.tables[TABLE].upsert(Row(LIST, mailbox.mailbox_id, asdict(mailbox)))


def _new_id(connection_id: str, address: str, folder: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", address.lower()).strip("-")[:40]
    return f"{stem}-{digest(connection_id, address.lower(), folder.lower())[:6]}"
