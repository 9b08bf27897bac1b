"""A request as it came in, an answer as it goes out, and the error body of Graph."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

type Json = dict[str, Any]

JSON_TYPE = "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8"


class ConnectionLost(Exception):
    """The connection ends here without an answer."""


class GraphError(Exception):
    """An answer of Graph that refuses: status, code and message as in Graph's error body."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


def denied() -> GraphError:
    """Outlook's refusal where permissions are missing."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


class NotEmulated(GraphError):
    """Graph can do this, the emulator cannot yet: a plain 501, so that nobody takes it for Graph's own answer."""

    def __init__(self, what: str) -> None:
        super().__init__(501, "notImplemented", f"The emulator does not do this: {what}")


@dataclass
class Request:
    """One request. `url` is absolute, header names are lower-case."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    in_batch: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.host = (parts.hostname or "").lower()
        self.path, self.query = parts.path, parts.query
        self.id = str(uuid.uuid4())

    @cached_property
    def options(self) -> dict[str, str]:
        """The query options, decoded; an option that is given twice is refused as OData does."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        options = dict(pairs)
        if len(options) != len(pairs):
            raise GraphError(400, "BadRequest", "Query option was specified more than once, but it must be unique.")
        return options

    @cached_property
    def segments(self) -> list[str]:
        """The decoded segments of the path; `name('key')` is two of them."""
        found: list[str] = []
        for part in self.path.strip("/").split("/"):
            name, key = _split_key(unquote(part))
            found += [name] if key is None else [name, key]
        return found

    @cached_property
    def json(self) -> Json:
        """The body as a JSON object, refused in Graph's words when it is none."""
        content_type = self.headers.get("content-type", "").split(";")[0].strip().lower()
        try:
            value = json.loads(self.body) if content_type == "application/json" else None
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise GraphError(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set "
                "and payload is of valid JSON format.",
            )
        return value

    def preferences(self) -> dict[str, str]:
        """The `Prefer` header as lower-case names and unquoted values; a bare preference has the value ''."""
        found: dict[str, str] = {}
        for item in self.headers.get("prefer", "").replace(";", ",").split(","):
            name, _, value = item.partition("=")
            if name.strip():
                found[name.strip().lower()] = value.strip().strip('"')
        return found


@dataclass
class Response:
    """One answer: JSON in `payload`, or bytes in `content`."""

    status: int
    payload: Json | None = None
    content: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)

    def finished(self) -> "Response":
        """The same answer with its bytes and with the headers that say what they are."""
        if self.payload is not None:
            self.content = json.dumps(self.payload).encode()
        if self.content:
            self.headers.setdefault("Content-Type", self.content_type)
        return self


def error_response(request: Request, error: GraphError, moment: datetime) -> Response:
    """Graph's error body, https://learn.microsoft.com/en-us/graph/errors."""
    inner = {
        "date": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request.id,
        "client-request-id": request.headers.get("client-request-id", request.id),
    }
    payload = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    return Response(error.status, payload, headers=dict(error.headers))


def graph_time(moment: datetime) -> str:
    """A moment as Graph writes it for mail: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _split_key(segment: str) -> tuple[str, str | None]:
    """`mailFolders('inbox')` is the segment `mailFolders` and the key `inbox`."""
    name, bracket, rest = segment.partition("('")
    if bracket and rest.endswith("')"):
        return name, rest[:-2].replace("''", "'")
    return segment, None
