"""When a connection loses its sign-in, and when it has it again: told once, whoever notices first.

https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from typing import Any

from shared import log
from shared.clock import to_text
from shared.connections import alerts, store, vault_renewal
from shared.connections.store import PARTITION, TABLE, Connection, ConnectionState
from shared.errors import DeskbridgeError, NotFound
from shared.graph.errors import SignInFailed
from shared.runtime import Runtime
from shared.storage.rows import Row
from shared.storage.tables import RowChanged


def lose(rt: Runtime, used: Connection, failure: SignInFailed) -> bool:
    """Let a connection rest until somebody mends its sign-in, and raise the one alert; whether it is lost indeed.

    ``used``: the connection as it was when it was used. If it signs in otherwise by now, which another process may know
    a minute before this one, nothing is lost. The alert comes first and is known by the time since which the connection
    was connected: whoever dies in between, or notices at the same moment, leaves one alert.
    """
    try:
        found, row = store.read(rt, used.connection_id)
        if not store.signs_in_alike(rt, used, found):
            log.info("connection.mended_meanwhile", connection_id=used.connection_id)
            return False
        if found.state == "connected":
            if _is_renewed(rt, found):
                return False
            _rest(rt, found, row, failure)
    except NotFound:
        log.debug("connection.gone", connection_id=used.connection_id)
    except RowChanged:  # somebody else has just said so, or mended it
        return lose(rt, used, failure)
    return True


def _is_renewed(rt: Runtime, found: Connection) -> bool:
    """Whether the key vault has a newer certificate, and Entra takes it: the connection goes on with that."""
    try:
        return vault_renewal.follow(rt, found)
    except DeskbridgeError as failure:
        log.warning("connection.vault_not_followed", connection_id=found.connection_id, reason=failure.cause)
        return False


def _rest(rt: Runtime, found: Connection, row: Row, failure: SignInFailed) -> None:
    key = f"{found.connection_id}~lost~{found.state_since}"
    alerts.raise_alert(rt, key, "connection_lost", found, cause=failure.cause, cure=failure.cure)
    trouble = {"trouble": failure.cause, "trouble_code": failure.code, "cure": failure.cure}
    state = {"state": "needs_sign_in", "state_since": to_text(rt.clock.now())}
    rt.tables[TABLE].merge(Row(PARTITION, found.connection_id, {**trouble, **state}, row.etag))
    store.forget(rt)
    log.error("connection.lost", connection_id=found.connection_id, code=failure.code, reason=failure.cause)


def regain(rt: Runtime, connection_id: str) -> bool:
    """It can sign in again; whether that is news. What it was used for may go on then. Raises NotFound.

    What a person disconnected stays so, even if they did it while somebody signed in: see `connect`.
    """
    return _go_on(rt, connection_id, {"needs_sign_in"})


def connect(rt: Runtime, connection_id: str) -> bool:
    """Let the connection go on because a person wants it to; whether that is news. Raises NotFound."""
    return _go_on(rt, connection_id, {"needs_sign_in", "disconnected"})


def disconnect(rt: Runtime, connection_id: str) -> bool:
    """Let the connection rest because a person wants it to; whether that is news. Raises NotFound."""
    cure = "Connect it again when it is to go on."
    why = {"trouble": "It was disconnected.", "trouble_code": "", "cure": cure}
    return _change(rt, connection_id, {"connected", "needs_sign_in"}, "disconnected", why) is not None


def _go_on(rt: Runtime, connection_id: str, before: set[str]) -> bool:
    nothing = {"trouble": "", "trouble_code": "", "cure": ""}
    if _change(rt, connection_id, before, "connected", nothing) is None:
        return False
    log.info("connection.regained", connection_id=connection_id)
    return True


def _change(
    rt: Runtime, connection_id: str, before: set[str], after: ConnectionState, values: dict[str, str]
) -> Connection | None:
    """Change the state of a connection that is in one of ``before``; None where it is not, or somebody was faster."""
    while True:
        found, row = store.read(rt, connection_id)
        if found.state not in before:
            return None
        changed: dict[str, Any] = {**values, "state": after, "state_since": to_text(rt.clock.now())}
        try:
            rt.tables[TABLE].merge(Row(PARTITION, connection_id, changed, row.etag))
        except RowChanged:
            continue
        return store.read(rt, connection_id)[0]
