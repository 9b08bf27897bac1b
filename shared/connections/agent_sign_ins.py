"""Agents who sign in for themselves: of each its state and its sealed tokens, in one row, so that they change as one.

An agent is *connected*; or *needs_sign_in*, because nobody has signed in yet or Entra ended it; or was *disconnected*
by a person, and then has no tokens. What happens to one of them is nothing to the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import TYPE_CHECKING

from shared import log
from shared.clock import to_text
from shared.connections import alerts, tokens
from shared.connections.store import Connection, ConnectionState
from shared.errors import NotFound
from shared.graph.errors import SignInFailed, nobody_signed_in
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowChanged, RowExists

if TYPE_CHECKING:
    from shared.graph.authorization import SignedIn

TABLE = "AgentSignIns"
"""The partition is the id of the connection, the key the agent's address in lower case."""
PERMISSIONS = ("Calendars.ReadWrite", "User.Read")
"""What an agent is asked to delegate: the calendar, and the profile, which tells whose account it is.
https://learn.microsoft.com/en-us/graph/permissions-reference"""

_NO_TROUBLE = {"trouble": "", "trouble_code": "", "cure": ""}
_NO_TOKENS = {"sealed_tokens": "", "sealed_by": "", "renewed_at": ""}


@dataclass(frozen=True, slots=True)
class AgentSignIn:
    """How the sign-in of one agent stands. ``account``, ``object_id``: who signed in; ``begun_by``: who asked for it.

    ``trouble``, ``trouble_code``, ``cure``: why it is not connected. All times are ISO 8601 in UTC.
    """

    connection_id: str
    address: str
    state: ConnectionState
    state_since: str
    account: str = ""
    object_id: str = ""
    signed_in_at: str = ""
    begun_by: str = ""
    trouble: str = ""
    trouble_code: str = ""
    cure: str = ""


_COLUMNS = [each.name for each in fields(AgentSignIn) if each.name not in ("connection_id", "address")]


def context_of(connection_id: str, address: str) -> str:
    """The context that the tokens of an agent are sealed in."""
    return f"connection/{connection_id}/agent/{address}/tokens"


def get(rt: Runtime, connection_id: str, address: str) -> AgentSignIn:
    """The agent of this address, as it is at this moment; raises NotFound."""
    row = rt.tables[TABLE].find(connection_id, address)
    if row is None:
        raise NotFound(f"No sign-in was ever begun for {address}.", "Begin one, or look the address up in the list.")
    return _filled(row)


def iter_all(
    rt: Runtime, connection_id: str, *, state: ConnectionState | None = None, after: str = "", page: int | None = None
) -> Iterator[AgentSignIn]:
    """The agents of a connection by address, those of one state or all, behind the address ``after``."""
    where = f"state eq '{state}'" if state else ""
    yield from map(_filled, rt.tables[TABLE].range(connection_id, where=where, after=after, select=_COLUMNS, page=page))


def list_page(
    rt: Runtime, connection_id: str, *, state: ConnectionState | None = None, after: str = "", limit: int
) -> tuple[list[AgentSignIn], str | None]:
    """So many of them, and the address to go on behind (None at the end)."""
    found = list(islice(iter_all(rt, connection_id, state=state, after=after, page=limit + 1), limit + 1))
    return found[:limit], found[limit - 1].address if len(found) > limit else None


def expect(rt: Runtime, connection_id: str, address: str) -> None:
    """A sign-in was begun: who is new, or was disconnected, is waited for; with all others nothing changes."""
    nobody = nobody_signed_in()
    why = {"trouble": nobody.cause, "trouble_code": nobody.code, "cure": nobody.cure}
    awaited = {"state": "needs_sign_in", "state_since": to_text(rt.clock.now()), **why}
    try:
        rt.tables[TABLE].insert(Row(connection_id, address, {**dict.fromkeys(_COLUMNS, ""), **awaited, **_NO_TOKENS}))
    except RowExists:
        _move(rt, connection_id, address, "needs_sign_in", why, before={"disconnected"})


def connect(rt: Runtime, connection_id: str, address: str, signed_in: SignedIn, begun_by: str) -> None:
    """Let us act in the name of an agent who signed in; raises SignInFailed if they were disconnected meanwhile."""
    sealed = tokens.seal(rt, signed_in.tokens, context_of(connection_id, address))
    about = {"account": signed_in.account, "object_id": signed_in.object_id, "begun_by": begun_by}
    values = {**_NO_TROUBLE, **about, **sealed, "signed_in_at": to_text(rt.clock.now())}
    if not _move(rt, connection_id, address, "connected", values, before={"connected", "needs_sign_in"}):
        cause = f"{address} was disconnected after this sign-in had begun."
        raise SignInFailed("disconnected", cause, "Begin the sign-in again, if it is wanted.")


def lose(rt: Runtime, connection: Connection, used: AgentSignIn, failure: SignInFailed) -> bool:
    """Let the work of an agent rest until they sign in again, and raise the one alert; whether they are lost indeed.

    ``used``: the agent as it was when its sign-in was used, as with `states.lose`. The alert comes first here, too.
    """
    row = rt.tables[TABLE].find(used.connection_id, used.address)
    if row is None or row["signed_in_at"] != used.signed_in_at:
        log.info("agent.mended_meanwhile", connection_id=used.connection_id)
        return False
    try:
        if row["state"] == "connected":
            _rest(rt, connection, row, failure)
    except RowChanged:  # renewed, lost or mended by somebody else
        return lose(rt, connection, used, failure)
    return True


def _rest(rt: Runtime, connection: Connection, row: Row, failure: SignInFailed) -> None:
    key = f"{row.partition}/{row.key}~lost~{row['state_since']}"
    told = {"cause": failure.cause, "cure": failure.cure}
    alerts.raise_alert(rt, key, "agent_sign_in_lost", connection, **told, concerning=row.key)
    why = {"trouble": failure.cause, "trouble_code": failure.code, "cure": failure.cure}
    state = {"state": "needs_sign_in", "state_since": to_text(rt.clock.now())}
    rt.tables[TABLE].merge(Row(row.partition, row.key, {**why, **state}, row.etag))


def regain(rt: Runtime, connection_id: str, address: str) -> bool:
    """The agent's sign-in works again; whether that is news."""
    return _move(rt, connection_id, address, "connected", _NO_TROUBLE, before={"needs_sign_in"})


def disconnect(rt: Runtime, connection_id: str, address: str) -> bool:
    """Forget the tokens of an agent, because a person wants it; whether that is news."""
    why = {"trouble": "It was disconnected.", "trouble_code": "", "cure": "Begin a sign-in when it is to go on."}
    values = {**why, **_NO_TOKENS}
    return _move(rt, connection_id, address, "disconnected", values, before={"connected", "needs_sign_in"})


def _filled(row: Row) -> AgentSignIn:
    return fill(AgentSignIn, row, connection_id=row.partition, address=row.key)


def _move(
    rt: Runtime,
    connection_id: str,
    address: str,
    after: ConnectionState,
    values: Mapping[str, str],
    *,
    before: set[str],
) -> bool:
    """Change the state of an agent who is in one of ``before``; whether they were. Who is overtaken looks again."""
    while (row := rt.tables[TABLE].find(connection_id, address)) is not None and row["state"] in before:
        since = row["state_since"] if row["state"] == after else to_text(rt.clock.now())
        try:
            changed = {**values, "state": after, "state_since": since}
            rt.tables[TABLE].merge(Row(connection_id, address, changed, row.etag))
        except RowChanged:
            continue
        return True
    return False
