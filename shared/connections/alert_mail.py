"""Alerts by mail: from a mailbox of one connection, unless it is this connection that is in trouble.

A draft is made first and its id kept with the alert; then it is sent. Whether it was sent is told by the draft, so that
whoever dies on the way leaves one mail, never two: see `shared.graph.drafts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.connections import store
from shared.errors import Misconfigured, NotFound
from shared.graph.errors import GraphError
from shared.runtime import Runtime
from shared.settings import Settings
from shared.storage.keys import digest

if TYPE_CHECKING:
    from shared.connections.alerts import Alert
    from shared.graph.client import Json

LOST = "connection_lost"
_LEFT_OUT = "left out: "


@dataclass(frozen=True, slots=True)
class Sender:
    """The mailbox that alerts are sent from, and the connection that reaches it."""

    connection_id: str
    address: str


def find_sender(settings: Settings) -> Sender | None:
    """Who sends alerts by mail; None where nobody does."""
    connection_id, _, address = settings.alert_mail_from.partition("/")
    return Sender(connection_id, address) if address else None


def sends_from(settings: Settings, connection_id: str) -> bool:
    """Whether alerts are sent through this connection."""
    sender = find_sender(settings)
    return sender is not None and sender.connection_id == connection_id


def send(rt: Runtime, sender: Sender, alert: Alert, draft_id: str, keep: Callable[[str], None]) -> str:
    """Send an alert, and say what became of it. ``draft_id``: what an earlier attempt gave to ``keep``, or empty.

    Raises GraphError, SignInFailed, Misconfigured.
    """
    _check(rt, sender)
    if alert.kind == LOST and alert.connection_id == sender.connection_id:
        return f"{_LEFT_OUT}it is about the connection that would have to send it"
    if store.rests(rt, sender.connection_id):
        return f"{_LEFT_OUT}the connection that sends alerts rests"
    from shared.graph import drafts  # noqa: PLC0415 - requests and msal are not for the webhook

    client = store.graph_client(rt, sender.connection_id)
    if draft_id and not drafts.is_unsent(client, sender.address, draft_id):
        return "sent"
    if not draft_id:
        message = _message(rt, sender, alert)
        found = drafts.find_draft(client, sender.address, message["internetMessageId"])
        draft_id = found or drafts.create_draft(client, sender.address, message)
        keep(draft_id)
    try:
        drafts.send_draft(client, sender.address, draft_id)
    except GraphError:
        if drafts.is_unsent(client, sender.address, draft_id):
            raise
    return "sent"


def _check(rt: Runtime, sender: Sender) -> None:
    cure = "Set ALERT_MAIL_FROM to the id of a connection with application permissions, a slash, and a mailbox."
    try:
        method = store.get(rt, sender.connection_id).method
    except NotFound:
        raise Misconfigured(f"ALERT_MAIL_FROM: there is no connection {sender.connection_id!r}.", cure) from None
    if method != "application":
        raise Misconfigured("ALERT_MAIL_FROM: its connection signs in as an account.", cure)


def _message(rt: Runtime, sender: Sender, alert: Alert) -> Json:
    """The mail. Robots are asked for no answer: it might become a ticket.

    https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxcmail
    """
    lines = (alert.cause, alert.cure, f"Connection: {alert.name} ({alert.connection_id})", f"Since: {alert.raised_at}")
    domain = sender.address.rpartition("@")[2]
    return {
        "internetMessageId": f"<alert-{digest(alert.key)}@{domain}>",
        "subject": f"Deskbridge, {alert.name}: {alert.kind.replace('_', ' ')}",
        "body": {"contentType": "text", "content": "\r\n\r\n".join(lines)},
        "toRecipients": [{"emailAddress": {"address": each}} for each in rt.settings.alert_mail_recipients],
        "internetMessageHeaders": [{"name": "X-Auto-Response-Suppress", "value": "All"}],
    }
