"""The clock that starts timer functions, each when its schedule says, never twice at a time."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from dev.doors.errors import FunctionFailed
from dev.doors.functions import Function
from dev.doors.settings import resolve_names
from dev.doors.timer_status import TimerStatus, TimerStore
from dev.doors.timers import next_due, timer_value
from dev.doors.worker import Call

log = logging.getLogger("host")

PAST_DUE = 1.0  # seconds after its time from which on a run counts as late
LONGEST_WAIT = 30.0  # seconds; the machine may sleep meanwhile, and then the clock on the wall is right


class TimerClock:
    """All timer triggers of an app. `run` invokes a function and raises FunctionFailed if it failed."""

    def __init__(
        self, functions: Sequence[Function], settings: Mapping[str, str], run: Callable[[Call], object]
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._schedules = {f.name: resolve_names(str(f.trigger["schedule"]), settings) for f in functions}
        self._settings, self._run = settings, run
        self._known: dict[str, TimerStatus] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start every timer, each in a thread of its own; those that were due while no host ran, at once."""
        store = TimerStore(self._settings)
        for function in self._functions.values():
            if function.trigger.get("runOnStartup"):
                log.warning("%s: run_on_startup is passed over: in Azure it runs at every scale-out", function.name)
            name = f"timer-{function.name}"
            threading.Thread(target=self._tick, args=(function, store), name=name, daemon=True).start()

    def stop(self) -> None:
        """Start no more runs."""
        self._stopping.set()

    def run(self, name: str, past_due: bool = False) -> None:
        """Run a timer function now. Raises FunctionFailed."""
        self._run(self.call(name, past_due))

    def call(self, name: str, past_due: bool = False) -> Call:
        """Return the call of a timer function, as due now."""
        function, now = self._functions[name], datetime.now(UTC)
        following = next_due(self._schedules[name], now)
        known = self._known.get(name) if _is_monitored(function) else None
        self._known[name] = TimerStatus(now, following)
        told = TimerStatus(known.last, following) if known else None
        return Call(function.function_id, name, function.parameter, timer_value(told, past_due))

    def _tick(self, function: Function, store: TimerStore) -> None:
        due = self._first_due(function, store)
        while not self._stopping.is_set():
            late = (datetime.now(UTC) - due).total_seconds()
            if late < 0:
                self._stopping.wait(min(-late, LONGEST_WAIT))
                continue
            self._run_logged(function, past_due=late > PAST_DUE)
            due = next_due(self._schedules[function.name], max(due, datetime.now(UTC)))
            if _is_monitored(function):
                store.save(function.name, TimerStatus(self._known[function.name].last, due))

    def _first_due(self, function: Function, store: TimerStore) -> datetime:
        """Return when a timer is due first: in the past if the host was down then."""
        now = datetime.now(UTC)
        known = store.find(function.name) if _is_monitored(function) else None
        if known is None:
            return next_due(self._schedules[function.name], now)
        self._known[function.name] = known
        return min(known.following, next_due(self._schedules[function.name], now))

    def _run_logged(self, function: Function, past_due: bool) -> None:
        try:
            self.run(function.name, past_due)
        except FunctionFailed:
            log.warning("%s failed; the next run is by schedule", function.name)
        except BaseException:
            log.exception("%s was ended", function.name)


def _is_monitored(function: Function) -> bool:
    return bool(function.trigger.get("useMonitor", True))
