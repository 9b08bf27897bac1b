"""The delta rounds that are under way, under the names that skip tokens carry."""

import threading
from collections import OrderedDict
from secrets import token_hex


class KeptRounds[R]:
    """A bounded store, as Exchange's cache is bounded: old rounds are forgotten.

    `shuffle`: whether the items of a page come in disorder.
    """

    def __init__(self, most: int) -> None:
        self.shuffle = True
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, R] = OrderedDict()

    def keep(self, found: R) -> str:
        """Remember a round under a new name."""
        name = token_hex(12)
        with self._lock:
            self._kept[name] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return name

    def find(self, name: str) -> R | None:
        """The round of this name, unless it has been forgotten."""
        return self._kept.get(name)

    def forget(self) -> None:
        """As after a restart of the server behind."""
        with self._lock:
            self._kept.clear()
