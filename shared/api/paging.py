"""Long lists in pages: where to go on is an opaque, signed token, good only for the list that gave it out."""

import base64
import json
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.api.values import Input, Output
from shared.errors import BadInput
from shared.sealing import Keys

_SIGNATURE_BYTES = 16

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,300}\.[A-Za-z0-9_-]{22}$")]


class Paged(Input):
    """A query for a list. ``after``: the ``next`` of the page before, with all other values as they were."""

    limit: int = Field(default=50, ge=1, le=500, description="How many items at most.")
    after: Token | None = Field(default=None, description="The `next` of the page before.")


class Page[Item](Output):
    """Some items of a list; ``next`` leads to those that follow, and is null on the last page.

    A page may hold fewer items than asked for, even none, and still have a ``next``.
    """

    items: list[Item]
    next: str | None = None


class Everything[Item](Output):
    """All items of a short list."""

    items: list[Item]


def make_token(keys: Keys, listing: str, query: Paged, position: str | int | None) -> str | None:
    """The token to go on behind ``position`` in a list, None where the list has ended."""
    if position is None:
        return None
    payload = _encode(json.dumps(position).encode())
    return f"{payload}.{_shown(keys.sign('continuation', _signed(listing, query, payload)))}"


def read_position(keys: Keys, listing: str, query: Paged) -> str | int | None:
    """The position that a query goes on behind, None at the beginning; raises BadInput."""
    if query.after is None:
        return None
    payload, _, signature = query.after.partition(".")
    if not keys.is_genuine("continuation", _signed(listing, query, payload), signature, _shown):
        raise BadInput(
            "after", "This is no `next` of this very list.", "Ask for the first page, and change no filter on the way."
        )
    position: str | int = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return position


def _signed(listing: str, query: Paged, payload: str) -> str:
    return f"{listing}\n{query.model_dump_json(exclude={'limit', 'after'})}\n{payload}"


def _shown(signature: bytes) -> str:
    return _encode(signature[:_SIGNATURE_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
