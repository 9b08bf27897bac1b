"""Counting every request that leaves the app, to Graph and to storage alike, and dying at a chosen one.

The stand-in for a killed process: after the n-th answer has arrived nothing more leaves the app and its code ends with
``Killed``, which is no ``Exception``, so that nothing in the app can catch it. What the n-th request did, stays done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from tests.planted import Lookout
from tests.posted import HearingAdapter, Posted


class Killed(BaseException):
    """The process ends here."""


class IoMeter:
    """What was sent where, in order; ``kill_after``: die after so many more answers (None: never)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.calls: list[str] = []
        self.hosts: list[str] = []
        self._left: int | None = None
        self.killed = False
        self.lookout = Lookout(set())

    def kill_after(self, count: int | None) -> None:
        """Arm or disarm."""
        with self._lock:
            self._left, self.killed = count, False

    def start(self) -> None:
        """Count from zero."""
        with self._lock:
            self.calls, self.hosts = [], []

    def count(self, kind: str) -> int:
        """How many calls of ``graph``, ``table``, ``blob`` or ``queue`` since the start."""
        return sum(1 for call in self.calls if call.startswith(kind))

    def by_kind(self) -> Counter[str]:
        """Calls since the start, by kind."""
        return Counter(call.split(" ", 1)[0] for call in self.calls)

    def before(self) -> None:
        """A request is about to leave."""
        if self.killed:
            raise Killed

    def overhear(self, kind: str, request: requests.PreparedRequest) -> None:
        """No request holds a secret but those two that are there for it; tokens are secrets too as they are used."""
        scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
        if kind == "graph" and scheme == "Bearer":
            self.lookout.secrets.add(token)
        body = request.body if isinstance(request.body, bytes | str) else None
        is_meant = kind == "graph" and _takes_secrets(request)
        self.lookout.look(f"{kind} {request.method}", str(request.url), None if is_meant else body)

    def after(self, kind: str, request: requests.PreparedRequest) -> None:
        """Its answer has arrived."""
        with self._lock:
            self.calls.append(f"{kind} {request.method} {urlsplit(request.url or '').path}")
            self.hosts.append(f"{kind} {urlsplit(request.url or '').hostname}")
            if self._left is not None:
                self._left -= 1
                self.killed = self._left <= 0
            if self.killed:
                raise Killed


def _takes_secrets(request: requests.PreparedRequest) -> bool:
    """Whether secrets are to be in the body: a sign-in at Entra, or a signed-in request to keep one in a key vault."""
    url = urlsplit(request.url or "")
    host, signed_in = url.hostname or "", "Authorization" in request.headers
    is_sign_in = host.startswith("login.") and url.path.endswith("/oauth2/v2.0/token")
    keeps = host.endswith(".vault.azure.net") and url.path.startswith("/secrets/") and request.method == "PUT"
    return is_sign_in or (keeps and signed_in)


class MeteredAdapter(BaseAdapter):
    """An adapter that tells the meter of each request; ``kind``: what it carries."""

    def __init__(self, inner: BaseAdapter, meter: IoMeter, kind: str) -> None:
        super().__init__()
        self._inner, self._meter, self._kind = inner, meter, kind

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passed on as they come
        """Carry one request."""
        self._meter.before()
        self._meter.overhear(self._kind, request)
        answer = self._inner.send(request, **options)
        self._meter.after(self._kind, request)
        return answer

    def close(self) -> None:
        """End the inner adapter."""
        self._inner.close()


def metered_storage(ports: Mapping[str, int], meter: IoMeter, posted: Posted) -> requests.Session:
    """A session for Azurite that tells the meter of each request, by service, and ``posted`` what is put on queues."""
    session = requests.Session()
    for kind, port in ports.items():
        inner = HearingAdapter(posted) if kind == "queue" else HTTPAdapter(pool_maxsize=64)
        session.mount(f"http://127.0.0.1:{port}", MeteredAdapter(inner, meter, kind))
    return session
