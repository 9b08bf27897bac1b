"""Route templates as the Functions host matches them, which is ASP.NET Core's attribute routing.

Rules: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates and
https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dev.doors.errors import HostError

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
AUTH_LEVELS = frozenset({"anonymous", "function", "admin"})

type Check = Callable[[str], bool]

_ESCAPED = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<checks>(?::[^?={}]+)*)(?P<optional>\?)?\}"
)


@dataclass(frozen=True)
class Route:
    """A template and the methods it answers to; no methods means all."""

    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Check], ...]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the route parameters, or None. `path` is decoded and has no slash at either end."""
        if self.methods and method not in self.methods:
            return None
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value is not None}
        return values if all(check(values[name]) for name, check in self.checks if name in values) else None


def parse_route(template: str, prefix: str, methods: Iterable[str]) -> Route:
    """Build the route of a function. Raises HostError with what is wrong, and no function name."""
    _refuse_reserved(template)
    if template.startswith("/") and prefix:
        raise HostError(
            f'route "{template}" begins with a slash, which after the prefix "{prefix}" makes "//": drop it'
        )
    allowed = frozenset(method.upper() for method in methods)
    if not allowed <= METHODS:
        raise HostError(f"unknown method {', '.join(sorted(allowed - METHODS))}")
    full = "/".join(part for part in (prefix, template.lstrip("/")) if part)
    pattern, checks = _compile(full)
    return Route(full, allowed, pattern, checks)


def route_identity(route: Route) -> str:
    """Return what two routes have in common that match the same paths: names of parameters do not count."""
    return re.sub(r"\{(\**)\w+", r"{\1", route.template).lower()


def decode_path(raw: str) -> str:
    """Decode the path of a request line as Kestrel does: %2F stays, and so does what is no UTF-8; dot segments go.

    Raises ValueError on %00. https://github.com/aspnet/HttpAbstractions/pull/448
    """
    decoded = "%2F".join(_ESCAPED.sub(_decode_run, part) for part in re.split("%2F", raw, flags=re.IGNORECASE))
    if "\0" in decoded:
        raise ValueError("NUL in the path")
    return _without_dots(decoded).removeprefix("/").removesuffix("/")


def _decode_run(found: re.Match[str]) -> str:
    """Decode escaped bytes that follow each other; those that make no character stay escaped."""
    escaped, decoded = found[0], ""
    while escaped:
        raw = bytes.fromhex(escaped.replace("%", ""))
        try:
            return decoded + raw.decode()
        except UnicodeDecodeError as error:
            decoded += raw[: error.start].decode() + escaped[3 * error.start : 3 * error.end]
            escaped = escaped[3 * error.end :]
    return decoded


def _without_dots(path: str) -> str:
    """Remove "." and ".." segments, RFC 3986 section 5.2.4."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in {".", ".."}:
            kept.append(segment)
    return "/".join(kept)


def _refuse_reserved(template: str) -> None:
    reserved = template.lower().startswith(("admin", "runtime"))
    if reserved:
        raise HostError(f'route "{template}" begins with "admin" or "runtime", which are the host\'s own: rename it')


def _compile(template: str) -> tuple[re.Pattern[str], tuple[tuple[str, Check], ...]]:
    checks: list[tuple[str, Check]] = []
    pattern = ""
    segments = template.split("/") if template else []
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        pattern += _segment_pattern(segment, "/" if position else "", last, checks)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL), tuple(checks)


def _segment_pattern(segment: str, slash: str, last: bool, checks: list[tuple[str, Check]]) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole is None:
        return slash + _mixed_segment(segment, checks)
    _collect_checks(whole, checks)
    if whole["star"]:
        _require_last(last, segment)
        return rf"(?:{slash}(?P<{whole['name']}>.+)?)?"
    if whole["optional"]:
        _require_last(last, segment)
        return rf"(?:{slash}(?P<{whole['name']}>[^/]+))?"
    return rf"{slash}(?P<{whole['name']}>[^/]+)"


def _require_last(last: bool, segment: str) -> None:
    if not last:
        raise HostError(f'"{segment}" can only be the last part of a route')


def _mixed_segment(segment: str, checks: list[tuple[str, Check]]) -> str:
    """Return the pattern of literal text with parameters within, such as `report-{id}.csv`."""
    pattern, rest = "", 0
    for parameter in _PARAMETER.finditer(segment):
        if parameter["star"] or parameter["optional"]:
            raise HostError(f'"{segment}": a catch-all or optional parameter must be a part of its own')
        _collect_checks(parameter, checks)
        pattern += re.escape(segment[rest : parameter.start()]) + rf"(?P<{parameter['name']}>[^/]+)"
        rest = parameter.end()
    literal = re.sub(_PARAMETER, "", segment)
    if not segment or set(literal) & set("{}?*"):
        raise HostError(f'"{segment}" is no part of a route template that this host understands')
    return pattern + re.escape(segment[rest:])


def _collect_checks(parameter: re.Match[str], checks: list[tuple[str, Check]]) -> None:
    checks.extend((parameter["name"], _check(text)) for text in parameter["checks"].split(":")[1:])


def _check(text: str) -> Check:
    name, _, arguments = text.partition("(")
    values = [value.strip() for value in arguments.removesuffix(")").split(",")] if arguments else []
    make = _CHECKS.get(name.lower())
    if make is None:
        raise HostError(f'unknown route constraint ":{text}"')
    try:
        return make(*values)
    except (TypeError, ValueError, re.error):
        raise HostError(f'route constraint ":{text}" has wrong arguments') from None


def _parses(parse: Callable[[str], Any]) -> Check:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


def _integer(bits: int) -> Check:
    limit = 1 << (bits - 1)
    return lambda value: re.fullmatch(r"[+-]?\d{1,20}", value, re.ASCII) is not None and -limit <= int(value) < limit


def _length(least: str, most: str = "") -> Check:
    low, high = int(least), int(most or least)
    return lambda value: low <= len(value) <= high


def _between(least: float, most: float) -> Check:
    whole = _integer(64)
    return lambda value: whole(value) and least <= int(value) <= most


_CHECKS: Mapping[str, Callable[..., Check]] = {
    "int": lambda: _integer(32),
    "long": lambda: _integer(64),
    "bool": lambda: lambda value: value.lower() in {"true", "false"},
    "alpha": lambda: lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "guid": lambda: _parses(uuid.UUID),
    "datetime": lambda: _parses(datetime.fromisoformat),
    "double": lambda: _parses(float),
    "decimal": lambda: _parses(float),
    "float": lambda: _parses(float),
    "length": _length,
    "minlength": lambda least: _length(least, "1000000"),
    "maxlength": lambda most: _length("0", most),
    "min": lambda least: _between(int(least), float("inf")),
    "max": lambda most: _between(float("-inf"), int(most)),
    "range": lambda least, most: _between(int(least), int(most)),
    "required": lambda: bool,
}
