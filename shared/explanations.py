"""What an error of Microsoft's means to an admin: the form of a row in our tables, and how a row is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """One thing that goes wrong, under every code that Microsoft has for it.

    ``cause``: what it means; ``cure``: what to do, exactly. ``transient``: the same request may work a little later.
    ``sign_in_lost``: the connection gets no token until a person has done what the cure says.
    """

    codes: tuple[str, ...]
    title: str
    cause: str
    cure: str
    source: str
    transient: bool = False
    sign_in_lost: bool = False


def by_code(explanations: Iterable[Explanation]) -> dict[str, Explanation]:
    """The rows by each of their codes, in lower case: Microsoft is not of one mind about capitals."""
    return {code.lower(): each for each in explanations for code in each.codes}
