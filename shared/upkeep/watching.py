"""The hourly look at connections: whether lost sign-ins are back, and which credentials end soon."""

from __future__ import annotations

from shared import log
from shared.clock import from_text
from shared.connections import alerts, expiry, states, store, vault_renewal
from shared.connections.store import AGENTS, Connection
from shared.errors import DeskbridgeError, Later
from shared.graph.errors import NOBODY, GraphBusy, SignInFailed
from shared.mail import mailboxes
from shared.runtime import Runtime
from shared.upkeep import agent_watching

_KINDS = {"secret": "client secret", "certificate": "certificate"}
_NEW = {
    "secret": "Make a new client secret in Entra (App registrations, Certificates & secrets) and enter its Value.",
    "certificate": "Make a new certificate, upload it in Entra, and enter it with its private key.",
    "vault": "Make a new version of it in the key vault, and upload that in Entra; it is taken up within the hour.",
}


def watch_connections(rt: Runtime) -> None:
    """Look at every connection that is meant for this environment; what fails is noted."""
    for connection in store.list_all(rt):
        if store.is_elsewhere(rt, connection) or connection.state == "disconnected":
            continue
        try:
            _watch(rt, _kept_up(rt, connection))
        except DeskbridgeError as failure:
            log.error("connection.not_watched", connection_id=connection.connection_id, reason=failure.cause)
    alerts.send_forgotten(rt)


def _kept_up(rt: Runtime, connection: Connection) -> Connection:
    """The connection after what its key vault asks for; where that fails, as it was."""
    try:
        if connection.vault_stale:
            store.switch_off_stale(rt, connection.connection_id)
        renewed = vault_renewal.follow(rt, connection)
        return store.read(rt, connection.connection_id)[0] if renewed else connection
    except DeskbridgeError as failure:
        log.warning("connection.vault_not_followed", connection_id=connection.connection_id, reason=failure.cause)
        return connection


def _watch(rt: Runtime, connection: Connection) -> None:
    _warn_of_end(rt, connection)
    if connection.state == "needs_sign_in":
        _try_again(rt, connection)
    elif connection.method == AGENTS:
        agent_watching.watch(rt, connection)


def resume(rt: Runtime, connection_id: str) -> None:
    """It can sign in again: look at once at all that waited, unless a person disconnected it. Raises NotFound."""
    if states.regain(rt, connection_id):
        _look_at_all(rt, connection_id)


def connect(rt: Runtime, connection_id: str) -> None:
    """A person wants it to go on: look at once at all that waited. Raises NotFound."""
    if states.connect(rt, connection_id):
        _look_at_all(rt, connection_id)


def disconnect(rt: Runtime, connection_id: str) -> None:
    """A person wants it to rest: nothing more is done for it, whatever a process remembers. Raises NotFound.

    Wanted again, it is told again: the process that was asked first may have died before all were told.
    """
    states.disconnect(rt, connection_id)
    mailboxes.outdate(rt, connection_id)


def look_again(rt: Runtime, connection_id: str) -> None:
    """Something about a lost sign-in was changed: let the connection go on if it can sign in now. Raises NotFound."""
    try:
        _prove(rt, store.read(rt, connection_id)[0])
    except (SignInFailed, GraphBusy, Later):
        return  # it goes on resting, and the hourly look tries again
    resume(rt, connection_id)


def _look_at_all(rt: Runtime, connection_id: str) -> None:
    for mailbox in mailboxes.list_all(rt):
        if mailbox.connection_id == connection_id and mailbox.enabled:
            mailboxes.knock(rt, mailbox.mailbox_id, "asked")


def _try_again(rt: Runtime, connection: Connection) -> None:
    """A token, and whether Graph takes it; where it is refused people hear of it once a day."""
    try:
        _prove(rt, connection)
    except SignInFailed as failure:
        _tell_daily(rt, connection, failure)
    else:
        resume(rt, connection.connection_id)


def _prove(rt: Runtime, connection: Connection) -> None:
    """See that it can sign in; raises SignInFailed, GraphBusy.

    Where agents sign in for themselves the app has no permissions of its own: that Entra gives it a token is all.
    """
    client = store.open_client(rt, connection)
    if connection.method == AGENTS:
        client.sign_in_anew()
    else:
        client.prove_sign_in()


def _tell_daily(rt: Runtime, connection: Connection, failure: SignInFailed) -> None:
    """Not of what was lost today, which was told then, nor of what nobody has ever signed in for."""
    today = rt.clock.now().date().isoformat()
    if failure.code != NOBODY and not connection.state_since.startswith(today):
        key = f"{connection.connection_id}~broken~{today}"
        alerts.raise_alert(rt, key, "connection_lost", connection, cause=failure.cause, cure=failure.cure)


def _warn_of_end(rt: Runtime, connection: Connection) -> None:
    now = rt.clock.now()
    if connection.credential not in _KINDS or not connection.ends_at:
        return
    ends_at = from_text(connection.ends_at)
    warning = expiry.find_warning(ends_at, now)
    if warning:
        cause = f"The {_KINDS[connection.credential]} of {connection.name} {expiry.describe(ends_at, now)}."
        cure = _NEW["vault" if connection.vault_certificate else connection.credential]
        key = f"{connection.connection_id}~{connection.ends_at}~{warning}"
        alerts.raise_alert(rt, key, "credential_ends", connection, cause=cause, cure=cure)
