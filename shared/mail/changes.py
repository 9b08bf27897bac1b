"""What there is to do at a mailbox: what Graph says has come, and what a round before this one left unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared import log
from shared.clock import from_text
from shared.connections.store import get as get_connection
from shared.graph import mail as graph_mail
from shared.graph.client import Json
from shared.graph.delta import EndlessRound, Round
from shared.graph.errors import ResyncRequired
from shared.mail import ledger
from shared.mail.ledger import Entry
from shared.mail.passage import Place
from shared.runtime import Runtime

JUST_READ = 3_600.0
"""Seconds: what this round has begun with is good for all of it."""

OVERLAP = timedelta(days=1)
"""How far behind the latest known mail a plain list begins. It stands for a delta round that does not end, and for all
of them in a cloud that has none; what a person moves into the folder later than that is not seen there."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mails without a verdict, oldest first, and Graph's link for the next round; ``listed``: messages Graph named."""

    entries: list[Entry]
    cursor: str
    listed: int


def find_waiting(place: Place, *, died_before: bool) -> Waiting:
    """Ask Graph what has changed; raises GraphError. ``died_before``: the last round ended without a word."""
    unfinished = _list_unfinished(place, died_before=died_before)
    messages, cursor = _fetch_changes(place)
    unknown = _list_unknown(place, [_entry(place.mailbox.mailbox_id, each) for each in messages])
    merged = {entry.key: entry for entry in (*unknown, *unfinished)}
    entries = sorted(merged.values(), key=lambda entry: (entry.received_at, entry.key))
    return Waiting(entries, cursor, len(messages))


def without_finished(rt: Runtime, mailbox_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """These mails as the ledger knows them, in the same order, without those that have their verdict."""
    known = {entry.key: entry for entry in ledger.find_known(rt, mailbox_id, [entry.key for entry in entries])}
    present = [known.get(entry.key, entry) for entry in entries]
    return [entry for entry in present if not entry.is_finished]


def _list_unfinished(place: Place, *, died_before: bool) -> list[Entry]:
    low, high = place.state.open_low, place.state.open_high
    entries = ledger.list_between(place.rt, place.mailbox.mailbox_id, low, high) if low else []
    found = [entry for entry in entries if not entry.verdict]
    for entry in found:
        entry.deaths += died_before
    return found


def _fetch_changes(place: Place) -> tuple[list[Json], str]:
    """Messages that came or changed since the cursor, and the next cursor."""
    place.state.endless = False
    if "message-delta" in get_connection(place.rt, place.mailbox.connection_id, within=JUST_READ).lacks:
        return _list_recent(place), ""
    try:
        found = _fetch_round(place)
    except EndlessRound as reason:
        log.warning("mail.endless_round", reason=reason.cause)
        place.state.endless = True
        return _list_recent(place), place.state.cursor
    there = (each for each in found.items if not graph_mail.is_removed(each))
    return [whole for each in there if (whole := _completed(place, each))], found.delta_link


def _completed(place: Place, message: Json) -> Json | None:
    """An update need not tell more than what was updated: the rest is asked for; None if the message is gone.

    https://learn.microsoft.com/en-us/graph/delta-query-overview
    """
    if "receivedDateTime" in message:
        return message
    return graph_mail.find_message(place.client, place.mailbox.address, message["id"])


def _fetch_round(place: Place) -> Round:
    """The round since the cursor; from the beginning if that is too old."""
    address, folder = place.mailbox.address, place.mailbox.folder
    try:
        return graph_mail.fetch_message_round(place.client, address, folder, place.state.cursor or None)
    except ResyncRequired as reason:
        log.warning("mail.resync", reason=reason.cause)
        place.state.resyncs += 1
        place.state.cursor = ""
        return graph_mail.fetch_message_round(place.client, address, folder, None)


def _list_recent(place: Place) -> list[Json]:
    """What the folder received since a day before the latest mail that we know."""
    since = from_text(place.state.high_water) - OVERLAP if place.state.high_water else None
    return graph_mail.list_messages(place.client, place.mailbox.address, place.mailbox.folder, since)


def _list_unknown(place: Place, entries: Sequence[Entry]) -> list[Entry]:
    """Those that have no verdict yet; what is newer than all that was ever claimed need not be looked up."""
    newer = [entry for entry in entries if entry.received_at > place.state.high_water]
    doubtful = [entry for entry in entries if entry.received_at <= place.state.high_water]
    return [*newer, *(without_finished(place.rt, place.mailbox.mailbox_id, doubtful) if doubtful else [])]


def _entry(mailbox_id: str, message: Json) -> Entry:
    entry = ledger.new_entry(mailbox_id, message["id"], graph_mail.received_date_time(message))
    entry.subject = str(message.get("subject") or "")[:500]
    entry.internet_message_id = str(message.get("internetMessageId") or "")[:500]
    sender = (message.get("from") or {}).get("emailAddress") or {}
    entry.sender = str(sender.get("address") or "").lower()[:320]
    return entry
