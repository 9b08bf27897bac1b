"""Users of a tenant, as far as choosing a mailbox needs them. https://learn.microsoft.com/en-us/graph/api/user-list"""

from __future__ import annotations

from shared.graph.client import GraphClient, Json

USER_FIELDS = "id,displayName,mail,userPrincipalName"


def list_users(client: GraphClient, *, starts_with: str = "", top: int = 50) -> list[Json]:
    """The first users, in Graph's order, whose name or address begins with a text; needs ``User.Read.All``."""
    params = {"$select": USER_FIELDS, "$top": str(top)}
    if starts_with:
        text = starts_with.replace("'", "''")
        params["$filter"] = f"startswith(displayName,'{text}') or startswith(mail,'{text}')"
    return list(client.get("/users", params=params).get("value", []))
