"""The part of OData's `$filter` language that mail and users need, parsed and checked against the types of a schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from dev.graph.wire import GraphError, NotEmulated

type Reader = Callable[[str], Any]
type Predicate = Callable[[Reader], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w/.]*)|(?P<sign>[(),]))"
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"eq": eq, "ne": ne, "gt": gt, "ge": ge, "lt": lt, "le": le}
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}


@dataclass
class Filter:
    """A parsed filter: the test itself, the properties in the order of their use, and the operators."""

    matches: Predicate
    properties: list[str]
    operators: set[str]


@dataclass
class _Parser:
    tokens: list[tuple[str, str]]
    schema: dict[str, str]
    properties: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> tuple[str, str]:
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise _invalid(f"Syntax error at position {self.at}.")
        self.at += 1
        return self.tokens[self.at - 1]

    def any_of(self) -> Predicate:
        found = [self.all_of()]
        while self.peek() == "or":
            self.take()
            found.append(self.all_of())
        return found[0] if len(found) == 1 else lambda row: any(test(row) for test in found)

    def all_of(self) -> Predicate:
        found = [self.one()]
        while self.peek() == "and":
            self.take()
            found.append(self.one())
        return found[0] if len(found) == 1 else lambda row: all(test(row) for test in found)

    def one(self) -> Predicate:
        word = self.peek()
        if word == "not":
            self.take()
            self.operators.add("not")
            inner = self.one()
            return lambda row: not inner(row)
        if word == "(":
            self.take()
            grouped = self.any_of()
            self.take(")")
            return grouped
        return self.text_test() if word in _TEXT_TESTS else self.comparison()

    def text_test(self) -> Predicate:
        name = self.take()[1]
        self.take("(")
        path = self.property()
        self.take(",")
        value = self.literal("string")
        self.take(")")
        self.operators.add(name)
        test = _TEXT_TESTS[name]
        return lambda row: test(_folded(row(path)) or "", _folded(value))

    def comparison(self) -> Predicate:
        path = self.property()
        name = self.take()[1]
        if name not in _OPERATORS:
            raise _invalid(f"'{name}' is no operator.")
        value = _folded(self.literal(self.schema[path]))
        self.operators.add(name)
        test = _OPERATORS[name]
        return lambda row: _compare(test, _folded(row(path)), value)

    def property(self) -> str:
        kind, path = self.take()
        if kind == "word" and path.endswith(("/any", "/all")):
            raise NotEmulated(f"$filter with {path}")
        if kind != "word" or path not in self.schema:
            raise _invalid(f"Could not find a property named '{path}'.")
        self.properties.append(path)
        return path

    def literal(self, wanted: str) -> Any:
        kind, text = self.take()
        if text == "null":
            return None
        readers: dict[str, Callable[[str], Any]] = {"text": _unquoted, "moment": _moment, "number": float}
        if kind == "word" and text in ("true", "false"):
            given, value = "boolean", text == "true"
        elif kind in readers:
            given, value = {"text": "string", "moment": "moment", "number": "number"}[kind], readers[kind](text)
        else:
            raise _invalid(f"'{text}' is no literal.")
        if given != wanted:
            raise _invalid(f"A binary operator with incompatible types was detected: '{wanted}' and '{given}'.")
        return value


def parse_filter(text: str, schema: dict[str, str]) -> Filter:
    """Parse `text`; `schema` maps property paths to `string`, `boolean`, `moment` or `number`. Refused with 400."""
    parser = _Parser(_tokens(text), schema)
    test = parser.any_of()
    if parser.peek():
        raise _invalid(f"Syntax error at '{parser.peek()}'.")
    return Filter(test, list(dict.fromkeys(parser.properties)), parser.operators)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _invalid(f"Syntax error at position {at} in '{text}'.")
        found.append((str(token.lastgroup), token[str(token.lastgroup)]))
        at = token.end()
    return found


def _compare(test: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return (test is eq and left is right) or (test is ne and left is not right)
    return test(left, right)


def _folded(value: Any) -> Any:
    """Exchange and the directory both compare text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise _invalid(f"'{text}' is no date and time.") from error


def _invalid(why: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Invalid filter clause: {why}")
