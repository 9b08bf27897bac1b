"""Signing and sealing with keys derived from ``SECRET_KEY``, and, while that is being changed, from the one before it.

Each purpose has a key of its own (HKDF, RFC 5869), so that a signature made for one can never pass for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Purpose = Literal["client-state", "ticket-tag", "continuation"]
Opener = Literal["present", "former"]

_NONCE_BYTES = 12
_KEY_ID_BYTES = 4
_WITHOUT_KEY_ID, _WITH_KEY_ID = b"\x01", b"\x02"
"""The first byte of what is sealed; all that is sealed today names its key."""


class _Key:
    """What is derived from one secret of 32 bytes. ``key_id`` tells it from others, and gives nothing of it away."""

    def __init__(self, name: Opener, secret_key: str) -> None:
        self.name = name
        self._extracted = hmac.digest(b"deskbridge", base64.b64decode(secret_key), hashlib.sha256)
        self.key_id = self._derived("key-id")[:_KEY_ID_BYTES]

    def sign(self, purpose: Purpose, text: str) -> bytes:
        return hmac.digest(self._derived(purpose), text.encode(), hashlib.sha256)

    def cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 15 ms, not for the webhook

        return AESGCM(self._derived("stored-secret"))

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self._extracted, purpose.encode() + b"\x01", hashlib.sha256)


class Keys:
    """Signs and seals with the present key; believes and opens what the former one signed and sealed, too.

    Both are 32 bytes in base64; ``former`` is empty where there is none.
    """

    def __init__(self, secret_key: str, former: str = "") -> None:
        self._present = _Key("present", secret_key)
        self._all = (self._present, _Key("former", former)) if former else (self._present,)

    @property
    def key_id(self) -> str:
        """What the present key is called wherever something was made with it; no secret."""
        return self._present.key_id.hex()

    @property
    def has_former(self) -> bool:
        """Whether a former key is set."""
        return len(self._all) > 1

    def sign(self, purpose: Purpose, text: str) -> bytes:
        """The 32 bytes of HMAC-SHA256 over ``text`` under the present key of this purpose."""
        return self._present.sign(purpose, text)

    def is_genuine(self, purpose: Purpose, text: str, signature: str, shown: Callable[[bytes], str]) -> bool:
        """Whether this ASCII signature is ours, by either key. ``shown``: how the bytes of ``sign`` are written.

        In constant time: every key is tried, whichever it was.
        """
        found = [hmac.compare_digest(shown(key.sign(purpose, text)), signature) for key in self._all]
        return any(found)

    def seal(self, secret: str, *, context: str) -> str:
        """Encrypt a secret (AES-256-GCM); it opens only in the same context, such as ``connection/ID``."""
        import secrets  # noqa: PLC0415 - kept off the webhook's cold path

        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._present.cipher().encrypt(nonce, secret.encode(), context.encode())
        return base64.b64encode(_WITH_KEY_ID + self._present.key_id + nonce + sealed).decode()

    def unseal(self, sealed: str, *, context: str) -> str:
        """Decrypt what ``seal`` made; raises Misconfigured where no key opens it, or the context is another."""
        for _, opened in self._open(sealed, context):
            return opened
        raise Misconfigured(
            "A stored secret opens neither with the present SECRET_KEY nor with a former one.",
            "Set FORMER_SECRET_KEY to the key it was sealed with, or enter the secret, or sign in, again.",
        )

    def find_opener(self, sealed: str, *, context: str) -> Opener | None:
        """Which key opens this; None where none does."""
        return next((name for name, _ in self._open(sealed, context)), None)

    def _open(self, sealed: str, context: str) -> Iterator[tuple[Opener, str]]:
        """What it holds, by the key that opens it; nothing where none does."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - kept off the webhook's cold path

        try:
            key_id, body = _parse(base64.b64decode(sealed))
        except ValueError:
            return
        for key in self._all:
            if key_id in (b"", key.key_id):
                try:
                    opened = key.cipher().decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], context.encode()).decode()
                except (InvalidTag, ValueError):
                    continue
                yield key.name, opened


def _parse(data: bytes) -> tuple[bytes, bytes]:
    """The id of the key, empty where it was sealed before keys had ids, and the rest; raises ValueError."""
    version, rest = data[:1], data[1:]
    if version == _WITHOUT_KEY_ID:
        return b"", rest
    if version == _WITH_KEY_ID:
        return rest[:_KEY_ID_BYTES], rest[_KEY_ID_BYTES:]
    raise ValueError("This was not sealed by us.")
