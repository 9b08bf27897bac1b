"""Tickets and journal entries put straight into storage, where a test is about listing them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.clock import to_text
from shared.desk import recording
from shared.desk.recording import Incoming, Recorded
from shared.desk.tickets import Body, File
from shared.mail import ledger
from shared.mail.ledger import Entry
from shared.mail.verdicts import Verdict
from shared.storage.keys import digest
from tests.world import World

PNG = b"\x89PNG\r\n\x1a\n not a real one"
EVIL = b"<script>alert(1)</script>"
HTML = '<p>Look: <img src="cid:logo%40x"> and <img src="cid:unknown"></p>'


def incoming(world: World, name: str, *, sender: str = "ada@example.com", joins: int | None = None) -> Incoming:
    """One thing to record."""
    return Incoming(
        origin=digest(name),
        joins=joins,
        joined_by="references" if joins else "",
        subject=name,
        sender_name="Ada",
        sender_address=sender,
        received_at=to_text(world.clock.now()),
        message_id=f"<{digest(name)}@example.com>",
        fingerprint=digest(name, "fingerprint"),
        body=Body(text=f"{name}\n> before", new_text=name, html=None),
        automatic="none",
        raw="",
        mailbox_id="support",
    )


def record(world: World, *names: str, sender: str = "ada@example.com", joins: int | None = None) -> list[Recorded]:
    """Tickets with these subjects, or actions on the ticket ``joins``."""
    return recording.record(world.rt, [incoming(world, name, sender=sender, joins=joins) for name in names])


def record_with_files(world: World) -> Recorded:
    """A ticket with a picture in its HTML, and an HTML file whose name means harm."""
    named = (("logo.png", "image/png", "logo@x", PNG), ('a"b\r\nX: é/☃.html', "text/html", None, EVIL))
    files = []
    for index, (name, kind, content_id, data) in enumerate(named):
        blob = f"files/{index}"
        world.rt.blobs.put(blob, data, kind)
        files.append(File(index, name, kind, len(data), content_id is not None, content_id, blob))
    body = Body("Look", "Look", HTML, tuple(files), ("The HTML was cleaned.",))
    [recorded] = recording.record(world.rt, [replace(incoming(world, "Files"), body=body)])
    return recorded


def enter(world: World, mailbox_id: str, name: str, *, verdict: Verdict = Verdict.TICKET, age: float = 0) -> Entry:
    """An entry in the journal of a mailbox, received ``age`` seconds ago."""
    entry = ledger.new_entry(mailbox_id, name, world.clock.now() - timedelta(seconds=age))
    entry.subject, entry.sender, entry.claimed_at = name, "ada@example.com", entry.received_at
    entry.conclude(verdict, "A reason.")
    if verdict == Verdict.QUARANTINED:
        entry.raw = entry.raw_blob
        world.rt.blobs.put(entry.raw_blob, b"Subject: original\r\n\r\n", "message/rfc822")
    world.rt.tables["Mailboxes"].upsert(entry.row(mailbox_id))
    return entry
