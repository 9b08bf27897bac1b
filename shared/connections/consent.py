"""A person signs in for a connection: begun through the API, ended where Entra sends their browser back to.

The state leads from the browser's answer to what was begun. Nothing else in the answer is believed before Entra itself
has confirmed it, and nothing in it says where to go next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clock import to_text
from shared.connections import agent_sign_ins, attempts, store, tokens
from shared.connections.attempts import Attempt
from shared.connections.permissions import to_delegate
from shared.connections.store import Connection
from shared.errors import Conflict
from shared.graph import own_account
from shared.graph.errors import SignInFailed
from shared.runtime import Runtime

if TYPE_CHECKING:
    from shared.graph.authorization import SignedIn

CALLBACK = "auth/callback"
"""Its address below the app's own."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that waits for a person. ``url``: what to open; ``redirect_uri``: what the registration must name."""

    url: str
    redirect_uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Redeemed:
    """An account that has signed in for a connection, because of an attempt."""

    attempt: Attempt
    connection: Connection
    signed_in: SignedIn


def redirect_uri(rt: Runtime) -> str:
    """Where Entra sends browsers back to, letter by letter; raises Misconfigured where our address is not known.

    https://learn.microsoft.com/en-us/entra/identity-platform/reply-url
    """
    return f"{rt.settings.base_url}/{CALLBACK}"


def begin(rt: Runtime, connection_id: str, *, begun_by: str, begun_by_id: str, agent: str = "") -> Begun:
    """Begin the sign-in of a connection's account, or of one of its agents.

    Raises NotFound, Conflict where the connection needs no such sign-in, SignInFailed, GraphBusy.
    """
    connection = store.get(rt, connection_id)
    _check_method(connection, agent)
    back = redirect_uri(rt)
    permissions = agent_sign_ins.PERMISSIONS if agent else to_delegate(connection.features)
    known = agent or _account_of(rt, connection_id)
    flow = store.authorization(rt, connection).begin(permissions, back, account=known)
    if agent:
        agent_sign_ins.expect(rt, connection_id, agent)
    expires_at = attempts.keep(rt, Attempt(connection_id, begun_by, begun_by_id, flow, agent))
    return Begun(flow["auth_uri"], back, expires_at)


def _check_method(connection: Connection, agent: str) -> None:
    wanted = store.AGENTS if agent else "delegated"
    if connection.method == wanted:
        return
    if connection.method == store.AGENTS:
        raise Conflict("For this connection each agent signs in for themselves.", "Begin the sign-in of an agent.")
    if agent:
        raise Conflict("For this connection no agent signs in.", "Make a connection with the method agents.")
    cure = "Make a connection with the method delegated."
    raise Conflict("This connection signs in by itself, with application permissions.", cure)


def _account_of(rt: Runtime, connection_id: str) -> str:
    known = tokens.find_account(rt, connection_id)
    return known.account if known else ""


def redeem(rt: Runtime, brought: Mapping[str, str]) -> Redeemed:
    """Who signed in, for a browser that comes back with this query; keeps nothing of it.

    Raises SignInFailed, GraphError, Misconfigured; the attempt is used up in any case.
    """
    attempt = attempts.take(rt, brought.get("state", ""))
    connection = store.get(rt, attempt.connection_id)
    signed_in = store.authorization(rt, connection).redeem(attempt.flow, brought)
    if attempt.agent:
        _check_account(rt, connection, attempt.agent, signed_in)
    return Redeemed(attempt, connection, signed_in)


def _check_account(rt: Runtime, connection: Connection, agent: str, signed_in: SignedIn) -> None:
    """Raise SignInFailed where it is not the agent's own account that came.

    The directory is asked for its addresses: an ID token names one of them at most, and that is not proof of a mailbox.
    https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
    """
    me = own_account.get_me(store.newly_signed_in(rt, connection, signed_in.tokens.access_token))
    if me.get("id") != signed_in.object_id or agent not in own_account.addresses_of(me):
        cause = f"{signed_in.account} came, and {agent} was expected."
        raise SignInFailed("other_account", cause, f"Begin again, and sign in with the account of {agent}.")


def keep(rt: Runtime, redeemed: Redeemed) -> None:
    """Let the connection act in the name of who signed in: here at once, in other processes within a minute.

    The tokens come first: who sees that somebody signed in finds theirs. Raises SignInFailed where an agent was
    disconnected meanwhile.
    """
    connection, attempt = redeemed.connection, redeemed.attempt
    if attempt.agent:
        whose = (connection.connection_id, attempt.agent)
        agent_sign_ins.connect(rt, *whose, redeemed.signed_in, attempt.begun_by)
        return
    tokens.SealedTokens(rt, connection.connection_id).replace(redeemed.signed_in, attempt.begun_by)
    store.open_client(rt, connection).forget_token()
    store.change(rt, connection.connection_id, signed_in_at=to_text(rt.clock.now()))
