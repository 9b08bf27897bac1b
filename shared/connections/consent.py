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
from shared.connections import attempts, store, tokens
from shared.connections.attempts import Attempt
from shared.connections.store import Connection
from shared.errors import Conflict
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


def begin(rt: Runtime, connection_id: str, *, begun_by: str, begun_by_id: str) -> Begun:
    """Begin a sign-in; raises NotFound, Conflict where the connection needs none, SignInFailed, GraphBusy."""
    connection = store.get(rt, connection_id)
    if connection.method != "delegated":
        cure = "Make a connection with the method delegated."
        raise Conflict("This connection signs in by itself, with application permissions.", cure)
    known = tokens.find_account(rt, connection_id)
    back = redirect_uri(rt)
    flow = store.authorization(rt, connection).begin(store.PERMISSIONS, back, account=known.account if known else "")
    expires_at = attempts.keep(rt, Attempt(connection_id, begun_by, begun_by_id, flow))
    return Begun(flow["auth_uri"], back, expires_at)


def redeem(rt: Runtime, brought: Mapping[str, str]) -> Redeemed:
    """Who signed in, for a browser that comes back with this query; keeps nothing of it.

    Raises SignInFailed, GraphBusy, Misconfigured; the attempt is used up in any case.
    """
    attempt = attempts.take(rt, brought.get("state", ""))
    connection = store.get(rt, attempt.connection_id)
    return Redeemed(attempt, connection, store.authorization(rt, connection).redeem(attempt.flow, brought))


def keep(rt: Runtime, redeemed: Redeemed) -> None:
    """Let the connection act in the name of who signed in: here at once, in other processes within a minute.

    The tokens come first: who sees that somebody signed in finds theirs.
    """
    connection = redeemed.connection
    tokens.SealedTokens(rt, connection.connection_id).replace(redeemed.signed_in, redeemed.attempt.begun_by)
    store.open_client(rt, connection).forget_token()
    store.change(rt, connection.connection_id, signed_in_at=to_text(rt.clock.now()))
