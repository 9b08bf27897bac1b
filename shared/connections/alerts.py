"""Alerts: what people must know at once, told by a second path, for the first one may be what is broken.

Each has a key and is raised once however many notice it: its row is there before anything is sent, and says afterwards
that it was, by each of its paths. Who is posted to may get it twice after a crash, and knows it again by its key; a
mail is sent once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared import log
from shared.clock import from_text, to_text
from shared.connections import alert_mail
from shared.connections.store import Connection
from shared.errors import DeskbridgeError, Later
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
_CLAIMED_FOR = timedelta(minutes=5)
"""Longer than a post and a mail take, unless Graph lets us wait for each answer."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``key``: what makes it one; ``kind``: for machines; ``sent_at``: empty until every path took it.

    ``trouble``, ``trouble_cure``: why one did not take it so far.
    """

    key: str
    kind: str
    connection_id: str
    name: str
    cause: str
    cure: str
    raised_at: str
    sent_at: str = ""
    trouble: str = ""
    trouble_cure: str = ""


type _Path = Callable[[Runtime, Row, Alert], None]


def raise_alert(
    rt: Runtime, key: str, kind: str, connection: Connection, *, cause: str, cure: str, concerning: str = ""
) -> bool:
    """Tell of something once; whether this was the first time. ``concerning``: whom, where not the whole connection;
    no log line names them.
    """
    now, row_key = rt.clock.now(), digest(key)
    name = f"{connection.name}, {concerning}" if concerning else connection.name
    values = {"connection_id": connection.connection_id, "name": name, "cause": cause, "cure": cure}
    try:
        row = Row(PARTITION, row_key, {"key": key, "kind": kind, **values, "raised_at": to_text(now), "sent_at": ""})
        rt.tables[TABLE].transact(ages.inserting(row, now))
    except RowExists:
        return False
    log.error(f"alert.{kind}", connection_id=connection.connection_id, reason=cause, cure=cure)
    rt.queues.put(SendAlert(alert=row_key))
    return True


def send(rt: Runtime, work: SendAlert) -> None:
    """Tell one alert by every path that is set; raises Later where one of them does not take it.

    Each path has a receipt of its own, so that what fails on one is not repeated on the other.
    """
    row = rt.tables[TABLE].find(PARTITION, work.alert)
    if row is None or row.get("sent_at") or not _claim(rt, row):
        return
    try:
        failures = [failure for path in (_post, _mail) if (failure := _try(rt, path, row))]
        if not failures:
            _save(rt, row, sent_at=to_text(rt.clock.now()), trouble="", trouble_cure="")
            return
        told = {"trouble": failures[0].cause, "trouble_cure": failures[0].cure}
        _save(rt, row, **told, claimed_at="", tried_at=to_text(rt.clock.now()))
    except RowChanged:
        log.info("alert.taken_over", key=work.alert)
        return
    raise Later(failures[0].cause, min(30 * 2**work.attempt, LONGEST_DELAY), failures[0].cure)


def _try(rt: Runtime, path: _Path, row: Row) -> DeskbridgeError | None:
    try:
        path(rt, row, fill(Alert, row))
    except RowChanged:
        raise
    except DeskbridgeError as failure:
        log.warning("alert.not_taken", reason=failure.cause)
        return failure
    return None


def _post(rt: Runtime, row: Row, alert: Alert) -> None:
    url = rt.settings.alert_url.get_secret_value()
    if not url or row.get("posted_at"):
        return
    if not rt.outgoing.post(url, _message(alert)):
        cure = "See what its receiver is busy with, and whether ALERT_WEBHOOK_URL is still right."
        raise DeskbridgeError("ALERT_WEBHOOK_URL did not take the alert.", cure)
    _save(rt, row, posted_at=to_text(rt.clock.now()))


def _mail(rt: Runtime, row: Row, alert: Alert) -> None:
    sender = alert_mail.find_sender(rt.settings)
    if sender is None or row.get("mailed_at"):
        return
    outcome = alert_mail.send(rt, sender, alert, row.get("draft_id", ""), lambda key: _save(rt, row, draft_id=key))
    log.info("alert.mail", outcome=outcome, key=row.key)
    _save(rt, row, mailed_at=to_text(rt.clock.now()), mail_outcome=outcome)


def _save(rt: Runtime, row: Row, **values: str) -> None:
    """Keep values of an alert that is ours to send; raises RowChanged where another process took it over."""
    kept = Row(PARTITION, row.key, dict(values), row.etag)
    rt.tables[TABLE].merge(kept)
    row.values.update(values)
    row.etag = kept.etag


def _claim(rt: Runtime, row: Row) -> bool:
    """Whether this is ours to send: of several messages about one alert the first one sends it."""
    now = rt.clock.now()
    if row.get("claimed_at") and now - from_text(row["claimed_at"]) < _CLAIMED_FOR:
        return False
    try:
        _save(rt, row, claimed_at=to_text(now))
    except RowChanged:
        return False
    return True


def list_untold(rt: Runtime, most: int = 20) -> list[Alert]:
    """Alerts that could not be told so far, and why."""
    rows = rt.tables[TABLE].range(PARTITION, where="sent_at eq '' and trouble ne ''", limit=most)
    return [fill(Alert, row) for row in rows]


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
