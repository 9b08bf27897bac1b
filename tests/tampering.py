"""Standing between the app and what it talks to: answers that are lost or refused, and answers that are altered."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from tests.world import World

Carry = Callable[[], requests.Response]
Tamper = Callable[[requests.PreparedRequest, Carry], requests.Response]


class TamperingAdapter(BaseAdapter):
    """Gives each request to ``tamper``, which may carry it or not, and may answer something else."""

    def __init__(self, inner: BaseAdapter, tamper: Tamper) -> None:
        super().__init__()
        self._inner, self._tamper = inner, tamper

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passed on as they come
        """Carry one request, or not."""
        return self._tamper(request, lambda: self._inner.send(request, **options))

    def close(self) -> None:
        """End the inner adapter."""
        self._inner.close()


def tamper_with_storage(world: World, tamper: Tamper) -> None:
    """From now until the app starts anew, storage is reached only past ``tamper``."""
    session = world.rt.transport.session
    for prefix, inner in list(session.adapters.items()):
        if prefix.startswith("http://127.0.0.1"):
            session.mount(prefix, TamperingAdapter(inner, tamper))


def tamper_with_graph(world: World, tamper: Tamper) -> None:
    """From now until the app starts anew, Graph is reached only past ``tamper``."""
    assert world.rt.http is not None
    world.rt.http.mount("https://", TamperingAdapter(world.rt.http.get_adapter("https://graph.microsoft.com"), tamper))


def body_of(request: requests.PreparedRequest) -> bytes:
    """What a request sends."""
    body = request.body or b""
    return body if isinstance(body, bytes) else str(body).encode()


def answer(request: requests.PreparedRequest, status: int, body: bytes = b"", **headers: str) -> requests.Response:
    """An answer that nobody sent."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = HTTPResponse(BytesIO(body), named, status, preload_content=False, request_method=request.method)
    return HTTPAdapter().build_response(request, raw)


def with_claims(claims: dict[str, Any] | None) -> Tamper:
    """Entra's answers, with other claims in their ID token; None leaves the token out."""

    def tamper(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        came = carry()
        found = came.json() if "/token" in str(request.url) else {}
        if "id_token" not in found:
            return came
        head, middle, tail = found.pop("id_token").split(".")
        if claims is not None:
            said = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4))) | claims
            found["id_token"] = f"{head}.{urlsafe_b64encode(json.dumps(said).encode()).decode()}.{tail}"
        return answer(request, 200, json.dumps(found).encode(), Content_Type="application/json")

    return tamper
