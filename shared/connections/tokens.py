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
        opened = json.loads(self._rt.keys.unseal(row["sealed_tokens"], context=self._context))
        return Kept(Tokens(opened["access"], opened["refresh"], from_text(opened["ends"])), row.etag or "")

    def save(self, tokens: Tokens, version: str) -> bool:
        """Keep other tokens instead of those of this version; False if somebody else was faster."""
        values = {"sealed_tokens": self._sealed(tokens), "renewed_at": to_text(self._rt.clock.now())}
        try:
            self._rt.tables[TABLE].merge(Row(PARTITION, self._key, values, version))
        except RowChanged:
            return False
        return True

    def replace(self, signed_in: SignedIn, begun_by: str) -> None:
        """Keep what a new sign-in brought, whatever was there."""
        now = to_text(self._rt.clock.now())
        about = {"account": signed_in.account, "object_id": signed_in.object_id, "signed_in_at": now}
        values = {**about, "begun_by": begun_by, "sealed_tokens": self._sealed(signed_in.tokens), "renewed_at": now}
        self._rt.tables[TABLE].upsert(Row(PARTITION, self._key, values))

    def _sealed(self, tokens: Tokens) -> str:
        opened = {"access": tokens.access_token, "refresh": tokens.refresh_token, "ends": to_text(tokens.ends)}
        return self._rt.keys.seal(json.dumps(opened), context=self._context)


def find_account(rt: Runtime, connection_id: str) -> Account | None:
    """Who signed in for a connection; None where nobody has."""
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    return fill(Account, row) if row else None
