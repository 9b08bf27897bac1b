"""How an app proves to Entra that it is itself: a client secret, a certificate, or a managed identity and no secret.

https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials
https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.clock import to_text
from shared.errors import BadInput
from shared.graph.errors import GraphBusy, SignInFailed
from shared.graph.limits import DEFAULT_RETRY_AFTER

if TYPE_CHECKING:
    import requests

    from shared.graph.clouds import Cloud

type Kind = Literal["secret", "certificate", "identity"]
type Proof = Any
"""What msal takes as ``client_credential``: a text, or a mapping."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN (?:RSA )?PRIVATE KEY-----.+?-----END (?:RSA )?PRIVATE KEY-----", re.DOTALL)
_FIELD = "certificate"
_HOW = "Paste one PEM text with the private key, without a password, and its certificate."


@dataclass(frozen=True, slots=True)
class Certificate:
    """What may be shown of a certificate. ``thumbprint``: SHA-1 in hexadecimal, as Entra shows it."""

    thumbprint: str
    ends_at: str


def make_proof(kind: Kind, secret: str, *, cloud: Cloud, identity: str, http: requests.Session) -> Proof:
    """The proof of an app. ``secret``: the client secret or the PEM text; ``identity``: client id of a managed one."""
    if kind == "secret":
        return secret
    if kind == "certificate":
        key, certificate = _KEY.search(secret), _CERTIFICATE.search(secret)
        assert key and certificate  # noqa: S101 - it was read when it was given
        return {"private_key": key[0], "public_certificate": certificate[0]}
    return {"client_assertion": lambda: _identity_token(cloud, identity, http)}


def read_certificate(pem: str) -> Certificate:
    """What a PEM text of private key and certificate holds; raises BadInput where it cannot be used to sign in."""
    from cryptography import x509  # noqa: PLC0415 - loaded only when somebody enters a certificate
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - the same

    key_text, certificate_text = _KEY.search(pem), _CERTIFICATE.search(pem)
    if key_text is None:
        raise BadInput(_FIELD, "There is no private key in it that opens without a password.", _HOW)
    if certificate_text is None:
        raise BadInput(_FIELD, "There is no certificate in it.", _HOW)
    try:
        key = load_pem_private_key(key_text[0].encode(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_text[0].encode())
    except (ValueError, TypeError):
        raise BadInput(_FIELD, "The private key or the certificate cannot be read.", _HOW) from None
    if not isinstance(key, RSAPrivateKey):  # the assertion is signed with PS256
        raise BadInput(_FIELD, "The private key is no RSA key, and Entra takes no other.", "Make an RSA certificate.")
    if key.public_key() != certificate.public_key():
        raise BadInput(
            _FIELD, "The private key does not belong to the certificate.", "Use a pair that belongs together."
        )
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - it names, it does not protect
    return Certificate(thumbprint, to_text(certificate.not_valid_after_utc))


def _identity_token(cloud: Cloud, identity: str, http: requests.Session) -> str:
    """The token of this app's own managed identity, which the app registration trusts.

    Raises SignInFailed where there is no such identity, GraphBusy where nobody answers for identities.
    """
    import msal  # noqa: PLC0415 - loaded by the first sign-in anyhow

    who = msal.UserAssignedManagedIdentity(client_id=identity) if identity else msal.SystemAssignedManagedIdentity()
    try:
        answer = msal.ManagedIdentityClient(who, http_client=http).acquire_token_for_client(resource=cloud.exchange)
    except OSError as failure:
        cause = f"The endpoint for managed identities does not answer: {type(failure).__name__}."
        cure = "It is tried again by itself. If it goes on: is an identity assigned to the app at all?"
        raise GraphBusy(503, "identityUnavailable", cause, retry_after=DEFAULT_RETRY_AFTER, cure=cure) from failure
    except ValueError as failure:  # also the base of msal's own
        answer = {"error_description": type(failure).__name__}
    if "access_token" not in answer:
        cause = f"This app has no managed identity that gives tokens: {answer.get('error_description') or 'no answer'}"
        raise SignInFailed("no_identity", cause, "Assign the identity to the app, and set AZURE_CLIENT_ID to its id.")
    return str(answer["access_token"])
