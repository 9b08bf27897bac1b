"""Things to record, made with what a test does not care about left out."""

from __future__ import annotations

from typing import Any

from shared.desk.recording import Incoming
from shared.desk.tickets import Body

RECEIVED = "2026-11-21T10:00:00.000000Z"


def incoming(origin: str, **values: Any) -> Incoming:
    """A mail from Ada; ``origin`` also makes its Message-ID and its fingerprint."""
    text = values.pop("text", "It does not print.")
    return Incoming(
        **{
            "origin": origin,
            "joins": None,
            "joined_by": "",
            "subject": f"About {origin}",
            "sender_name": "Ada",
            "sender_address": "ada@example.com",
            "received_at": RECEIVED,
            "message_id": f"<{origin}@example.com>",
            "fingerprint": f"print of {origin}",
            "body": Body(text, text, None),
            "automatic": "none",
            "raw": f"raw/{origin}.eml",
            "mailbox_id": "support",
            **values,
        }
    )
