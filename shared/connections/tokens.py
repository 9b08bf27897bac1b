"""The tokens of the account that signed in for a connection: sealed, in one row, changed by one process at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.clock import from_text, to_text
from shared.graph.delegated_sign_in import Kept, Tokens
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowChanged

if TYPE_CHECKING:
    from shared.graph.authorization import SignedIn

TABLE = "SignIns"
PARTITION = "connections"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signed in for a connection, and when. ``begun_by``: the caller of the API who had asked for it."""

    account: str
    object_id: str
    signed_in_at: str
    begun_by: str


def context_of(connection_id: str) -> str:
    """The context that the tokens of a connection are sealed in."""
    return f"connection/{connection_id}/tokens"


def seal(rt: Runtime, tokens: Tokens, context: str) -> dict[str, str]:
    """Tokens as they are stored: sealed, by which key, and when they were renewed."""
    opened = {"access": tokens.access_token, "refresh": tokens.refresh_token, "ends": to_text(tokens.ends)}
    sealed = rt.keys.seal(json.dumps(opened), context=context)
    return {"sealed_tokens": sealed, "sealed_by": rt.keys.key_id, "renewed_at": to_text(rt.clock.now())}


def unseal(rt: Runtime, sealed: str, context: str) -> Tokens:
    """The tokens in what was sealed; raises Misconfigured where it cannot be opened."""
    opened = json.loads(rt.keys.unseal(sealed, context=context))
    return Tokens(opened["access"], opened["refresh"], from_text(opened["ends"]))


class SealedTokens:
    """Where the tokens of one connection are kept; a vault as the sign-in needs it."""

    def __init__(self, rt: Runtime, connection_id: str) -> None:
        self._rt, self._key = rt, connection_id
        self._context = context_of(connection_id)

    def load(self) -> Kept | None:
        """What is kept now; None where nobody has signed in. Raises Misconfigured where it cannot be opened."""
        row = self._rt.tables[TABLE].find(PARTITION, self._key)
        if row is None:
            return None
        return Kept(unseal(self._rt, row["sealed_tokens"], self._context), row.etag or "")

    def save(self, tokens: Tokens, version: str) -> bool:
        """Keep other tokens instead of those of this version; False if somebody else was faster."""
        values = seal(self._rt, tokens, self._context)
        try:
            self._rt.tables[TABLE].merge(Row(PARTITION, self._key, values, version))
        except RowChanged:
            return False
        return True

    def replace(self, signed_in: SignedIn, begun_by: str) -> None:
        """Keep what a new sign-in brought, whatever was there."""
        now = to_text(self._rt.clock.now())
        about = {"account": signed_in.account, "object_id": signed_in.object_id, "signed_in_at": now}
        values = {**about, "begun_by": begun_by, **seal(self._rt, signed_in.tokens, self._context)}
        self._rt.tables[TABLE].upsert(Row(PARTITION, self._key, values))


def find_account(rt: Runtime, connection_id: str) -> Account | None:
    """Who signed in for a connection; None where nobody has."""
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    return fill(Account, row) if row else None
