"""Who may use the admin API, by one of four ways (``ADMIN_AUTH``). What is unclear is refused.

``key``: holders of the app's own key. ``bearer``: access tokens of Entra. ``easyauth``: whom App Service Authentication
signed in before us. ``dev``: anybody, on a developer's machine.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from shared import log, runtime
from shared.api import bearer, principal
from shared.api.roles import Caller, Role, find_needed, is_set_up
from shared.connections import grants
from shared.errors import Forbidden, Unauthorized
from shared.runtime import Runtime

HEADER = "X-API-Key"
SCOPE_NAME = "deskbridge.caller"


def identify(rt: Runtime, headers: Mapping[bytes, bytes]) -> Caller:
    """Who sends a request with these headers (names in lower case); raises Unauthorized, Forbidden.

    A refusal is logged and not stored: whoever knocks must not be able to fill our tables.
    """
    way = rt.settings.admin_auth
    try:
        return _WAYS[way](rt, headers)
    except (Unauthorized, Forbidden) as refusal:
        log.warning("api.refused", way=way, reason=refusal.cause)
        raise


def _by_key(rt: Runtime, headers: Mapping[bytes, bytes]) -> Caller:
    expected = rt.settings.admin_key.get_secret_value().encode()
    if not expected:
        raise Unauthorized("The app has no ADMIN_KEY, so nobody may use this API.", "Set ADMIN_KEY and restart.")
    given = headers.get(HEADER.lower().encode(), b"")
    if not hmac.compare_digest(given, expected):
        cause = f"The key in the header {HEADER} is wrong." if given else f"The header {HEADER} is missing."
        raise Unauthorized(cause, "Send the value of the setting ADMIN_KEY.")
    return Caller("key", Role.ADMIN)


def _anybody(rt: Runtime, _headers: Mapping[bytes, bytes]) -> Caller:
    if rt.settings.in_azure:
        raise Unauthorized("ADMIN_AUTH is dev, which is for a developer's machine.", "Set ADMIN_AUTH to another way.")
    return Caller("dev", Role.ADMIN)


_WAYS: Mapping[str, Callable[[Runtime, Mapping[bytes, bytes]], Caller]] = {
    "key": _by_key,
    "bearer": bearer.identify,
    "easyauth": principal.identify,
    "dev": _anybody,
}

_key = APIKeyHeader(name=HEADER, scheme_name="key", auto_error=False, description="The value of ADMIN_KEY.")
_token = HTTPBearer(
    bearerFormat="JWT", scheme_name="bearer", auto_error=False, description="An access token of Entra for this API."
)


def admitted(
    request: Request, _given: Annotated[object, Security(_key)], _or: Annotated[object, Security(_token)]
) -> Caller:
    """The caller whom the gate let in, if the route is for their role.

    Raises Unauthorized for a request that came past no gate, Forbidden where the route does not say which role it
    takes, or where theirs is too low and the connection was not given to them to set it up.
    """
    caller = request.scope.get(SCOPE_NAME)
    if not isinstance(caller, Caller):
        raise Unauthorized("The caller is not known.", "Report this: the API was reached without its gate.")
    needed = find_needed(request.scope["route"].openapi_extra)
    if needed is None:
        raise Forbidden("This route names no role that may use it.", "Report this: it is a defect.")
    if caller.role < needed and not _sets_up(request, caller):
        log.warning("api.role_too_low", who=caller.object_id, needed=needed.claim, role=caller.role.claim)
        raise Forbidden(f"This takes the role {needed.claim}, yours is {caller.role.claim}.", "Ask for that role.")
    return caller


def _sets_up(request: Request, caller: Caller) -> bool:
    """Whether the route makes or sets up a connection, and the caller may: any, or this one."""
    if not is_set_up(request.scope["route"].openapi_extra):
        return False
    return caller.connects or _was_given(request.path_params.get("connection_id", ""), caller)


def _was_given(connection_id: str, caller: Caller) -> bool:
    """Whether a connection was given to this operator to set it up."""
    if caller.role < Role.OPERATOR or not connection_id:
        return False
    wanted = (caller.object_id, grants.SET_UP)
    return any((each.object_id, each.access) == wanted for each in grants.get(runtime.current(), connection_id))
