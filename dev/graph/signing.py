"""Tokens that an app can really check: signed with RS256 by a key of the emulator's, published as Entra's is.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-tokens
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

_KEY_BITS = 2048
_EXPONENT = 65537


class Signer:
    """One RSA key, made when it is first needed."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JWT with exactly these claims; the times in it are the caller's to set."""
        head = {"typ": "JWT", "alg": "RS256", "kid": self.kid}
        signed = f"{_part(head)}.{_part(claims)}"
        return f"{signed}.{_encode(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def jwks(self) -> dict[str, Any]:
        """The public key as Entra publishes its own, at `/TENANT/discovery/v2.0/keys`."""
        return {"keys": [{"kty": "RSA", "use": "sig", "kid": self.kid, **self._public}]}

    @cached_property
    def kid(self) -> str:
        """What tokens name the key by: its thumbprint (RFC 7638)."""
        members = json.dumps({"e": self._public["e"], "kty": "RSA", "n": self._public["n"]}, separators=(",", ":"))
        return _encode(sha256(members.encode()).digest())

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return generate_private_key(_EXPONENT, _KEY_BITS)

    @cached_property
    def _public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        return {"n": _integer(numbers.n), "e": _integer(numbers.e)}


def _integer(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8))


def _part(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value).encode())


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
