"""How an app proves itself at the token endpoint: by secret, by certificate, or by the token of a managed identity.

https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials
https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from dev.graph.wire import GraphError, Request, Response

if TYPE_CHECKING:
    from jwt.types import Options

    from dev.graph.clock import Clock
    from dev.graph.world import App

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE_AUDIENCES = (
    "api://AzureADTokenExchange",
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
)
IDENTITY_HOST, IDENTITY_PATH = "identity.local", "/msi/token"
_LIFETIME_SECONDS = 24 * 3600
_SKEW_SECONDS = 300


class ProofRefused(Exception):
    """``number``: of the AADSTS error; all are ``invalid_client``, 401."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message


@dataclass(frozen=True)
class Assertion:
    """What a managed identity's token says. ``steady_end``: its end on a steady clock, as who caches it counts."""

    issuer: str
    subject: str
    audience: str
    expires: float
    steady_end: float


class ClientProofs:
    """Checks proofs, and gives managed identities theirs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._identities: dict[str, tuple[str, str]] = {}
        self._given: dict[str, Assertion] = {}

    def add_identity(self, tenant_id: str, client_id: str, principal_id: str) -> tuple[str, str]:
        """A user-assigned managed identity of this host; issuer and subject of its tokens, to be trusted by an app."""
        self._identities[client_id.lower()] = f"https://login.microsoftonline.com/{tenant_id}/v2.0", principal_id
        return self._identities[client_id.lower()]

    def check(self, app: App, form: dict[str, str], audiences: tuple[str, ...]) -> None:
        """Whether a request for a token proves to come from ``app``; raises ProofRefused."""
        if form.get("client_assertion_type") == ASSERTION_TYPE and "client_assertion" in form:
            given = self._given.get(form["client_assertion"])
            return self._check_federated(app, given) if given else self._check_signed(app, form, audiences)
        return self._check_secret(app, form)

    def principal_of(self, client_id: str) -> str:
        """The object id of a managed identity, which roles are given to."""
        return self._identities[client_id.lower()][1]

    def find_bearer(self, token: str) -> Assertion | None:
        """What a token of an identity says, while it holds."""
        given = self._given.get(token)
        return given if given and time.monotonic() < given.steady_end else None

    def give_token(self, request: Request) -> Response:
        """The host's own endpoint for the tokens of its identities.

        https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference
        """
        if "x-identity-header" not in request.headers:
            raise GraphError(401, "Unauthorized", "The header X-IDENTITY-HEADER is missing.")
        asked = request.options
        identity, resource = self._identities.get(asked.get("client_id", "").lower()), asked.get("resource", "")
        if identity is None or not resource:
            return Response(
                400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found."}
            )
        expires = self._clock.now().timestamp() + _LIFETIME_SECONDS
        token = _identity_token(*identity, resource, expires)
        self._given[token] = Assertion(*identity, resource, expires, time.monotonic() + _LIFETIME_SECONDS)
        about = {"expires_on": str(int(expires)), "resource": resource, "token_type": "Bearer"}
        return Response(200, {"access_token": token, **about})

    def _check_secret(self, app: App, form: dict[str, str]) -> None:
        if "client_secret" not in form:
            raise ProofRefused(7000218, "The request body must contain: 'client_assertion' or 'client_secret'.")
        if not compare_digest(app.secret.encode(), form["client_secret"].encode()):
            raise ProofRefused(
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{app.client_id}'.",
            )
        if app.secret_expires is not None and app.secret_expires <= self._clock.now():
            raise ProofRefused(7000222, f"The provided client secret keys for app '{app.client_id}' are expired.")

    def _check_federated(self, app: App, given: Assertion) -> None:
        if given.audience not in EXCHANGE_AUDIENCES:
            raise ProofRefused(700212, f"No matching federated identity record found for audience '{given.audience}'.")
        if (given.issuer, given.subject) not in app.federated:
            raise ProofRefused(700213, f"No matching federated identity record found for subject '{given.subject}'.")
        if given.expires <= self._clock.now().timestamp():
            raise ProofRefused(700024, "Client assertion is not within its valid time range.")

    def _check_signed(self, app: App, form: dict[str, str], audiences: tuple[str, ...]) -> None:
        certificate = _find_certificate(app, form["client_assertion"])
        claims = _verified(form["client_assertion"], certificate)
        if {claims.get("iss"), claims.get("sub")} != {app.client_id}:
            raise ProofRefused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
        if claims.get("aud") not in audiences:
            raise ProofRefused(700023, "Client assertion audience claim does not match Realm issuer.")
        now = self._clock.now()
        if certificate.not_valid_after_utc <= now or certificate.not_valid_before_utc > now:
            raise ProofRefused(700027, "The key used to sign the client assertion is expired or not valid yet.")
        _check_times(claims)


def _identity_token(issuer: str, subject: str, resource: str, expires: float) -> str:
    """A token of a managed identity, in form: who gets it here knows it again, or believes what it says (Azurite)."""
    tenant = issuer.split("/")[3]
    claims = {
        "aud": resource,
        "iss": issuer if resource in EXCHANGE_AUDIENCES else f"https://sts.windows.net/{tenant}/",
        "sub": subject,
        "oid": subject,
        "tid": tenant,
        "iat": int(time.time()),
        "nbf": int(time.time()) - _SKEW_SECONDS,
        "exp": int(expires),
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(claims, secrets.token_bytes(32), algorithm="HS256")


def _find_certificate(app: App, assertion: str) -> x509.Certificate:
    """The certificate that the assertion names by its thumbprint."""
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError:
        raise ProofRefused(50027, "JWT token is invalid or malformed.") from None
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        der = certificate.public_bytes(Encoding.DER)
        marks = {"x5t": hashlib.sha1(der), "x5t#S256": hashlib.sha256(der)}  # noqa: S324 - the header that RFC 7515 names
        if any(str(header.get(name)).rstrip("=") == _encoded(mark.digest()) for name, mark in marks.items()):
            return certificate
    raise ProofRefused(700027, "The certificate used to sign the client assertion is not registered on application.")


def _verified(assertion: str, certificate: x509.Certificate) -> dict[str, Any]:
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)  # noqa: S101 - Entra takes no other kind
    unchecked: Options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options=unchecked)
    except jwt.PyJWTError:
        raise ProofRefused(700027, "Client assertion contains an invalid signature.") from None
    return claims


def _check_times(claims: dict[str, Any]) -> None:
    """By the machine's clock, which msal stamps assertions with, however far the emulator's was moved."""
    now, begins, ends = time.time(), float(claims.get("nbf", claims.get("iat", 0))), float(claims.get("exp", 0))
    if not begins - _SKEW_SECONDS <= now < ends + _SKEW_SECONDS or ends - begins > _LIFETIME_SECONDS:
        raise ProofRefused(700024, "Client assertion is not within its valid time range.")


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).decode().rstrip("=")
