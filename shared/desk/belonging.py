"""What a user or an agent belongs to: roles, teams, boards. Each belonging says who gave it.

``given_by`` is ``hand`` or the id of a connection, whose directory then also takes it away; neither touches what the
other gave.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

BY_HAND = "hand"


class Belonging(Protocol):
    """What all of them have."""

    @property
    def given_by(self) -> str:
        """Who gave it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has."""

    role_id: str
    given_by: str = BY_HAND


@dataclass(frozen=True, slots=True)
class Membership:
    """An agent in a team: whether they are given tickets, and which of its tickets they see besides their own."""

    team_id: str
    given_by: str = BY_HAND
    assignable: bool = True
    sees_unassigned: bool = True
    sees_others: bool = True


@dataclass(frozen=True, slots=True)
class Seat:
    """A user on a board, with one of the board's roles, or none."""

    board_id: str
    role: str = ""
    given_by: str = BY_HAND


def with_hand_given[B: Belonging](present: Iterable[B], wanted: Iterable[B]) -> tuple[B, ...]:
    """What somebody belongs to once exactly ``wanted`` is given by hand; what others gave stays."""
    return (*(each for each in present if each.given_by != BY_HAND), *wanted)
