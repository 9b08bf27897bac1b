"""Keeps what went over the wire, one JSON object an exchange, and counts it.

The record is that of the contract checker: method, url, headers, bodies, status, time, and `direction` "in" for a call
that went to the app (a notification). Secrets are blanked; a big body is cut.
"""

import json
import re
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dev.graph.wire import Json, Request, Response

_LONGEST = 4096
_SECRETS = re.compile(r"(?<![a-z_])(client_secret|client_assertion|code|code_verifier|refresh_token)=[^&]*")
_TOKENS = ("access_token", "refresh_token", "id_token")


@dataclass
class Statistics:
    """How many requests, by template ("GET users/{user}/messages") and by status. Requests in a batch count each."""

    requests_total: int = 0
    by_template: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)

    def max_concurrency(self, address: str) -> int:
        """The most requests that one app had running at once in this mailbox, refused ones included."""
        return self.most_at_once[address.lower()]


@dataclass(frozen=True)
class Sent:
    """A call to the app and what came back; status 0 is no answer at all."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    text: str
    answer_headers: Mapping[str, str]
    seconds: float


class Recorder:
    """Records exchanges while `on`; counts always."""

    def __init__(self, most_at_once: Counter[str]) -> None:
        self.on = True
        self.exchanges: list[Json] = []
        self.counted = Statistics(most_at_once=most_at_once)
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.exchanges.clear()
            self.counted.most_at_once.clear()
            self.counted = Statistics(most_at_once=self.counted.most_at_once)

    def count(self, template: str, status: int) -> None:
        """Count one request that was answered; a lost one has status 0."""
        with self._lock:
            self.counted.requests_total += 1
            self.counted.by_template[template] += 1
            self.counted.by_status[status] += 1

    def exchange(self, request: Request, response: Response, moment: datetime) -> None:
        """Record one request and its answer."""
        if not self.on:
            return
        headers = dict(request.headers)
        if "authorization" in headers:
            headers["authorization"] = "Bearer (not recorded)"
        self.exchanges.append(
            {
                "method": request.method,
                "url": request.url,
                "request_headers": headers,
                "request_body": _request_body(request.body),
                "status": response.status,
                "response_headers": {name: _SECRETS.sub(r"\1=***", value) for name, value in response.headers.items()},
                "response_body": _without_tokens(response.payload)
                if response.payload is not None
                else _bytes(response.content),
                "time": moment.isoformat(),
            }
        )

    def notification(self, sent: Sent, moment: datetime) -> None:
        """Record a call that went to the app."""
        if not self.on:
            return
        self.exchanges.append(
            {
                "direction": "in",
                "method": "POST",
                "url": sent.url,
                "request_headers": dict(sent.headers),
                "request_body": _request_body(sent.body),
                "status": sent.status,
                "response_headers": dict(sent.answer_headers),
                "response_body": sent.text,
                "time": moment.isoformat(),
            }
        )

    def write(self, path: Path) -> None:
        """All exchanges as JSON lines."""
        path.write_text("".join(json.dumps(one) + "\n" for one in list(self.exchanges)), encoding="utf-8")


def _request_body(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return _SECRETS.sub(r"\1=***", body[:_LONGEST].decode("utf-8", "replace"))


def _without_tokens(payload: Json) -> Json:
    return {name: "(not recorded)" if name in _TOKENS else value for name, value in payload.items()}


def _bytes(content: bytes) -> Json | str | None:
    """A short text as it is; anything else as base64, cut."""
    if content.isascii() and len(content) < _LONGEST:
        return content.decode() or None
    return {"base64": b64encode(content[:_LONGEST]).decode()}
