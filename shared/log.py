"""Log lines: one event name and bound fields each, with everything secret or personal left out."""

import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_bound: ContextVar[dict[str, object] | None] = ContextVar("deskbridge_log_fields", default=None)
_logger = logging.getLogger("deskbridge")

_SECRET_WORDS = ("secret", "token", "password", "authorization", "assertion", "client_state", "admin_key", "api_key")
_LONGEST_VALUE = 500
_MOST_STEPS = 30

for _noisy in ("azure.core.pipeline.policies.http_logging_policy", "urllib3"):
    # They print a line or more for each request, headers and addresses included.
    logging.getLogger(_noisy).setLevel(logging.WARNING)
for _talkative in ("msal", "azure.identity"):
    # They print answers of Entra that they cannot read, tokens included. What fails we are told, and log ourselves.
    logging.getLogger(_talkative).setLevel(logging.CRITICAL)


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add these fields to every line that is logged inside the block."""
    token = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def bound_field(name: str) -> str:
    """The value that a field is bound to now; empty where it is not."""
    return str((_bound.get() or {}).get(name, ""))


def debug(event: str, **fields: object) -> None:
    """Log what only a developer wants to know."""
    _write(logging.DEBUG, event, fields)


def info(event: str, **fields: object) -> None:
    """Log what happened as it should."""
    _write(logging.INFO, event, fields)


def warning(event: str, **fields: object) -> None:
    """Log what went wrong and mends itself."""
    _write(logging.WARNING, event, fields)


def error(event: str, *, failure: BaseException | None = None, **fields: object) -> None:
    """Log what needs a person; with where and as what ``failure`` happened. Not its words: they may quote a mail."""
    _write(logging.ERROR, event, fields, failure)


def set_level(name: str) -> None:
    """Write only lines of this level and above."""
    _logger.setLevel(name)


def without_secrets(fields: Mapping[str, object]) -> dict[str, object]:
    """The same fields, with stars for the value of each whose name says that it is secret."""
    return {name: _redacted(name, value) for name, value in fields.items()}


def _write(level: int, event: str, fields: dict[str, object], failure: BaseException | None = None) -> None:
    if not _logger.isEnabledFor(level):
        return
    line = {"event": event, **(_bound.get() or {}), **fields, **(_told(failure) if failure else {})}
    _logger.log(level, json.dumps(without_secrets(line), default=str, ensure_ascii=True))


def _told(failure: BaseException) -> dict[str, object]:
    """A failure as fields: behind the line, as ``exc_info`` sets it, it would make it none that a query can read."""
    steps = traceback.extract_tb(failure.__traceback__)[-_MOST_STEPS:]
    at = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps]
    return {"failure": " from ".join(_kinds(failure)), "at": at}


def _kinds(failure: BaseException | None) -> Iterator[str]:
    while failure is not None:
        yield type(failure).__name__
        failure = failure.__cause__ or failure.__context__


def _redacted(name: str, value: object) -> object:
    """The value, unless its name or one inside it says that it is a secret."""
    if any(word in name.lower() for word in _SECRET_WORDS):
        return "***"
    if isinstance(value, Mapping):
        return without_secrets({str(inner): each for inner, each in value.items()})
    if isinstance(value, str) and len(value) > _LONGEST_VALUE:
        return value[:_LONGEST_VALUE] + "..."
    return value
