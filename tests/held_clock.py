"""A clock that a test can hold, so that what it counts does not depend on how fast the machine is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from shared.clock import ShiftedClock


class HeldClock(ShiftedClock):
    """Moves on by itself unless it is held; it can be advanced at any time."""

    def __init__(self) -> None:
        super().__init__()
        self._held: tuple[datetime, float] | None = None

    def hold(self) -> None:
        """Nothing grows old from now on but by ``advance``."""
        self._held = datetime.now(UTC), time.monotonic()

    def release(self) -> None:
        """It is as late as it would have been."""
        self._held = None

    def now(self) -> datetime:
        """The current moment plus everything it was advanced by."""
        return self._held[0] + self.offset if self._held else super().now()

    def steady(self) -> float:
        """The same for spans."""
        return self._held[1] + self.offset / timedelta(seconds=1) if self._held else super().steady()
