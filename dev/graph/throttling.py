"""The limits of Outlook for one app in one mailbox, https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits.

10,000 requests in 10 minutes, and four at a time. A request that is turned away counts all the same.
"""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from dev.graph.clock import Clock
from dev.graph.wire import GraphError

CONCURRENT = 4  # not to be raised by anybody
_WINDOW = timedelta(minutes=10)


class Throttle:
    """Counts the requests of every app in every mailbox."""

    def __init__(self, clock: Clock, requests_per_window: int = 10_000) -> None:
        self.requests_per_window = requests_per_window
        self._clock = clock
        self._lock = threading.Lock()
        self._running: Counter[tuple[str, str]] = Counter()
        self._recent: dict[tuple[str, str], deque[datetime]] = {}
        self.most_at_once: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()

    @contextmanager
    def slot(self, client_id: str, address: str) -> Iterator[None]:
        """Take one of the four places for as long as the request runs, or refuse with 429."""
        key = (client_id, address.lower())
        with self._lock:
            self._running[key] += 1
            at_once = self._running[key]
            self.most_at_once[key[1]] = max(self.most_at_once[key[1]], at_once)
            wait = self._count(key)
            too_many = at_once > CONCURRENT or wait > 0
            self.turned_away[key[1]] += too_many
        try:
            if too_many:
                raise _refusal("MailboxConcurrency" if wait == 0 else "RequestCount", max(wait, 1))
            yield
        finally:
            with self._lock:
                self._running[key] -= 1

    def forget(self) -> None:
        """As if no request had ever come."""
        with self._lock:
            self._recent.clear()
            self.most_at_once.clear()
            self.turned_away.clear()

    def _count(self, key: tuple[str, str]) -> int:
        """Count this request; seconds until there is room again, 0 when there is."""
        recent, now = self._recent.setdefault(key, deque()), self._clock.now()
        while recent and recent[0] <= now - _WINDOW:
            recent.popleft()
        recent.append(now)
        if len(recent) <= self.requests_per_window:
            return 0
        return max(1, int((recent[0] + _WINDOW - now).total_seconds()) + 1)


def _refusal(limit: str, seconds: int) -> GraphError:
    return GraphError(
        429, "ApplicationThrottled", f"Application is over its {limit} limit.", {"Retry-After": str(seconds)}
    )
