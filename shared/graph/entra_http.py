"""Entra over HTTP, as msal asks for it.

Msal keeps no status of an answer: to it, an Entra that is throttling, and a page of some gateway where the addresses of
a tenant should be, look like a refusal of the tenant. A refusal ends a connection until a person mends it, so such
answers never get to msal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.graph.errors import sign_in_failure
from shared.graph.limits import CONNECT_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    import requests

_PASSES = (408, 429)
"""A 4xx that is no refusal. Msal sees to the 5xx by itself.
https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application"""


class EntraHttp:
    """The ``http_client`` of msal. https://learn.microsoft.com/en-us/python/api/msal/msal.application.clientapplication"""

    def __init__(self, http: requests.Session) -> None:
        self._http = http

    def get(self, url: str, **options: Any) -> requests.Response:
        """Read what is always JSON; raises GraphBusy where it is not."""
        answer = self._carry("GET", url, options)
        if answer.status_code == 200 and not _is_json(answer):
            raise _away("answered with something that is no JSON")
        return answer

    def post(self, url: str, **options: Any) -> requests.Response:
        """Ask for tokens; raises GraphBusy."""
        return self._carry("POST", url, options)

    def close(self) -> None:
        """Leave it open: others use the session, too."""

    def _carry(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        answer = self._http.request(method, url, **{"timeout": (CONNECT_SECONDS, READ_SECONDS), **options})
        if answer.status_code in _PASSES:
            raise _away(f"answered {answer.status_code}")
        return answer


def _is_json(answer: requests.Response) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _away(how: str) -> Exception:
    return sign_in_failure({"error": "signInUnavailable", "error_description": f"Entra {how}."})
