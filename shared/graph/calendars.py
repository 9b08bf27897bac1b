"""Calendars of who signed in, as far as trying them needs it."""

from __future__ import annotations

from shared.graph.client import GraphClient, Json


def list_own(client: GraphClient, mailbox: str, *, top: int) -> list[Json]:
    """The first calendars of the account, in Graph's order; ``mailbox``: its address, whose limits count.

    https://learn.microsoft.com/en-us/graph/api/user-list-calendars
    """
    params = {"$select": "id,name", "$top": str(top)}
    return list(client.get("/me/calendars", params=params, mailbox=mailbox).get("value", []))
