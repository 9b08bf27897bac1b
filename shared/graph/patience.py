"""How long a piece of work may wait for a busy Graph where it is; whoever may not goes back to the queue."""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary

from shared import tally
from shared.graph.limits import LONGEST_PAUSE, LONGEST_PAUSES


class Patience:
    """Of one piece of work, whose threads may pause at the same time: what overlaps is waited for once.

    Moments and pauses are seconds of the steady clock.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._until = self._spent = 0.0

    def allows(self, now: float, seconds: float) -> bool:
        """Whether to pause from now on for so long."""
        with self._lock:
            return self._spent + self._further(now, seconds) <= LONGEST_PAUSES

    def spend(self, now: float, seconds: float) -> None:
        """Note a pause that begins now."""
        with self._lock:
            self._spent += self._further(now, seconds)
            self._until = max(self._until, now + seconds)

    def _further(self, now: float, seconds: float) -> float:
        """What of a pause is not waited for anyway."""
        return max(0.0, now + seconds - max(now, self._until))


_lock = Lock()
_of_work: WeakKeyDictionary[tally.Tally, Patience] = WeakKeyDictionary()


def allows(now: float, seconds: float) -> bool:
    """Whether the present piece of work may pause for so long; outside of any, only a single pause has its limit."""
    patience = _present()
    return seconds <= LONGEST_PAUSE and (patience is None or patience.allows(now, seconds))


def spend(now: float, seconds: float) -> None:
    """Note a pause of the present piece of work that begins now."""
    patience = _present()
    if patience is not None:
        patience.spend(now, seconds)


def _present() -> Patience | None:
    work = tally.present()
    if work is None:
        return None
    with _lock:
        return _of_work.setdefault(work, Patience())
