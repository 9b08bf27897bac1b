"""HTTP triggers: a request as the worker is given it, and a function's return value as the client sees it."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from dev.doors.protos import RpcHttp, RpcHttpCookie, TypedData

SERVERS_OWN = {"connection", "content-length", "date", "server", "transfer-encoding"}  # not for a function to say


@dataclass(frozen=True)
class Request:
    """A request. `path` is as it stands in the request line, `query` without its question mark, headers lower-cased."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    origin: str = "http://localhost"


class Response(NamedTuple):
    """What the client gets: headers with lower-cased names, cookies as the values of Set-Cookie."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


def empty(status: int) -> Response:
    """Return a response of nothing but a status."""
    return Response(status, {}, b"")


def as_json(status: int, value: object) -> Response:
    """Return a response of the host itself."""
    return Response(status, {"content-type": "application/json; charset=utf-8"}, json.dumps(value).encode())


def to_worker(request: Request, route_parameters: dict[str, str]) -> TypedData:
    """Return a request as the worker gets it.

    Of equally named query parameters the values are joined by commas, empty ones are missing; the whole is in the URL.
    """
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.query):
        query[name] = f"{query[name]},{value}" if name in query else value
    return TypedData(
        http=RpcHttp(
            method=request.method,
            url=f"{request.origin}{request.path}{'?' if request.query else ''}{request.query}",
            headers=request.headers,
            body=TypedData(bytes=request.body) if request.body else TypedData(),
            params=route_parameters,
            query=query,
        )
    )


def from_worker(returned: TypedData | None) -> Response:
    """Return what a function's return value becomes. A text that is a JSON object with a "body" is a whole response."""
    if returned is None or returned.WhichOneof("data") is None:
        return empty(204)
    if returned.http is not None:
        return _from_http(returned.http)
    if returned.string is not None:
        return _from_text(returned.string)
    return Response(200, {"content-type": "application/json; charset=utf-8"}, (returned.json or "").encode())


def _from_http(http: RpcHttp) -> Response:
    headers = {name.lower(): value for name, value in http.headers.items() if name.lower() not in SERVERS_OWN}
    cookies = tuple(_cookie(cookie) for cookie in http.cookies)
    return Response(int(http.status_code or 200), headers, http.body.bytes or b"", cookies)


def _from_text(text: str) -> Response:
    try:
        value = json.loads(text)
    except ValueError:
        return Response(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())
    if not isinstance(value, dict) or "body" not in {key.lower() for key in value}:
        return Response(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())
    parts = {key.lower(): item for key, item in value.items()}
    body = parts["body"] if isinstance(parts["body"], str) else json.dumps(parts["body"])
    headers = {str(name).lower(): str(item) for name, item in (parts.get("headers") or {}).items()}
    return Response(int(parts.get("status") or parts.get("statuscode") or 200), headers, body.encode())


def _cookie(cookie: RpcHttpCookie) -> str:
    """Return a Set-Cookie value as ASP.NET Core writes it, which percent-encodes name and value."""
    parts = [f"{quote(cookie.name, safe='')}={quote(cookie.value, safe='')}"]
    if cookie.max_age is not None:
        parts.append(f"max-age={cookie.max_age.value:.0f}")
    if cookie.domain is not None and cookie.domain.value:
        parts.append(f"domain={cookie.domain.value}")
    if cookie.path is not None and cookie.path.value:
        parts.append(f"path={cookie.path.value}")
    if cookie.secure is not None and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site:
        parts.append(f"samesite={('', 'lax', 'strict', 'none')[cookie.same_site]}")
    if cookie.http_only is not None and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)
