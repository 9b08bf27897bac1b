"""Whether a person passes a comparison of one of their properties.

Regular expressions are RE2's (https://github.com/google/re2/wiki/Syntax): their time is in proportion to the text,
whatever an admin writes. They may match anywhere in the value; ``^`` and ``$`` bind them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from shared.directory.persons import Person
from shared.directory.rules import Criterion, Operator

LONGEST_PATTERN = 500
_LONGEST_VALUE = 4_000
_MOST_MEMORY = 1 << 20
"""Bytes for one compiled expression, RE2's own measure; a larger one is refused when it is entered."""

_WORDS: dict[Operator, str] = {
    "equals": "equals",
    "not_equals": "does not equal",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "empty": "is empty",
    "not_empty": "is not empty",
    "matches": "matches",
}
_POSITIVE: dict[Operator, Callable[[str, str], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "contains": lambda value, wanted: wanted in value,
    "starts_with": lambda value, wanted: value.startswith(wanted),
}


def passes(criterion: Criterion, person: Person) -> bool:
    """Whether a person passes. Of several values one must pass, or, for a negative operator, all of them."""
    values = person.texts(criterion.field)
    match criterion.operator:
        case "empty":
            return not values
        case "not_empty":
            return bool(values)
        case "matches":
            return any(matches(criterion.value, value) for value in values or ("",))
    positive, negated = _positive(criterion.operator)
    wanted = folded(criterion.value)
    return negated != any(_POSITIVE[positive](folded(value), wanted) for value in values or ("",))


def _positive(operator: Operator) -> tuple[Operator, bool]:
    """An operator without its *not*, and whether it had one."""
    for each in _POSITIVE:
        if operator == f"not_{each}":
            return each, True
    return operator, False


def folded(text: str) -> str:
    """A text as it is compared: without regard to case and to how accents are put together."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())


def matches(pattern: str, value: str) -> bool:
    """Whether a regular expression is found in a value, case being told apart; False for one that is none."""
    if find_fault(pattern):
        return False
    return _compiled(pattern).search(_sound(value[:_LONGEST_VALUE])) is not None


def find_fault(pattern: str) -> str:
    """What is wrong with a regular expression, empty for nothing."""
    if not pattern:
        return "it is empty"
    if len(pattern) > LONGEST_PATTERN:
        return f"it is longer than {LONGEST_PATTERN} characters"
    try:
        _compiled(pattern)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    except UnicodeEncodeError:
        return "it holds half a character"
    return ""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return re2.compile(pattern, options)


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def described(criterion: Criterion) -> str:
    """A comparison in words."""
    words = f"{criterion.field} {_WORDS[criterion.operator]}"
    return words if criterion.operator in {"empty", "not_empty"} else f"{words} '{criterion.value}'"
