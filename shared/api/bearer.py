"""Callers who send an access token that Entra issued for this API: people through a client app, or apps themselves."""

from collections.abc import Mapping

from shared.api.roles import Caller, entitle
from shared.errors import Unauthorized
from shared.runtime import Runtime


def identify(rt: Runtime, headers: Mapping[bytes, bytes]) -> Caller:
    """Whom the token was issued to; raises Unauthorized, Forbidden for who has no role here, Later if Entra is away."""
    if not (rt.settings.admin_tenant_id and rt.settings.admin_client_id):
        raise Unauthorized(
            "The app has no ADMIN_TENANT_ID or no ADMIN_CLIENT_ID, so nobody may use this API.",
            "Set both and restart.",
        )
    scheme, _, token = headers.get(b"authorization", b"").decode("ascii", "replace").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized(
            "The header Authorization with a bearer token is missing.",
            "Get an access token for the app registration of this API, and send it.",
        )
    claims = rt.admin_tokens.check(token.strip())
    names = (claims.get(each) for each in ("name", "preferred_username", "azp"))
    roles = claims.get("roles")
    return entitle(next(filter(None, names), ""), claims["oid"], roles if isinstance(roles, list) else [])
