"""Log lines on standard output, one line each: time, level, function, invocation, text."""

import logging
import sys

from azure_functions_runtime import invocation_id_cv

from dev.doors.worker import running


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        invocation = invocation_id_cv.get()
        who = f"{running.get(invocation, '?')} {invocation[:8]}" if invocation else record.name
        time = f"{self.formatTime(record, '%H:%M:%S')}.{record.msecs:03.0f}"
        text = record.getMessage().replace("\n", "\n    ")
        if record.exc_info:
            text += "\n    " + self.formatException(record.exc_info).replace("\n", "\n    ")
        return f"{time} {record.levelname:<7} {who}: {text}"


def install(level: str = "INFO") -> None:
    """Send the log lines of app and host to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # One line per HTTP request of every SDK call, and the worker's own two per invocation, would hide all others.
    logging.getLogger("azure").setLevel(logging.WARNING)
