"""Carries requests of the `requests` library straight into an emulator in the same process."""

import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from dev.graph.client_proofs import IDENTITY_HOST
from dev.graph.hosts import GRAPH_HOSTS, LOGIN_HOSTS
from dev.graph.wire import ConnectionLost, Request, Response

if TYPE_CHECKING:
    from dev.graph.emulator import Emulator


class EmulatorAdapter(HTTPAdapter):
    """Mount it at `https://`: Graph, sign-in and the key vaults are the emulator, any other host cannot be reached."""

    def __init__(self, emulator: "Emulator") -> None:
        super().__init__()
        self._emulator = emulator

    def send(  # noqa: PLR0917 - the signature of the base class
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the whole answer is there anyway
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: ARG002 - there is no certificate
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,  # noqa: ARG002 - nor one of ours
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - nor a way outside
    ) -> requests.Response:
        """Answer the request, or fail as the network does."""
        incoming = _incoming(request)
        known = incoming.host in (*GRAPH_HOSTS, *LOGIN_HOSTS, IDENTITY_HOST)
        if not known and not self._emulator.gateway.vaults.handles(incoming.host):
            raise requests.ConnectionError(f"{incoming.host} is not part of the emulator", request=request)
        started = time.monotonic()
        try:
            response = self._emulator.handle(incoming)
        except ConnectionLost as lost:
            raise requests.ConnectionError("Connection aborted: no answer came", request=request) from lost
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        if patience is not None and time.monotonic() - started > patience:
            raise requests.ReadTimeout(f"Read timed out after {patience} s", request=request)
        return self.build_response(request, _raw(response, incoming.method))


def _incoming(request: requests.PreparedRequest) -> Request:
    body: Any = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    raw = body.encode() if isinstance(body, str) else bytes(body)
    return Request(str(request.method).upper(), str(request.url), headers, raw)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _raw(response: Response, method: str) -> HTTPResponse:
    content = b"" if method == "HEAD" else response.content
    headers = {**response.headers, "Content-Length": str(len(content))}
    return HTTPResponse(io.BytesIO(content), headers=headers, status=response.status, preload_content=False)
