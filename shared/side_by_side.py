"""Many small reads at a time: storage answers each within milliseconds, which add up where they wait for each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from shared import tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AT_ONCE = 8
"""Requests that are under way together."""


def each[A, R](function: Callable[[A], R], items: Iterable[A]) -> list[R]:
    """What the function gives for each item, in their order; raises what it raised for the first that failed.

    What it counts and logs belongs to the present piece of work.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(tally.carried(function), items))
