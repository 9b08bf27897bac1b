"""Tokens for Microsoft Graph, by msal, which keeps and renews them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import msal
import requests
from msal.exceptions import MsalServiceError

from shared.graph.entra_http import EntraHttp
from shared.graph.errors import sign_in_failure
from shared.graph.limits import RENEW_TOKEN_WHEN_LEFT
from shared.graph.proofs import make_proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.clock import Clock
    from shared.graph.clouds import Cloud
    from shared.graph.proofs import Kind


@dataclass(frozen=True, slots=True)
class Credentials:
    """An app registration in a tenant, and how it proves itself.

    ``secret``: the client secret, or private key and certificate as one PEM text; ``identity``: the client id of the
    managed identity, empty for the system-assigned one.
    """

    tenant_id: str
    client_id: str
    kind: Kind
    secret: str
    identity: str
    cloud: Cloud

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Credentials({self.tenant_id}, {self.client_id}, {self.cloud.name})"


class SignIn:
    """Application permissions (the client credentials grant).

    https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """

    def __init__(self, credentials: Credentials, http: requests.Session, clock: Clock) -> None:
        self._credentials, self._http, self._clock = credentials, http, clock
        self._lock = Lock()
        self._app: msal.ConfidentialClientApplication | None = None
        self._token, self._good_until = "", 0.0

    def token(self) -> str:
        """An access token that is valid for minutes at least; raises SignInFailed, or GraphBusy if Entra is away."""
        with self._lock:
            if self._clock.steady() >= self._good_until:
                self._renew()
            return self._token

    def forget(self) -> None:
        """Do not use the present token again: Graph refused it."""
        with self._lock:
            self._app, self._good_until = None, 0.0

    def _renew(self) -> None:
        """Ask msal; it has a cache of its own, but looks it up at 0.5 ms a request."""
        answer = self._ask()
        if "access_token" not in answer:
            raise sign_in_failure(answer)
        self._token = str(answer["access_token"])
        self._good_until = self._clock.steady() + float(answer.get("expires_in", 0)) - RENEW_TOKEN_WHEN_LEFT

    def _ask(self) -> dict[str, Any]:
        with asking_entra():
            self._app = self._app or open_app(self._credentials, self._http)
            answer: dict[str, Any] = self._app.acquire_token_for_client([self._credentials.cloud.scope])
        return answer


def open_app(credentials: Credentials, http: requests.Session) -> msal.ConfidentialClientApplication:
    """The app registration as msal knows it; asks Entra for the addresses of the tenant."""
    given, cloud = credentials, credentials.cloud
    return msal.ConfidentialClientApplication(
        given.client_id,
        client_credential=make_proof(given.kind, given.secret, cloud=cloud, identity=given.identity, http=http),
        authority=f"{cloud.authority}/{given.tenant_id}",
        http_client=EntraHttp(http),
        instance_discovery=cloud.known,
    )


@contextmanager
def asking_entra() -> Iterator[None]:
    """Call by their names what keeps msal from an answer; raises SignInFailed, GraphBusy."""
    try:
        yield
    except json.JSONDecodeError as error:  # a page of some gateway, or half an answer; msal passes both on as they are
        raise _unavailable(error) from None
    except ValueError as error:  # msal's word for an authority that refuses the tenant (a 400 or 404 at its discovery)
        raise sign_in_failure({"error": "invalid_tenant"}) from error
    except (requests.RequestException, MsalServiceError) as error:  # a 5xx, of which msal keeps no words
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> Exception:
    reason = f"Entra could not be reached: {type(error).__name__}."
    return sign_in_failure({"error": "signInUnavailable", "error_description": reason})
