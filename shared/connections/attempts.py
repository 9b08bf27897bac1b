"""Sign-ins that were begun: each can be ended once, within ten minutes, by whoever brings its state back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.clock import from_text, to_text
from shared.graph.errors import SignInFailed
from shared.runtime import Runtime
from shared.storage import ages
from shared.storage.keys import digest
from shared.storage.rows import Row
from shared.storage.tables import RowChanged

if TYPE_CHECKING:
    from datetime import datetime

    from shared.graph.authorization import Flow

TABLE = "SignInAttempts"
PARTITION = "attempts"
LIFETIME = timedelta(minutes=10)
"""As long as Entra's own code holds.
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response"""
KEPT_FOR = timedelta(days=1)
"""So long, at least, we can tell a state that was used from one that never was."""
_AGAIN = "Begin the sign-in again, and open its address at once."


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun for a connection, by a caller of the API: name and object id. ``flow`` is a secret.

    ``agent``: the address of who is to sign in for themselves; empty where it is the account of the connection.
    """

    connection_id: str
    begun_by: str
    begun_by_id: str
    flow: Flow
    agent: str = ""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Attempt({self.connection_id}, {self.begun_by})"


def keep(rt: Runtime, attempt: Attempt) -> datetime:
    """Remember a sign-in until its state comes back; the moment from which that is too late."""
    now = rt.clock.now()
    sealed = rt.keys.seal(json.dumps(attempt.flow), context=_context(attempt.connection_id, attempt.agent))
    begun = {"begun_by": attempt.begun_by, "begun_by_id": attempt.begun_by_id, "begun_at": to_text(now)}
    values = {"connection_id": attempt.connection_id, "agent": attempt.agent, **begun}
    key = digest(attempt.flow["state"])
    row = Row(PARTITION, key, {**values, "sealed_flow": sealed, "used_at": ""})
    rt.tables[TABLE].transact(ages.inserting(row, now))
    return now + LIFETIME


def take(rt: Runtime, state: str) -> Attempt:
    """The sign-in of this state, which is used up by that; raises SignInFailed where there is none to be had."""
    row = rt.tables[TABLE].find(PARTITION, digest(state)) if state else None
    if row is None:
        raise SignInFailed("unknown_state", "This answer belongs to no sign-in that was begun here.", _AGAIN)
    _use_up(rt, row)
    if rt.clock.now() - from_text(row["begun_at"]) >= LIFETIME:
        raise SignInFailed("expired", "The sign-in took longer than ten minutes.", _AGAIN)
    connection_id, agent = row["connection_id"], row.get("agent", "")
    flow = json.loads(rt.keys.unseal(row["sealed_flow"], context=_context(connection_id, agent)))
    return Attempt(connection_id, row["begun_by"], row["begun_by_id"], flow, agent)


def _use_up(rt: Runtime, row: Row) -> None:
    """Only one of several that come at once gets past this."""
    used = SignInFailed("used_state", "The answer to this sign-in came before.", _AGAIN)
    if row["used_at"]:
        raise used
    try:
        rt.tables[TABLE].merge(Row(PARTITION, row.key, {"used_at": to_text(rt.clock.now())}, row.etag))
    except RowChanged:
        raise used from None


def _context(connection_id: str, agent: str) -> str:
    whose = f"/agent/{agent}" if agent else ""
    return f"connection/{connection_id}{whose}/attempt"
