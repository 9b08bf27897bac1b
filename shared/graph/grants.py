"""What an access token grants, as it says itself: only ever shown, never believed.

Graph's tokens are Graph's own business, and their form may change; so one that cannot be read is no error.
https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#token-ownership
"""

from __future__ import annotations

import base64
import json
from typing import Any


def find_grants(token: str) -> frozenset[str] | None:
    """The permissions in a token: ``roles`` of an app, ``scp`` of an account; None where it cannot be read.

    https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    """
    claims = _claims(token)
    if claims is None:
        return None
    roles, scopes = claims.get("roles"), claims.get("scp")
    granted = [each for each in roles if isinstance(each, str)] if isinstance(roles, list) else []
    return frozenset(granted + (scopes.split() if isinstance(scopes, str) else []))


def find_tenant(token: str) -> str:
    """The tenant that issued a token, by its claim ``tid``; empty where it cannot be read."""
    return str((_claims(token) or {}).get("tid") or "")


def _claims(token: str) -> dict[str, Any] | None:
    try:
        payload = token.split(".")[1]
        found: object = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return None
    return found if isinstance(found, dict) else None
