"""The HTTP side of the host: which function answers a path, who may call it, and the host's own pages."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from dev.doors.errors import FunctionFailed
from dev.doors.functions import Function
from dev.doors.host_json import HostJson
from dev.doors.http_trigger import Request, Response, as_json, empty, from_worker, to_worker
from dev.doors.routes import decode_path
from dev.doors.rules import http_route
from dev.doors.worker import Call, Worker

log = logging.getLogger("host")

LANDING = (
    b"<!doctype html><title>Functions</title><p>Your Functions app is up and running: the local host of Deskbridge."
)


class FrontDoor:
    """Answers HTTP requests. `run_now` runs a function that has no route, for POST /admin/functions/NAME.

    Functions whose auth level is not anonymous take `master_key` (as x-functions-key or ?code=) and nothing else. The
    host's own pages take any key while there is no master key, as Core Tools does; with one they ask for it.
    """

    def __init__(
        self,
        worker: Worker,
        functions: Iterable[Function],
        host_json: HostJson,
        run_now: Callable[[Function, str], Awaitable[object]],
        master_key: str | None,
    ) -> None:
        self._worker, self._run_now, self._master_key = worker, run_now, master_key
        self._functions = list(functions)
        self._routes = [(http_route(f, host_json), f) for f in self._functions if f.kind == "httpTrigger"]
        self._started = time.monotonic()
        self._background: set[asyncio.Task[None]] = set()

    async def answer(self, request: Request) -> Response:
        """Answer one request. Runs on the worker's loop."""
        try:
            path = decode_path(request.path)
        except ValueError:
            return empty(400)
        if path.split("/", 1)[0].lower() == "admin":
            return self._admin(request, path)
        found = self._find(request.method, path)
        if found is None:
            return Response(200, {"content-type": "text/html"}, LANDING) if path == "" else empty(404)
        function, parameters = found
        if not self._may_call(function, request):
            return empty(401)
        return await self._run(function, request, parameters)

    def _find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        """Return the first function that fits, in the order of names: there is no precedence of literals."""
        for route, function in self._routes:
            parameters = route.match(method, path)
            if parameters is not None:
                return function, parameters
        return None

    async def _run(self, function: Function, request: Request, parameters: dict[str, str]) -> Response:
        value = to_worker(request, parameters)
        try:
            return from_worker(
                await self._worker.invoke(Call(function.function_id, function.name, function.parameter, value))
            )
        except FunctionFailed:
            return empty(500)

    def _may_call(self, function: Function, request: Request) -> bool:
        level = str(function.trigger.get("authLevel", "function")).lower()
        return level == "anonymous" or (self._master_key is not None and self._has_master_key(request))

    def _has_master_key(self, request: Request) -> bool:
        given = request.headers.get("x-functions-key") or to_worker(request, {}).http.query.get("code", "")  # type: ignore[union-attr]  # set by to_worker
        return self._master_key is None or hmac.compare_digest(given.encode(), self._master_key.encode())

    def _admin(self, request: Request, path: str) -> Response:
        """Answer the host's own API, https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http."""
        if not self._has_master_key(request):
            return empty(401)
        parts = path.lower().split("/")[1:]
        if request.method == "POST" and parts[:1] == ["functions"] and len(parts) == 2:
            return self._start_function(parts[1], request)
        if request.method == "GET" and parts == ["functions"]:
            return as_json(200, [_describe(function) for function in self._functions])
        if request.method == "GET" and parts == ["host", "status"]:
            uptime = round((time.monotonic() - self._started) * 1000)
            return as_json(200, {"id": "local", "state": "Running", "processUptime": uptime})
        return empty(200) if parts == ["host", "ping"] else empty(404)

    def _start_function(self, name: str, request: Request) -> Response:
        function = next((f for f in self._functions if f.name.lower() == name), None)
        if function is None:
            return empty(404)
        if not request.headers.get("content-type", "").startswith("application/json"):
            return empty(415)
        try:
            given = json.loads(request.body).get("input")
        except (ValueError, AttributeError):
            return empty(400)
        if function.kind == "httpTrigger":
            return as_json(400, {"message": f"{function.name} is an HTTP function: call its route."})
        self._in_background(function, "" if given is None else given if isinstance(given, str) else json.dumps(given))
        return empty(202)

    def _in_background(self, function: Function, given: str) -> None:
        async def run() -> None:
            try:
                await self._run_now(function, given)
            except FunctionFailed:
                log.warning("%s, started by hand, failed", function.name)

        task = asyncio.get_running_loop().create_task(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _describe(function: Function) -> dict[str, object]:
    return {"name": function.name, "language": "python", "config": {"bindings": list(function.bindings)}}
