"""host.json: what of it the local host goes by.

Its fields: https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from dev.doors.errors import HostError

_QUEUE_KEYS = {
    "maxPollingInterval",
    "visibilityTimeout",
    "batchSize",
    "maxDequeueCount",
    "newBatchThreshold",
    "messageEncoding",
}
_HTTP_KEYS = {
    "routePrefix",
    "maxOutstandingRequests",
    "maxConcurrentRequests",
    "dynamicThrottlesEnabled",
    "hsts",
    "customHeaders",
}


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues`, for every queue of the app the same. Times in seconds.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0
    base64: bool = True

    @property
    def most_at_once(self) -> int:
        """How many messages of one queue run at the same time, at most."""
        return self.batch_size + self.new_batch_threshold


@dataclass(frozen=True)
class HostJson:
    """A checked host.json."""

    route_prefix: str = "api"
    queues: QueueOptions = field(default_factory=QueueOptions)
    has_extension_bundle: bool = False


def read_host_json(path: Path) -> HostJson:
    """Read and check a host.json. Raises HostError."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise HostError(f'{path} is missing: the smallest one is {{"version": "2.0"}}.') from None
    except ValueError as error:
        raise HostError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise HostError(f'{path}: "version" must be "2.0".')
    extensions = document.get("extensions", {})
    http, queues = extensions.get("http", {}), extensions.get("queues", {})
    _refuse_unknown(http.keys() - _HTTP_KEYS, "extensions.http")
    _refuse_unknown(queues.keys() - _QUEUE_KEYS, "extensions.queues")
    return HostJson(http.get("routePrefix", "api").strip("/"), _queue_options(queues), "extensionBundle" in document)


def _refuse_unknown(keys: set[str], where: str) -> None:
    """Refuse what the real host passes over in silence: it is a typing mistake."""
    if keys:
        raise HostError(f"host.json: {where} has no {', '.join(sorted(keys))}.")


def _queue_options(given: Mapping[str, Any]) -> QueueOptions:
    defaults = QueueOptions()
    batch_size = _whole_number(given, "batchSize", defaults.batch_size, 1, 32)
    encoding = given.get("messageEncoding", "base64")
    if encoding not in {"base64", "none"}:
        raise HostError('host.json: extensions.queues.messageEncoding must be "base64" or "none".')
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_whole_number(given, "newBatchThreshold", batch_size // 2, 0, 1000),
        max_dequeue_count=_whole_number(given, "maxDequeueCount", defaults.max_dequeue_count, 1, 1000),
        visibility_timeout=_seconds(given, "visibilityTimeout", defaults.visibility_timeout),
        max_polling_interval=_seconds(given, "maxPollingInterval", defaults.max_polling_interval),
        base64=encoding == "base64",
    )


def _whole_number(given: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise HostError(f"host.json: extensions.queues.{key} must be a whole number from {least} to {most}.")
    return value


def _seconds(given: Mapping[str, Any], key: str, default: float) -> float:
    if key not in given:
        return default
    match = re.fullmatch(r"(?:(\d+)\.)?(\d\d):([0-5]\d):([0-5]\d)", str(given[key]))
    if match is None:
        raise HostError(f'host.json: extensions.queues.{key} must be a time span as "00:01:00".')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
