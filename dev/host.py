"""The local Functions host: Microsoft's worker runtime runs the app, our doors let HTTP, queues and timers in.

    python -m dev.host --port 7071 --settings local.settings.json
    python -m dev.host --group http      # only what HTTP wakes, and beside it
    python -m dev.host --group background --port 7072

or in a program, with or without sockets:

    with Host(Path("."), settings) as host:
        host.http("POST", "/graph/notifications?validationToken=x")
        host.drain()
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from dev.doors import logs, web_server
from dev.doors.errors import FunctionFailed, HostError
from dev.doors.front_door import FrontDoor
from dev.doors.functions import Function, read_functions
from dev.doors.host_json import read_host_json
from dev.doors.http_trigger import Request, Response
from dev.doors.queue_polling import Drained, Queues
from dev.doors.queue_trigger import Outcome, QueueDoor, queue_call
from dev.doors.rules import check_app, queue_name
from dev.doors.settings import STORAGE, check_strings, find_connection, read_local_settings
from dev.doors.storage import queue_client
from dev.doors.timer_clock import TimerClock
from dev.doors.worker import Call, worker_for

__all__ = ["Drained", "FunctionFailed", "Host", "HostError", "Outcome", "Response"]

log = logging.getLogger("host")

LONGEST_QUEUE_NAME = 63  # https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata#queue-names

type Group = Literal["all", "http", "background"]


class Host:
    """One function app, indexed, checked and ready. `settings` become environment variables until `stop`.

    Nothing comes in by itself before `serve`. One app in a process; a second Host of the same app is fine after the
    first has stopped, and finds the app's modules as the first left them. `group` leaves out the functions of the other
    group: on Flex Consumption, those that HTTP wakes share instances, and none of them with the rest.
    https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#per-function-scaling
    """

    def __init__(
        self, app_folder: Path, settings: Mapping[str, str], master_key: str | None = None, group: Group = "all"
    ) -> None:
        self._before: dict[str, str | None] = {}
        for name, value in check_strings(settings, "settings").items():
            self._set(name, value)
        try:
            self._host_json = read_host_json(app_folder / "host.json")
            self._worker = worker_for(app_folder)
            found = {function.name: function for function in read_functions(self._worker.functions)}
            check_app(found.values(), self._host_json, os.environ)
            self.functions = {name: function for name, function in found.items() if _is_of(group, function)}
            self._front = FrontDoor(
                self._worker, self.functions.values(), self._host_json, self._run_by_hand, master_key
            )
            self._queues = Queues(self._queue_door(f) for f in self._of_kind("queueTrigger"))
            self._timers = TimerClock(self._of_kind("timerTrigger"), dict(os.environ), self._invoke)
        except BaseException:
            self._restore_environment()
            raise
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        """Return the host."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def http(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> Response:
        """Send a request through routing, authorization and worker, without a socket. `url` may begin with its path."""
        return self.submit_http(method, url, headers, body).result()

    def submit_http(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> "Future[Response]":
        """Do as `http`, and not wait for the answer."""
        parts = urlsplit(url)
        content = body.encode() if isinstance(body, str) else body or b""
        lowered = {"host": parts.netloc or "localhost", "content-length": str(len(content))}
        lowered |= {name.lower(): value for name, value in (headers or {}).items()}
        origin = f"{parts.scheme or 'http'}://{lowered['host']}"
        request = Request(method.upper(), parts.path or "/", parts.query, lowered, content, origin)
        return self._worker.submit(self._front.answer(request))

    def run(self, name: str, given: str = "") -> None:
        """Run a queue function with a message's text, or a timer function. Raises FunctionFailed."""
        self._worker.wait_for(self._run_by_hand(self.functions[name], given))

    def run_timer(self, name: str, past_due: bool = False) -> None:
        """Run a timer function now. Raises FunctionFailed."""
        self._timers.run(name, past_due)

    def step(self, queue: str) -> Outcome | None:
        """Take exactly one message of a queue and run it; None if none is visible."""
        return self._queues.step(queue)

    def drain(self, timeout: float = 60) -> Drained:
        """Run messages until no queue has a visible one and none runs; see Queues.drain."""
        return self._queues.drain(timeout)

    def make_visible(self) -> int:
        """Let messages that failed or were left by a simulated kill be taken at once; return how many there were."""
        return self._queues.make_visible()

    def serve(self, port: int = 0) -> str:
        """Open all doors: HTTP on 127.0.0.1 (0: a free port), queues, timers. Return the base URL."""
        self._server = self._worker.wait_for(web_server.serve(self._front.answer, port))
        address = web_server.address(self._server)
        self._set("WEBSITE_HOSTNAME", address.removeprefix("http://"))  # as Core Tools does
        self._queues.listen()
        self._timers.start()
        return address

    def stop(self) -> None:
        """Close the doors and wait for messages that run. The worker stays: it can live only once in a process."""
        if self._server is not None:
            self._worker.loop.call_soon_threadsafe(self._server.close)
            self._server = None
        self._timers.stop()
        self._queues.stop()
        self._restore_environment()

    def _of_kind(self, kind: str) -> list[Function]:
        return [function for function in self.functions.values() if function.kind == kind]

    def _queue_door(self, function: Function) -> QueueDoor:
        name = queue_name(function, os.environ)
        connection = find_connection(str(function.trigger.get("connection") or STORAGE), os.environ)
        has_poison = not name.endswith("-poison") and len(name) + len("-poison") <= LONGEST_QUEUE_NAME
        poison = queue_client(connection, f"{name}-poison") if has_poison else None
        return QueueDoor(function, queue_client(connection, name), poison, self._host_json.queues, self._invoke)

    def _invoke(self, call: Call) -> object:
        return self._worker.wait_for(self._worker.invoke(call))

    async def _run_by_hand(self, function: Function, given: str) -> None:
        is_timer = function.kind == "timerTrigger"
        await self._worker.invoke(self._timers.call(function.name) if is_timer else queue_call(function, given))

    def _set(self, name: str, value: str) -> None:
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def _restore_environment(self) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _is_of(group: Group, function: Function) -> bool:
    return group == "all" or (function.kind == "httpTrigger") == (group == "http")


def main(argv: list[str]) -> int:
    """Serve the app of the current folder until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m dev.host", description="Run the function app of this folder.")
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--settings", type=Path, default=Path("local.settings.json"))
    parser.add_argument("--app", type=Path, default=Path())
    parser.add_argument("--group", choices=("all", "http", "background"), default="all")
    arguments = parser.parse_args(argv)
    logs.install(os.environ.get("LOG_LEVEL", "INFO"))
    try:
        with Host(arguments.app, read_local_settings(arguments.settings), group=arguments.group) as host:
            _describe(host, host.serve(arguments.port))
            _wait_for_the_end()
    except HostError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _describe(host: Host, address: str) -> None:
    for function in host.functions.values():
        about = function.trigger.get("route") or function.trigger.get("queueName") or function.trigger.get("schedule")
        print(f"  {function.name}: {function.kind} {about}")
    print(f"ready {address}", flush=True)


def _wait_for_the_end() -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.suppress(KeyboardInterrupt):
        ended.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
