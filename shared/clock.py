"""The only place that asks what time it is, so that a test can move the time."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall-clock time in UTC, and the seconds of a steady clock for measuring spans."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC)

    def steady(self) -> float:
        """Seconds of a clock that never jumps; only differences mean anything."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait; callers keep this to a few seconds, anything longer goes back to the queue."""
        time.sleep(seconds)


class ShiftedClock(Clock):
    """A clock that can be moved: the stand-in that local runs and tests use to make days pass."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The current moment plus everything it was advanced by."""
        return super().now() + self.offset

    def steady(self) -> float:
        """The same for spans: what was to last so long is over."""
        return super().steady() + self.offset.total_seconds()

    def advance(self, seconds: float) -> None:
        """Move this clock forward."""
        self.offset += timedelta(seconds=seconds)


def to_text(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and a ``Z``: sorts as text in the order of time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The aware moment that an ISO 8601 text names; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
