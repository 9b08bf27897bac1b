"""Callers of the admin API as Entra and App Service Authentication tell of them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from tests.world import CLIENT, TENANT, World

API = "33333333-3333-4333-8333-333333333333"
PERSON = "44444444-4444-4444-8444-444444444444"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
BY_TOKEN = {"ADMIN_AUTH": "bearer", "ADMIN_TENANT_ID": TENANT, "ADMIN_CLIENT_ID": API, "ADMIN_KEY": ""}
BY_EASYAUTH = {
    "ADMIN_AUTH": "easyauth",
    "ADMIN_TENANT_ID": TENANT,
    "WEBSITE_SKU": "FlexConsumption",
    "WEBSITE_AUTH_ENABLED": "True",
}


def claims(world: World, *roles: str, **changed: Any) -> dict[str, Any]:
    """What Entra writes into an access token for a person; a claim that is changed to None is left out."""
    now = int(world.clock.now().timestamp())
    usual = {
        "ver": "2.0",
        "iss": ISSUER,
        "aud": API,
        "tid": TENANT,
        "oid": PERSON,
        "sub": "a-pairwise-subject",
        "azp": CLIENT,
        "scp": "access",
        "name": "Grace Hopper",
        "preferred_username": "grace@contoso.com",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "roles": [*roles],
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def signed_in(world: World, *roles: str, **changed: Any) -> dict[str, str]:
    """The header of somebody with these roles, their token signed by Entra."""
    return bearer(world.emulator.sign(claims(world, *roles, **changed)))


def principal(*roles: str, provider: str = "aad", tenant: str | None = TENANT, person: str | None = PERSON) -> Any:
    """What App Service Authentication tells of somebody.

    https://learn.microsoft.com/en-us/azure/app-service/configure-authentication-user-identities
    """
    known = {
        "http://schemas.microsoft.com/identity/claims/tenantid": tenant,
        "http://schemas.microsoft.com/identity/claims/objectidentifier": person,
        "name": "Grace Hopper",
        "preferred_username": "grace@contoso.com",
    }
    found = [{"typ": name, "val": value} for name, value in known.items() if value is not None]
    return {
        "auth_typ": provider,
        "name_typ": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "role_typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
        "claims": [*found, *({"typ": "roles", "val": role} for role in roles)],
    }


def by_easyauth(told: Any) -> dict[str, str]:
    """The header that carries a principal."""
    return {"X-MS-CLIENT-PRINCIPAL": b64encode(json.dumps(told).encode()).decode()}
