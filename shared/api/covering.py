"""What is told of people, who belong to the desk: nothing of connections that the caller does not see."""

from typing import Any

from shared.api.paging import Page
from shared.api.values import Output

_NAMING = ("source", "origin", "deactivated_by", "given_by")
"""Fields that name a connection: by its id, or at the beginning (``id/record``)."""


def cover[M: Output](shown: M, hidden: frozenset[str]) -> M:
    """The same without a word of the hidden connections; where one was named there is nothing."""
    return type(shown).model_validate(_covered(shown.model_dump(), hidden)) if hidden else shown


def cover_all[M: Output](page: Page[M], hidden: frozenset[str]) -> Page[M]:
    """The same for each on a page."""
    return Page(items=[cover(each, hidden) for each in page.items], next=page.next)


def _covered(values: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    return {name: _told(name, value, hidden) for name, value in values.items()}


def _told(name: str, value: Any, hidden: frozenset[str]) -> Any:
    if name in _NAMING:
        return "" if str(value).partition("/")[0] in hidden else value
    if name == "licenses":  # their ids begin with the connection that they were bought through
        return [each for each in value if each.partition("~")[0] not in hidden]
    if isinstance(value, list):
        return [_covered(each, hidden) if isinstance(each, dict) else each for each in value]
    return value
