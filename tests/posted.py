"""Which queues can hold a message at all: those that one was put on since they were found empty.

The queues of a test are written by its app alone, so this is known without a request. Looking at all fourteen of them
again and again was three quarters of the processor time that journeys took.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter

_PUT = re.compile(r"/[^/]+/([^/]+)/messages$")
_POISON = "-poison"
_MARGIN = 0.05
"""Seconds that a message may show itself later than it was told to."""


class Posted:
    """What was put on queues; one for a host, because all worlds of a test process share their queues."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._puts: Counter[str] = Counter()
        self._looked: dict[str, int] = {}
        self._empty: dict[str, int] = {}
        self._hidden_until: list[float] = []

    def hear(self, request: requests.PreparedRequest) -> None:
        """A request to the queue service was answered, or may have been."""
        url = urlsplit(request.url or "")
        put = _PUT.match(url.path)
        if request.method != "POST" or put is None:
            return
        hidden = int(parse_qs(url.query).get("visibilitytimeout", ["0"])[0])
        with self._lock:
            self._puts[put[1]] += 1
            if hidden:
                self._hidden_until.append(time.monotonic() + hidden + _MARGIN)

    def state(self, queue: str) -> tuple[int, int] | None:
        """None if no message is on a queue, not even a hidden one; else what changes when there may be one more to see.

        A message that waits for its last try may become poison at any time.
        """
        with self._lock:
            self._looked[queue] = self._puts[queue]
            if not self._is_open(queue) and not self._is_open(queue.removesuffix(_POISON)):
                return None
            return self._puts[queue], sum(moment > time.monotonic() for moment in self._hidden_until)

    def found(self, left: dict[str, int]) -> None:
        """All queues were looked at that may hold something; ``left``: how much is on those that are not empty."""
        with self._lock:
            self._empty = {**self._looked, **dict.fromkeys(left, -1)}

    def still_open(self) -> list[str]:
        """The queues that may hold something."""
        with self._lock:
            return [queue for queue in self._puts if self._is_open(queue)]

    def forget(self) -> None:
        """All queues were emptied."""
        with self._lock:
            self._puts.clear()
            self._empty.clear()
            self._hidden_until.clear()

    def next_shown(self, now: float) -> float | None:
        """The moment, by the monotonic clock, when the next message shows itself that was hidden when it was put."""
        with self._lock:
            self._hidden_until = [moment for moment in self._hidden_until if moment > now]
            return min(self._hidden_until, default=None)

    def _is_open(self, queue: str) -> bool:
        return self._empty.get(queue, 0) != self._puts[queue]


class HearingAdapter(HTTPAdapter):
    """Carries requests to the queue service, and tells of each."""

    def __init__(self, posted: Posted) -> None:
        super().__init__(pool_maxsize=64)
        self._posted = posted

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passed on as they come
        """Carry one; what got no answer may have been done."""
        try:
            return super().send(request, **options)
        finally:
            self._posted.hear(request)
