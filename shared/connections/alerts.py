"""Alerts: what people must know at once, told by a second path, for the first one may be what is broken.

Each has a key and is raised once however many notice it: its row is there before anything is sent, and says afterwards
that it was. Who receives it may get it twice after a crash, and knows it again by its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared import log
from shared.clock import from_text, to_text
from shared.connections.store import Connection
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage import ages
from shared.storage.keys import digest
from shared.storage.rows import Row, fill
from shared.storage.tables import RowChanged, RowExists
from shared.work import LONGEST_DELAY, SendAlert

TABLE = "Alerts"
PARTITION = "alerts"
_FORGOTTEN_AFTER = timedelta(seconds=LONGEST_DELAY, minutes=10)
"""An alert that was raised, or tried, so long ago and not sent lost its message in a crash: no other one is so late."""
_CLAIMED_FOR = timedelta(minutes=1)
"""Longer than a post takes."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``key``: what makes it one; ``kind``: for machines; ``sent_at``: empty until it was taken."""

    key: str
    kind: str
    connection_id: str
    name: str
    cause: str
    cure: str
    raised_at: str
    sent_at: str = ""


def raise_alert(rt: Runtime, key: str, kind: str, connection: Connection, *, cause: str, cure: str) -> bool:
    """Tell of something once; whether this was the first time."""
    now, row_key = rt.clock.now(), digest(key)
    values = {"connection_id": connection.connection_id, "name": connection.name, "cause": cause, "cure": cure}
    try:
        row = Row(PARTITION, row_key, {"key": key, "kind": kind, **values, "raised_at": to_text(now), "sent_at": ""})
        rt.tables[TABLE].transact(ages.inserting(row, now))
    except RowExists:
        return False
    log.error(f"alert.{kind}", connection_id=connection.connection_id, reason=cause, cure=cure)
    rt.queues.put(SendAlert(alert=row_key))
    return True


def send(rt: Runtime, work: SendAlert) -> None:
    """Post one alert to ALERT_WEBHOOK_URL; raises Later where nobody takes it."""
    row = rt.tables[TABLE].find(PARTITION, work.alert)
    if row is None or row.get("sent_at") or not _claim(rt, row):
        return
    url = rt.settings.alert_url.get_secret_value()
    if url and not rt.outgoing.post(url, _message(fill(Alert, row))):
        rt.tables[TABLE].merge(Row(PARTITION, row.key, {"claimed_at": "", "tried_at": to_text(rt.clock.now())}))
        raise Later("ALERT_WEBHOOK_URL did not take the alert.", min(30 * 2**work.attempt, LONGEST_DELAY))
    rt.tables[TABLE].merge(Row(PARTITION, row.key, {"sent_at": to_text(rt.clock.now())}))


def _claim(rt: Runtime, row: Row) -> bool:
    """Whether this is ours to send: of several messages about one alert the first one sends it."""
    now = rt.clock.now()
    if row.get("claimed_at") and now - from_text(row["claimed_at"]) < _CLAIMED_FOR:
        return False
    try:
        rt.tables[TABLE].merge(Row(PARTITION, row.key, {"claimed_at": to_text(now)}, row.etag))
    except RowChanged:
        return False
    return True


def send_forgotten(rt: Runtime) -> None:
    """Put alerts on the queue that were raised and never sent; not those that still are tried again and again."""
    now = rt.clock.now()
    for row in rt.tables[TABLE].range(PARTITION, where="sent_at eq ''"):
        if now - from_text(row.get("tried_at") or row["raised_at"]) > _FORGOTTEN_AFTER:
            rt.queues.put(SendAlert(alert=row.key))


def _message(alert: Alert) -> dict[str, str]:
    """``text`` is what chat systems show; the rest is for machines."""
    return {
        "text": f"Deskbridge, {alert.name}: {alert.cause} {alert.cure}",
        "id": digest(alert.key),
        "kind": alert.kind,
        "connection_id": alert.connection_id,
        "cause": alert.cause,
        "cure": alert.cure,
        "raised_at": alert.raised_at,
    }
