"""Callers whom App Service Authentication ("EasyAuth") signed in: it tells of them in a header that it alone can set.

Where it does not stand in front of the app anybody could write that header, so there it is not believed.
https://learn.microsoft.com/en-us/azure/app-service/configure-authentication-user-identities
"""

from base64 import b64decode
from collections.abc import Mapping

from pydantic import BaseModel

from shared.api.roles import Caller, entitle
from shared.errors import Forbidden, Unauthorized
from shared.runtime import Runtime

HEADER = b"x-ms-client-principal"
PROVIDER = "aad"
"""Entra. Other identity providers may be switched on beside it; their claims are not about our tenant."""

_TENANT = ("http://schemas.microsoft.com/identity/claims/tenantid", "tid")
_OBJECT = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_NAMES = ("name", "preferred_username", "azp", "appid")
"""Each claim by the names that it is known to come under: the long ones where claims are mapped, as is the default."""


class _Claim(BaseModel):
    typ: str
    val: str


class _Principal(BaseModel):
    auth_typ: str
    claims: list[_Claim]

    def values(self, names: tuple[str, ...]) -> list[str]:
        """All values of the claims of these names, in the order of the names."""
        return [each.val for name in names for each in self.claims if each.typ == name]


def identify(rt: Runtime, headers: Mapping[bytes, bytes]) -> Caller:
    """Whom the header names; raises Unauthorized, and Forbidden for who has no role here."""
    if not rt.settings.behind_easyauth:
        raise Unauthorized(
            "App Service Authentication does not stand in front of this app, so its header is not believed.",
            "Switch it on for the function app, or set ADMIN_AUTH to another way.",
        )
    if not rt.settings.admin_tenant_id:
        raise Unauthorized("The app has no ADMIN_TENANT_ID, so nobody may use this API.", "Set it and restart.")
    _check_origin(rt, headers)
    found = _read(headers.get(HEADER, b""))
    if found.auth_typ != PROVIDER or set(found.values(_TENANT)) != {rt.settings.admin_tenant_id}:
        raise Unauthorized("You are not signed in to the tenant of this app.", "Sign in with an account of it.")
    people = set(found.values(_OBJECT))
    if len(people) != 1:
        raise Unauthorized("The sign-in does not say which account it is.", "Sign out and in again.")
    [object_id] = people
    return entitle(next(iter(found.values(_NAMES)), object_id), object_id, found.values(_ROLES))


def _check_origin(rt: Runtime, headers: Mapping[bytes, bytes]) -> None:
    """Refuse what a page of another site sends: the browser adds the cookie of the sign-in to that, too.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Origin
    """
    origin = headers.get(b"origin", b"").decode("ascii", "replace")
    if origin and origin not in rt.settings.origins:
        raise Forbidden(
            "A page of another site sent this request.", "Send it from a page of this app, or from a program."
        )


def _read(header: bytes) -> _Principal:
    if not header:
        raise Unauthorized("You are not signed in.", "Sign in with an account of the tenant of this app.")
    try:
        return _Principal.model_validate_json(b64decode(header, validate=True))
    except ValueError:  # no base64, no JSON, or JSON of another shape
        raise Unauthorized("The sign-in cannot be read.", "Sign out and in again.") from None
