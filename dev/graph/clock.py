"""The emulator's time: the real one plus whatever a test moved it by."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Moves on by itself and can be pushed forward; whoever waits for a moment is told when it is pushed."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> datetime:
        """Push the time forward and answer the new moment; time never goes back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        with self._lock:
            self._offset += timedelta(seconds=seconds)
        for listener in self._listeners:
            listener()
        return self.now()

    def reset(self) -> None:
        """Back to the real time."""
        self._offset = timedelta()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call this after every push."""
        self._listeners.append(listener)
