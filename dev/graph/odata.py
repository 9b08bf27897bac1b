"""Query options of lists: which are allowed where, what `$select` may name, how pages link to the next."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dev.graph.filters import Filter, parse_filter
from dev.graph.wire import GraphError, Json, NotEmulated, Request

_SYSTEM = {
    "$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$search", "$skiptoken", "$deltatoken",
    "$format",
}  # fmt: skip


def allow(request: Request, *names: str) -> None:
    """Refuse every query option that is not named: what Graph knows as not emulated, what it does not know with 400."""
    for name in request.options:
        if name in names:
            continue
        if name in ("$expand", "$search", "$format"):
            raise NotEmulated(f"{name} on {request.path}")
        known = name.lower() in _SYSTEM
        said = "is not supported here" if known else "is not a known query option"
        raise GraphError(400, "BadRequest", f"The query option '{name}' {said}.")


def selected(request: Request, properties: Iterable[str], type_name: str) -> tuple[str, ...] | None:
    """The names in `$select`, or None without one; a name that the type does not have is refused."""
    text = request.options.get("$select")
    if text is None:
        return None
    known = set(properties) | {"id"}
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise GraphError(
                400, "RequestBroker--ParseUri", f"Could not find a property named '{name}' on type '{type_name}'."
            )
    return names


def filtered(request: Request, schema: dict[str, str]) -> Filter | None:
    """The parsed `$filter`, or None without one."""
    text = request.options.get("$filter")
    return None if text is None else parse_filter(text, schema)


def ordering(request: Request, schema: dict[str, str]) -> list[tuple[str, bool]]:
    """The properties of `$orderby`, each with True for descending."""
    found: list[tuple[str, bool]] = []
    for part in request.options.get("$orderby", "").split(","):
        words = part.split()
        if not words:
            continue
        if words[0] not in schema or words[1:] not in ([], ["asc"], ["desc"]):
            raise GraphError(400, "BadRequest", f"Invalid orderby clause: '{part.strip()}'.")
        found.append((words[0], words[1:] == ["desc"]))
    return found


def whole_number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    """A number among the query options; outside of its limits it is refused."""
    text = request.options.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or not lowest <= int(text) <= highest:
        raise GraphError(
            400, "BadRequest", f"Invalid value '{text}' for {name}: it must be between {lowest} and {highest}."
        )
    return int(text)


def wants_count(request: Request) -> bool:
    """Whether `$count=true` is asked for."""
    value = request.options.get("$count", "false")
    if value not in ("true", "false"):
        raise GraphError(400, "BadRequest", f"Invalid value '{value}' for $count query option.")
    return value == "true"


@dataclass(frozen=True)
class Window:
    """The part of a list that is asked for.

    Mail pages by `$skip`, so a list that changes between two pages shifts; the directory pages by an opaque token.
    """

    top: int
    skip: int
    by_token: bool = False


def page(request: Request, context: str, rows: Sequence[Any], show: Callable[[Any], Json], window: Window) -> Json:
    """One page of `rows` as Graph wraps it, with a link to the next if there is more."""
    end = window.skip + window.top
    body: Json = {"@odata.context": f"{request.origin}/v1.0/$metadata#{context}"}
    if wants_count(request):
        body["@odata.count"] = len(rows)
    body["value"] = [show(row) for row in rows[window.skip : end]]
    if end < len(rows):
        ahead = {"$skiptoken": pack(str(end))} if window.by_token else {"$skip": str(end)}
        body["@odata.nextLink"] = link(request, ahead)
    return body


def link(request: Request, changed: dict[str, str]) -> str:
    """The URL of this request with some of its options changed."""
    options = {**{k: v for k, v in request.options.items() if k not in ("$skip", "$skiptoken")}, **changed}
    return f"{request.origin}{request.path}?{'&'.join(f'{k}={quote(v, safe="")}' for k, v in options.items())}"


def pack(text: str) -> str:
    """An opaque token."""
    return urlsafe_b64encode(text.encode()[::-1]).decode().rstrip("=")


def unpack(token: str) -> str | None:
    """What a token holds, or None if it is not one of ours."""
    try:
        return urlsafe_b64decode(token + "=" * (-len(token) % 4))[::-1].decode()
    except ValueError:
        return None
