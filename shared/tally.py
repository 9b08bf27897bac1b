"""What a piece of work took: counted while it goes on, told in one log line at its end.

One wide line a piece of work (which function, how it ended, how many mails, requests, throttlings) is all the telemetry
that there is: Application Insights sums its fields, any other reader of JSON lines can, and nothing is loaded for it.
Why not an SDK for metrics: docs/decisions/0012.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import TYPE_CHECKING

from shared import log

if TYPE_CHECKING:
    from shared.clock import Clock

_MOST_NOTED = 20


class Tally:
    """Counts of one piece of work, or of the whole process; threads may count at once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._noted: dict[str, list[object]] = {}
        self._lock = Lock()

    def add(self, name: str, by: int) -> None:
        """Count."""
        with self._lock:
            self._counts[name] += by

    def note(self, name: str, value: object) -> None:
        """Remember one of the first few."""
        with self._lock:
            noted = self._noted.setdefault(name, [])
            if len(noted) < _MOST_NOTED:
                noted.append(value)

    def counts(self) -> dict[str, int]:
        """Everything that was counted."""
        with self._lock:
            return dict(self._counts)

    def fields(self) -> dict[str, object]:
        """All of it, for a log line."""
        with self._lock:
            return {**self._counts, **self._noted}


PROCESS = Tally()
"""Since this process began."""
_current: ContextVar[Tally | None] = ContextVar("deskbridge_tally", default=None)


def count(name: str, by: int = 1) -> None:
    """Count something that the present piece of work does, such as ``graph_requests``."""
    PROCESS.add(name, by)
    tally = _current.get()
    if tally is not None:
        tally.add(name, by)


def present() -> Tally | None:
    """Of the present piece of work, which it stands for in all its threads; None outside of any."""
    return _current.get()


def note(name: str, value: object) -> None:
    """Have something named in the line of the present piece of work, such as a ticket's number; nothing personal."""
    tally = _current.get()
    if tally is not None:
        tally.note(name, value)


def carried[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """The same function for other threads: what it counts and logs there belongs to the present piece of work."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return run


def new_trace() -> str:
    """A name for everything that one thing from outside causes: it goes along with the work, from queue to queue.

    https://www.w3.org/TR/trace-context/#trace-id
    """
    return uuid.uuid4().hex


@contextmanager
def told(clock: Clock, operation: str, trace: str = "") -> Iterator[Tally]:
    """Tell at the end what was done inside: ``work.done``, with all counts; ``outcome`` is *done* or *failed*."""
    tally, began = Tally(), clock.steady()
    token = _current.set(tally)
    outcome = "failed"
    with log.bound(trace=trace or new_trace()):
        try:
            yield tally
            outcome = "done"
        finally:
            _current.reset(token)
            seconds = round(clock.steady() - began, 3)
            log.info("work.done", **{"operation": operation, "outcome": outcome, "seconds": seconds, **tally.fields()})
