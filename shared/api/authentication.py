"""Who may use the admin API: holders of its key; on a developer's machine anybody. What is unclear is refused."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader

from shared.errors import Unauthorized
from shared.settings import Settings

HEADER = "X-API-Key"
SCOPE_NAME = "deskbridge.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may use the API; ``name`` is what the log of changes calls them."""

    name: str


def identify(settings: Settings, headers: Mapping[bytes, bytes]) -> Caller:
    """Who sends a request with these headers (names in lower case); raises Unauthorized."""
    if settings.admin_auth == "dev" and not settings.in_azure:
        return Caller("dev")
    expected = settings.admin_key.get_secret_value().encode()
    if not expected:
        raise Unauthorized("The app has no ADMIN_KEY, so nobody may use this API.", "Set ADMIN_KEY and restart.")
    given = headers.get(HEADER.lower().encode(), b"")
    if not hmac.compare_digest(given, expected):
        cause = f"The key in the header {HEADER} is wrong." if given else f"The header {HEADER} is missing."
        raise Unauthorized(cause, "Send the value of the setting ADMIN_KEY.")
    return Caller("key")


_key = APIKeyHeader(name=HEADER, scheme_name="key", auto_error=False, description="The value of ADMIN_KEY.")


def admitted(request: Request, _given: Annotated[str | None, Security(_key)]) -> Caller:
    """The caller whom the gate let in; a request that came past no gate is refused."""
    caller = request.scope.get(SCOPE_NAME)
    if not isinstance(caller, Caller):
        raise Unauthorized("The caller is not known.", "Report this: the API was reached without its gate.")
    return caller
