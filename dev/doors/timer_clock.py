"""The clock that starts timer functions, each when its schedule says, never twice at a time."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from dev.doors.errors import FunctionFailed
from dev.doors.functions import Function
from dev.doors.settings import resolve_names
from dev.doors.timers import occurrences, timer_value
from dev.doors.worker import Call

log = logging.getLogger("host")

LONGEST_WAIT = 30.0  # seconds; the machine may sleep meanwhile, and then the clock on the wall is right


class TimerClock:
    """All timer triggers of an app. `run` invokes a function and raises FunctionFailed if it failed."""

    def __init__(self, functions: Sequence[Function], run: Callable[[Call], object]) -> None:
        self._functions = {function.name: function for function in functions}
        self._schedules = {f.name: resolve_names(str(f.trigger["schedule"]), os.environ) for f in functions}
        self._run = run
        self._last: dict[str, datetime] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start every timer, each in a thread of its own."""
        for function in self._functions.values():
            if function.trigger.get("runOnStartup"):
                log.warning("%s: run_on_startup is passed over: in Azure it runs at every scale-out", function.name)
            threading.Thread(target=self._tick, args=(function,), name=f"timer-{function.name}", daemon=True).start()

    def stop(self) -> None:
        """Start no more runs."""
        self._stopping.set()

    def run(self, name: str, past_due: bool = False) -> None:
        """Run a timer function now. Raises FunctionFailed."""
        self._run(self.call(name, past_due))

    def call(self, name: str, past_due: bool = False) -> Call:
        """Return the call of a timer function, as due now."""
        function = self._functions[name]
        now = datetime.now(UTC)
        last = self._last.get(name) if function.trigger.get("useMonitor", True) else None
        self._last[name] = now
        value = timer_value(last, next(occurrences(self._schedules[function.name], now)), past_due)
        return Call(function.function_id, function.name, function.parameter, value)

    def _tick(self, function: Function) -> None:
        due = next(occurrences(self._schedules[function.name], datetime.now(UTC)))
        while not self._stopping.is_set():
            left = (due - datetime.now(UTC)).total_seconds()
            if left > 0:
                self._stopping.wait(min(left, LONGEST_WAIT))
                continue
            following = next(occurrences(self._schedules[function.name], due))
            self._run_logged(function, past_due=following <= datetime.now(UTC))
            due = next(occurrences(self._schedules[function.name], max(due, datetime.now(UTC))))

    def _run_logged(self, function: Function, past_due: bool) -> None:
        try:
            self.run(function.name, past_due)
        except FunctionFailed:
            log.warning("%s failed; the next run is by schedule", function.name)
        except BaseException:
            log.exception("%s was ended", function.name)
