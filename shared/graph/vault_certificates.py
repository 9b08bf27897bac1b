"""A certificate of Azure Key Vault, with its private key: the two forms that a vault gives it in, read to one.

https://learn.microsoft.com/en-us/azure/key-vault/certificates/about-certificates#exportable-or-non-exportable-key
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from shared.errors import BadInput

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PKCS12, PEM = "application/x-pkcs12", "application/x-pem-file"
FIELD = "vault_certificate"
_KEYLESS = "Let the certificate's policy in the vault say that its key can be exported, and make a new version of it."


def to_pem(value: str, content_type: str) -> str:
    """Private key and certificate as one PEM text; raises BadInput where a secret of a vault is no such pair.

    A vault adds the certificates of the issuers, in no order that one could rely on; they are left out.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - only where a vault has certificates
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    try:
        key, certificates = _read_pkcs12(value) if content_type == PKCS12 else _read_pem(value, content_type)
    except (ValueError, TypeError):
        cure = "Name a certificate of the vault, or a secret that holds one as PEM or PKCS #12."
        raise BadInput(FIELD, "The vault has something else than a certificate under this name.", cure) from None
    if key is None:
        raise BadInput(FIELD, "The vault does not give the private key of this certificate.", _KEYLESS)
    own = next((each for each in certificates if each.public_key() == key.public_key()), None)
    if own is None:
        raise BadInput(FIELD, "No certificate under this name belongs to its private key.", "Make a new version of it.")
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (text + own.public_bytes(Encoding.PEM)).decode()


def _read_pkcs12(value: str) -> tuple[Any, list[Certificate]]:
    """A vault gives it in base64 and without a password."""
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12  # noqa: PLC0415 - the same

    found = load_pkcs12(base64.b64decode(value, validate=True), None)
    own = [found.cert] if found.cert else []
    return found.key, [each.certificate for each in (*own, *found.additional_certs)]


def _read_pem(value: str, content_type: str) -> tuple[Any, list[Certificate]]:
    from cryptography import x509  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - the same

    if content_type not in (PEM, ""):
        raise ValueError(content_type)
    certificates = x509.load_pem_x509_certificates(value.encode())
    key = load_pem_private_key(value.encode(), password=None) if "PRIVATE KEY-----" in value else None
    return key, certificates
