"""The keys that Entra signs the tokens of a tenant with, fetched from where it publishes them and kept for a while.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-signature
"""

from __future__ import annotations

import math
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from shared import log
from shared.errors import Later
from shared.graph.limits import CONNECT_SECONDS, DEFAULT_RETRY_AFTER, SIGNING_KEYS_GOOD_FOR, SIGNING_KEYS_PAUSE

if TYPE_CHECKING:
    from shared.clock import Clock

ALGORITHM = "RS256"
_READ_SECONDS = 10


class SigningKeys:
    """The keys of one tenant, by their ids; ``issuer`` is how Entra calls itself in its tokens, once it was asked."""

    def __init__(self, authority: str, tenant_id: str, http: requests.Session, clock: Clock) -> None:
        self._about = f"{authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
        self._http, self._clock, self._lock = http, clock, Lock()
        self._keys: dict[str, PyJWK] = {}
        self._good_until = self._not_before = -math.inf
        self.issuer = ""

    def find(self, key_id: str) -> PyJWK | None:
        """The key of this id, None if Entra publishes no such key; raises Later where it cannot be asked.

        An id that is not known may be that of a new key, so Entra is asked again; but as anybody can make up an id, not
        more often than every few minutes.
        """
        with self._lock:
            now = self._clock.steady()
            wanted = now >= self._good_until or key_id not in self._keys
            if wanted and now >= self._not_before:
                self._fetch(now)
            if now >= self._good_until:
                raise _away(self._not_before - now)
            return self._keys.get(key_id)

    def _fetch(self, now: float) -> None:
        self._not_before = now + DEFAULT_RETRY_AFTER
        try:
            about = self._read(self._about)
            self._keys = dict(map(_key, filter(_is_for_signatures, self._read(about["jwks_uri"])["keys"])))
            self.issuer = str(about["issuer"])
        except (requests.RequestException, PyJWTError, ValueError, KeyError, TypeError) as error:
            log.warning("signing_keys.failed", kind=type(error).__name__)
            return
        self._good_until, self._not_before = now + SIGNING_KEYS_GOOD_FOR, now + SIGNING_KEYS_PAUSE

    def _read(self, url: str) -> dict[str, Any]:
        answer = self._http.get(url, timeout=(CONNECT_SECONDS, _READ_SECONDS), allow_redirects=False)
        answer.raise_for_status()
        return dict(answer.json())


def _key(published: dict[str, Any]) -> tuple[str, PyJWK]:
    return str(published["kid"]), PyJWK(published, ALGORITHM)


def _is_for_signatures(published: dict[str, Any]) -> bool:
    return published.get("kty") == "RSA" and published.get("use", "sig") == "sig"


def _away(seconds: float) -> Later:
    return Later("Entra does not tell which keys it signs with.", max(seconds, 1), "Try again soon.")
