"""Microsoft's Python worker runtime, one in a process: indexes the function app and runs its functions."""

import asyncio
import contextlib
import logging
import re
import sys
import threading
import time
import uuid
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime

from dev.doors import protos
from dev.doors.errors import FunctionFailed, HostError

log = logging.getLogger("functions")

# Which function runs under which invocation id, for the log lines. Context variables do not reach the thread pool.
running: dict[str, str] = {}


@dataclass(frozen=True)
class Call:
    """One invocation: the value of the trigger's binding, and what the host knows besides (`metadata`)."""

    function_id: str
    function_name: str
    binding: str
    value: protos.TypedData
    metadata: Mapping[str, protos.TypedData] = field(default_factory=dict)
    invocation_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Worker:
    """The runtime with its event loop in a thread of its own, as in Azure.

    Async functions share that loop; sync functions run on the runtime's thread pool, as many at a time as
    PYTHON_THREADPOOL_THREAD_COUNT says.
    """

    def __init__(self, app_folder: Path) -> None:
        self.app_folder = app_folder
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run_loop, name="functions-worker", daemon=True).start()
        self.functions: list[protos.RpcFunctionMetadata] = self.wait_for(self._index())

    def wait_for[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the worker's loop and return what it returns. Not to be called from that loop."""
        return self.submit(work).result()

    def submit[T](self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run a coroutine on the worker's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def invoke(self, call: Call) -> protos.TypedData | None:
        """Run a function; return the value of its return binding, if it has one.

        Raises FunctionFailed if it raised an Exception. Whatever is no Exception goes through as it is.
        """
        started = time.perf_counter()
        running[call.invocation_id] = call.function_name
        # The runtime sets this for sync functions only; set here, the log lines of async ones have it, too.
        token = runtime.invocation_id_cv.set(call.invocation_id)
        try:
            response = await runtime.invocation_request(_invocation(call))
            _log_end(response.result, time.perf_counter() - started)
        finally:
            runtime.invocation_id_cv.reset(token)
            del running[call.invocation_id]
        if response.result.status != protos.StatusResult.Success:
            raised = response.result.exception
            raise FunctionFailed(call.function_name, raised.message, raised.stack_trace)
        returned: protos.TypedData | None = response.return_value
        return returned

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        while True:
            # A function that calls sys.exit() must not take the others with it.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()

    async def _index(self) -> list[protos.RpcFunctionMetadata]:
        start = SimpleNamespace(capabilities={}, function_app_directory=str(self.app_folder))
        response = await runtime.worker_init_request(_request(worker_init_request=start))
        _check(response.result, "the function app cannot be indexed")
        answer = await runtime.functions_metadata_request(_request())
        _check(answer.result, "the functions cannot be listed")
        found: list[protos.RpcFunctionMetadata] = answer.function_metadata_results
        for function in found:
            load = SimpleNamespace(function_id=function.function_id)
            loaded = await runtime.function_load_request(_request(function_load_request=load))
            _check(loaded.result, f"function {function.name} cannot be loaded")
        return found


_workers: dict[str, Worker] = {}


def worker_for(app_folder: Path) -> Worker:
    """Return this process's worker. The runtime keeps its index in module globals: one app in a process, ever.

    Every call starts the thread pool anew, with the number of threads that the settings now say.
    """
    folder = app_folder.resolve()
    others = [other for other in _workers if other != str(folder)]
    if others:
        message = f"This process already serves the function app in {others[0]}. Start another process for {folder}."
        raise HostError(message)
    runtime.start_threadpool_executor()
    if str(folder) not in _workers:
        if not (folder / "function_app.py").exists():
            message = f"There is no function_app.py in {folder}. Start the host in the folder of the function app."
            raise HostError(message)
        sys.path.insert(0, str(folder))
        _workers[str(folder)] = Worker(folder)
    return _workers[str(folder)]


def _log_end(result: protos.StatusResult, seconds: float) -> None:
    if result.status == protos.StatusResult.Success:
        log.info("done in %.0f ms", seconds * 1000)
    else:
        log.error("failed after %.0f ms: %s", seconds * 1000, _of_the_app(result.exception.stack_trace))


def _of_the_app(stack: str) -> str:
    """Return a traceback from the app's own first frame on."""
    return re.split(r"in execute_a?sync\n +return .*\n(?: +[\^~]+\n)?", stack)[-1].rstrip()


def _check(result: protos.StatusResult, what: str) -> None:
    if result.status != protos.StatusResult.Success:
        message = f"{what}: {result.exception.message}\n{result.exception.stack_trace}"
        raise HostError(message.rstrip())


def _request(**body: object) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**body), properties={"host": "127.0.0.1", "protos": protos})


def _invocation(call: Call) -> SimpleNamespace:
    return _request(
        invocation_request=SimpleNamespace(
            invocation_id=call.invocation_id,
            function_id=call.function_id,
            input_data=[protos.ParameterBinding(name=call.binding, data=call.value)],
            trigger_metadata=dict(call.metadata),
            trace_context=SimpleNamespace(trace_parent=_trace_parent(call), trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
    )


def _trace_parent(call: Call) -> str:
    """Return a W3C trace context, https://www.w3.org/TR/trace-context/#traceparent-header."""
    trace = call.invocation_id.replace("-", "")
    return f"00-{trace}-{trace[:16]}-00"
