"""Queue triggers: one queue whose messages wake one function, and how a message ends.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import base64
import binascii
import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from dev.doors.errors import FunctionFailed
from dev.doors.functions import Function
from dev.doors.host_json import QueueOptions
from dev.doors.protos import TypedData
from dev.doors.worker import Call

log = logging.getLogger("host")

type Outcome = Literal["done", "failed", "poisoned"]

LEASE_SECONDS = 600  # how long the host hides a message that runs; it renews that when half of it is over


@dataclass
class Taken:
    """A message that the host has taken out of the queue and that is not settled."""

    message: QueueMessage
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


class QueueDoor:
    """One queue trigger. `run` invokes a function and raises FunctionFailed if it failed.

    A queue that is itself for poison has no further one (`poison` is None): its messages are tried again for ever.
    """

    def __init__(
        self,
        function: Function,
        client: QueueClient,
        poison: QueueClient | None,
        options: QueueOptions,
        run: Callable[[Call], object],
    ) -> None:
        self.function, self.options = function, options
        self.queue = client.queue_name
        self._client, self._poison, self._run = client, poison, run
        self._running: dict[str, Taken] = {}
        self._left: dict[str, Taken] = {}

    def take(self, most: int) -> list[Taken]:
        """Take at most `most` messages, hidden from everybody else while they run. None if there is no such queue."""
        with contextlib.suppress(ResourceNotFoundError):
            pages = self._client.receive_messages(
                messages_per_page=most, max_messages=most, visibility_timeout=LEASE_SECONDS
            )
            taken = [Taken(message) for message in pages]
            for one in taken:
                self._left.pop(one.message.id, None)
                self._running[one.message.id] = one
            return taken
        return []

    def handle(self, taken: Taken) -> Outcome:
        """Run the function with a message, then delete it, hide it for the next try or put it aside as poison.

        Whatever the function raises that is no Exception stands for the end of the process: it is raised here, and the
        message stays as it is, hidden and not deleted.
        """
        try:
            return self._run_and_settle(taken)
        except BaseException:
            self._left[taken.message.id] = taken
            raise
        finally:
            self._running.pop(taken.message.id, None)

    def renew_leases(self) -> None:
        """Hide running messages for longer, those whose time is half over."""
        for taken in list(self._running.values()):
            if time.monotonic() - taken.since > LEASE_SECONDS / 2:
                self._hide(taken, LEASE_SECONDS)
                taken.since = time.monotonic()

    def make_visible(self) -> int:
        """Let every message that failed or was left behind be taken again at once; return how many there were."""
        left = list(self._left.values())
        self._left.clear()
        for taken in left:
            self._hide(taken, 0)
        return len(left)

    def waiting(self) -> int:
        """Return how many messages the queue holds, hidden ones included."""
        with contextlib.suppress(ResourceNotFoundError):
            return self._client.get_queue_properties().approximate_message_count or 0
        return 0

    def _run_and_settle(self, taken: Taken) -> Outcome:
        if self._poison is not None and self._is_tried_out(taken, over=1):
            return self._set_aside(taken, self._poison)
        try:
            text = _decode(str(taken.message.content), self.options.base64)
        except ValueError:
            log.error("%s: a message is not base64", self.queue)
            return self._set_aside(taken, self._poison) if self._poison else self._put_back(taken)
        try:
            self._run(queue_call(self.function, text, taken.message))
        except FunctionFailed:
            return self._put_back(taken)
        self._delete(taken)
        return "done"

    def _is_tried_out(self, taken: Taken, over: int = 0) -> bool:
        return (taken.message.dequeue_count or 1) >= self.options.max_dequeue_count + over

    def _put_back(self, taken: Taken) -> Outcome:
        """Hide a message until its next try; after the last one it is poison."""
        if self._poison is not None and self._is_tried_out(taken):
            return self._set_aside(taken, self._poison)
        self._hide(taken, self.options.visibility_timeout)
        self._left[taken.message.id] = taken
        return "failed"

    def _set_aside(self, taken: Taken, poison: QueueClient) -> Outcome:
        log.error("%s: a message goes to %s, tries: %s", self.queue, poison.queue_name, taken.message.dequeue_count)
        content = str(taken.message.content)
        try:
            poison.send_message(content, time_to_live=-1)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                poison.create_queue()
            poison.send_message(content, time_to_live=-1)
        self._delete(taken)
        return "poisoned"

    def _delete(self, taken: Taken) -> None:
        with taken.lock:
            try:
                self._client.delete_message(taken.message.id, taken.message.pop_receipt)
            except AzureError as error:
                log.warning("%s: a message that ran cannot be deleted, it will run again: %s", self.queue, error)

    def _hide(self, taken: Taken, seconds: float) -> None:
        with taken.lock:
            try:
                message = taken.message
                changed = self._client.update_message(message.id, message.pop_receipt, visibility_timeout=int(seconds))
                message.pop_receipt = changed.pop_receipt
            except AzureError as error:
                log.info("%s: a message has been taken by another: %s", self.queue, error)


def queue_call(function: Function, text: str, message: QueueMessage | None = None) -> Call:
    """Return the call of a queue function: the text, and what the host tells about the message."""
    raw = str(function.trigger.get("dataType", "")).lower() == "binary"
    value = TypedData(bytes=text.encode()) if raw else TypedData(string=text)
    return Call(function.function_id, function.name, function.parameter, value, _metadata(text, message))


def _metadata(text: str, message: QueueMessage | None) -> Mapping[str, TypedData]:
    """Return the trigger metadata.

    As in the real host the top-level properties of a JSON message replace metadata of the same name, whatever its case:
    https://github.com/Azure/azure-functions-python-worker/issues/1373
    """
    told = {"QueueTrigger": TypedData(string=text)} | (_about(message) if message else _by_hand())
    names = {name.lower(): name for name in told}
    for name, value in _json_properties(text).items():
        told[names.get(name.lower(), name)] = _as_typed(value)
    return told


def _about(message: QueueMessage) -> dict[str, TypedData]:
    return {
        "Id": TypedData(string=message.id),
        "DequeueCount": TypedData(json=str(message.dequeue_count or 1)),
        "PopReceipt": TypedData(string=str(message.pop_receipt)),
        "InsertionTime": _moment(message.inserted_on),
        "ExpirationTime": _moment(message.expires_on),
        "NextVisibleTime": _moment(message.next_visible_on),
    }


def _by_hand() -> dict[str, TypedData]:
    now = _moment(datetime.now(UTC))
    return {
        "Id": TypedData(string="00000000-0000-0000-0000-000000000000"),
        "DequeueCount": TypedData(json="1"),
        "PopReceipt": TypedData(string=""),
        "InsertionTime": now,
        "ExpirationTime": now,
        "NextVisibleTime": now,
    }


def _moment(moment: datetime | None) -> TypedData:
    return TypedData(json=json.dumps(moment.isoformat())) if moment else TypedData()


def _json_properties(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _as_typed(value: object) -> TypedData:
    if value is None:
        return TypedData()
    return TypedData(string=value) if isinstance(value, str) else TypedData(json=json.dumps(value))


def _decode(content: str, is_base64: bool) -> str:
    """Return the text of a message. Raises ValueError if it is not encoded as host.json says."""
    if not is_base64:
        return content
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
