"""How many units of each product a tenant has left to give: looked up once for all users of a call, not for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock

from shared.desk.licenses import License
from shared.runtime import Runtime

GOOD_FOR = 60.0
"""Seconds for which a number is taken as it was. Where it says too much, Graph refuses."""
GOOD_ENOUGH_TO_REFUSE = 5.0
"""Seconds, where it says that nothing is left: somebody may have bought more since."""


class Stock:
    """What one tenant has, as this process knows it. ``names``, ``free``: of each product, by its id."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.free: dict[str, int] = {}
        self._looked_at = float("-inf")
        self._lock = Lock()

    def look(self, now: float, older_than: float, find: Callable[[], Iterable[License]]) -> None:
        """Look anew where the last look is older than so many seconds; whoever comes meanwhile waits for that one.

        ``now``: of the steady clock.
        """
        with self._lock:
            if now - self._looked_at <= older_than:
                return
            found = list(find())
            self.names = {each.sku: each.name for each in found}
            self.free = {each.sku: each.total - each.used for each in found}
            self._looked_at = now

    def note(self, given: Iterable[str], taken: Iterable[str]) -> None:
        """A user was given these products, and these were taken from them."""
        with self._lock:
            for sku, by in (*((each, -1) for each in given), *((each, 1) for each in taken)):
                self.free[sku] = self.free.get(sku, 0) + by


def stock_of(rt: Runtime, connection_id: str) -> Stock:
    """What this process knows of a connection's tenant."""
    memory: dict[str, Stock] = rt.memory.setdefault("directory.stock", {})
    return memory.setdefault(connection_id, Stock())
