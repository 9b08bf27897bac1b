"""Sends requests at set times whatever has or has not been answered (an open loop), from a process of its own.

Reads JSON from standard input, ``{"url": ..., "posts": [[seconds, body], ...]}``, and prints a list of
``[status, seconds]``, in the order of the posts: the time from when each was due to its answer, waiting included.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
KEPT_OPEN = 32
"""Connections opened beforehand; where all are busy, one more is opened."""
HEAD_START = 0.5


class Volley:
    """Posts to one address over connections that are kept."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._idle: list[Connection] = []

    async def fire(self, posts: list[tuple[float, str]]) -> list[tuple[int, float]]:
        """Send each at its time; the status of each answer (0: none) and how long it took."""
        self._idle = [await self._connect() for _ in range(KEPT_OPEN)]
        start = asyncio.get_running_loop().time() + HEAD_START
        return await asyncio.gather(*(self._send(start + at, body.encode()) for at, body in posts))

    async def _send(self, due: float, body: bytes) -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(due - loop.time())
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            status = await self._exchange(connection, body)
            self._idle.append(connection)
        except (OSError, asyncio.IncompleteReadError):
            status = 0
        return status, loop.time() - due

    async def _connect(self) -> Connection:
        return await asyncio.open_connection(self._url.hostname, self._url.port)

    async def _exchange(self, connection: Connection, body: bytes) -> int:
        reader, writer = connection
        head = (
            f"POST {self._url.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next((int(line.split(":")[1]) for line in answer if line.lower().startswith("content-length:")), 0)
        await reader.readexactly(length)
        return int(answer[0].split()[1])


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(asyncio.run(Volley(given["url"]).fire(given["posts"]))))
