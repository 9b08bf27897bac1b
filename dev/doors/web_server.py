"""The host's HTTP/1.1 server on 127.0.0.1: keep-alive, no delay, nothing beyond what a local host needs."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus

from dev.doors.http_trigger import Request, Response, empty

MOST_HEADER_BYTES = 32 * 1024  # Kestrel's MaxRequestHeadersTotalSize
MOST_BODY_BYTES = 210_000_000  # the Functions host's limit: https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits

type Answer = Callable[[Request], Awaitable[Response]]


class _BadRequest(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


async def serve(answer: Answer, port: int) -> asyncio.Server:
    """Listen on 127.0.0.1 and answer every request with `answer`. Port 0 takes a free one."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client may hang up at any moment; that is nothing to tell anybody about.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _converse(answer, reader, writer)
        writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", port, limit=MOST_HEADER_BYTES, backlog=1024)


def address(server: asyncio.Server) -> str:
    """Return the base URL of a server, without a slash at its end."""
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _converse(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    keep = True
    while keep:
        try:
            request = await _read(reader, writer)
        except _BadRequest as error:
            writer.write(_encode(empty(error.status), keep=False, head=False))
            break
        if request is None:
            break
        keep = request.headers.get("connection", "").lower() != "close"
        response = await answer(request)
        writer.write(_encode(response, keep, head=request.method == "HEAD"))
        await writer.drain()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Read one request, or None where the client has ended the conversation."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _BadRequest(431) from None
    except asyncio.IncompleteReadError:
        return None
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    parts = start.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise _BadRequest(400)
    method, target, _version = parts
    headers = _headers(lines)
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, await _body(reader, writer, headers), _origin(headers))


def _headers(lines: list[str]) -> dict[str, str]:
    """Return headers with lower-cased names; of those that come twice the values are joined by commas."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise _BadRequest(400)
        key, text = name.lower(), value.strip()
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


async def _body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]) -> bytes:
    """Read the body that Content-Length announces. The real host drops a chunked one; this one refuses it aloud."""
    if "transfer-encoding" in headers:
        raise _BadRequest(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _BadRequest(400)
    if int(length) > MOST_BODY_BYTES:
        raise _BadRequest(413)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _origin(headers: dict[str, str]) -> str:
    return f"http://{headers.get('host', 'localhost')}"


def _encode(response: Response, keep: bool, head: bool) -> bytes:
    without_body = response.status in {204, 304} or response.status < 200
    lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in response.headers.items()]
    lines += [f"set-cookie: {_one_line(cookie)}" for cookie in response.cookies]
    lines += [f"date: {formatdate(usegmt=True)}", "server: Kestrel"]
    lines += [] if without_body else [f"content-length: {len(response.body)}"]
    lines += [] if keep else ["connection: close"]
    start = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return start if head or without_body else start + response.body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _one_line(value: str) -> str:
    """Return a header's value without line breaks: with them a function could write headers it did not mean to."""
    return value.replace("\r", " ").replace("\n", " ")
