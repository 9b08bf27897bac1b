"""Secrets that every test plants are looked for wherever the app writes: requests to storage, log lines, answers."""

from __future__ import annotations

import base64
import logging
from functools import lru_cache
from urllib.parse import quote, quote_plus

LARGEST = 1024 * 1024
"""Longer bodies are files; they are left out for the time that looking takes."""


@lru_cache(maxsize=256)
def forms(secret: str) -> frozenset[bytes]:
    """A secret as it may lie somewhere: plain, percent-encoded, in base64 at each of its three places, in hex."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        inner = encoded[4 * (offset > 0) : len(encoded) // 4 * 4 - 4]
        found |= {inner, base64.urlsafe_b64encode(base64.b64decode(inner))}
    return frozenset(form for form in found if len(form) >= 12)


class Lookout:
    """Remembers where a planted secret was seen. ``secrets``: those to look for; tokens join them as they are used."""

    def __init__(self, secrets: set[str]) -> None:
        self.secrets = secrets
        self.seen: list[str] = []

    def look(self, where: str, *said: bytes | str | None) -> None:
        """Look through what was said there."""
        for each in said:
            text = each.encode("utf-8", "replace") if isinstance(each, str) else each or b""
            if len(text) <= LARGEST and any(form in text for secret in self.secrets for form in forms(secret)):
                self.seen.append(where)


class LogLookout(logging.Handler):
    """Looks through every log line."""

    def __init__(self, lookout: Lookout) -> None:
        super().__init__(logging.DEBUG)
        self._lookout = lookout

    def emit(self, record: logging.LogRecord) -> None:
        """Look through one line, with its trace."""
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self._lookout.look(f"log line of {record.name}", record.getMessage(), trace)
