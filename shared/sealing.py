"""Signing and sealing with keys derived from the one ``SECRET_KEY``.

Each purpose has a key of its own (HKDF, RFC 5869), so that a signature made for one can never pass for another.
"""

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Literal

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Purpose = Literal["client-state", "ticket-tag", "continuation"]

_NONCE_BYTES = 12
_VERSION = b"\x01"


class Keys:
    """The keys derived from one secret of 32 bytes, given in base64."""

    def __init__(self, secret_key: str) -> None:
        self._secret = base64.b64decode(secret_key)

    def sign(self, purpose: Purpose, text: str) -> bytes:
        """The 32 bytes of HMAC-SHA256 over ``text`` under the key of this purpose."""
        return hmac.digest(self._derived(purpose), text.encode(), hashlib.sha256)

    def seal(self, secret: str, *, context: str) -> str:
        """Encrypt a secret (AES-256-GCM); it opens only in the same context, such as ``connection/ID``."""
        import secrets  # noqa: PLC0415 - kept off the webhook's cold path

        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, secret.encode(), context.encode())
        return base64.b64encode(_VERSION + nonce + sealed).decode()

    def unseal(self, sealed: str, *, context: str) -> str:
        """Decrypt what ``seal`` made; raises Misconfigured where the key or the context is another."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - kept off the webhook's cold path

        data = base64.b64decode(sealed)
        nonce, body = data[1 : 1 + _NONCE_BYTES], data[1 + _NONCE_BYTES :]
        try:
            return self._cipher().decrypt(nonce, body, context.encode()).decode()
        except (InvalidTag, ValueError):
            raise Misconfigured(
                "A stored secret cannot be opened with the present SECRET_KEY.",
                "Restore the former SECRET_KEY, or enter the secret of the connection again.",
            ) from None

    def _derived(self, purpose: str) -> bytes:
        extracted = hmac.digest(b"deskbridge", self._secret, hashlib.sha256)
        return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 15 ms, not for the webhook

        return AESGCM(self._derived("stored-secret"))
