"""What stands before the whole API: callers are checked and bodies measured before anything is read or routed.

So a stranger cannot tell an address that exists from one that does not, nor make us parse what they send.
"""

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import runtime
from shared.api import authentication, problems
from shared.api.roles import Caller
from shared.upgrades import readiness

LARGEST_BODY = 256 * 1024
HEALTH = "/api/v1/health"
_MARKS = ((b"cache-control", b"private, no-store"), (b"x-content-type-options", b"nosniff"))


class Gate:
    """An ASGI application in front of another one; nothing that goes wrong behind it gets past it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http":
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(_marked(message))

        try:
            # In a thread: it may have to ask Entra for its keys, and the webhook must not wait for that.
            caller = await run_in_threadpool(_let_in, scope)
            body = await _read(receive)
            await self._app({**scope, authentication.SCOPE_NAME: caller}, _Replayed(body, receive), watched)
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            if not started:
                await problems.answer_error(error)(scope, receive, watched)


def _let_in(scope: Scope) -> Caller:
    """Who calls. Whatever the storage is like, its health is told."""
    rt = runtime.current()
    caller = authentication.identify(rt, _lowered(scope))
    if scope["path"] != HEALTH:
        readiness.check(rt)
    return caller


def _lowered(scope: Scope) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope["headers"]}


def _marked(message: Message) -> Message:
    """The start of an answer with what no cache and no browser may do with it."""
    if message["type"] != "http.response.start":
        return message
    present = {name.lower() for name, _ in message["headers"]}
    return {**message, "headers": [*message["headers"], *(each for each in _MARKS if each[0] not in present)]}


class _Replayed:
    """A body that was read already, given once more."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY:
            raise problems.TooLarge(
                f"The body has more than {LARGEST_BODY} bytes.", "No request of this API needs so much."
            )
        if not message.get("more_body", False):
            return body
