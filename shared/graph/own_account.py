"""The account that signed in, as it sees itself: who it is, by every address that it has."""

from __future__ import annotations

from shared.graph.client import GraphClient, Json

ADDRESS_FIELDS = "id,mail,userPrincipalName,proxyAddresses"


def get_me(client: GraphClient) -> Json:
    """Who signed in, with all addresses; needs ``User.Read``. https://learn.microsoft.com/en-us/graph/api/user-get"""
    return client.get("/me", params={"$select": ADDRESS_FIELDS})


def addresses_of(user: Json) -> frozenset[str]:
    """Every address of a user, in lower case: the one to sign in with, the primary one, and the aliases.

    Of its proxy addresses only those of SMTP are mail's. https://learn.microsoft.com/en-us/graph/api/resources/user
    """
    proxies = [str(each).partition(":") for each in user.get("proxyAddresses") or []]
    aliases = [address for kind, _, address in proxies if kind.lower() == "smtp"]
    return frozenset(each.lower() for each in (user.get("mail"), user.get("userPrincipalName"), *aliases) if each)
