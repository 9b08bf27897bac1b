"""What becomes of one half of a person, the user or the agent: half an entry of a plan."""

from __future__ import annotations

from dataclasses import dataclass

from shared.desk.agents import Agent
from shared.desk.people import User
from shared.directory.identifying import Context, Identified
from shared.directory.plan import FieldChange, Removal, Step
from shared.directory.reasons import MEANINGS, Reason
from shared.directory.standing import Standing


@dataclass(frozen=True, slots=True)
class Part[Half: (User, Agent)]:
    """As they are, as they will be, and as they will be while nothing may be taken away; all None for nobody.

    ``reason``: what there is to say beyond that something changes, None for nothing.
    """

    before: Half | None = None
    after: Half | None = None
    held: Half | None = None
    reason: Reason | None = None
    changes: tuple[FieldChange, ...] = ()
    removals: tuple[Removal, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def made(self) -> bool:
        """Whether it is a newcomer."""
        return self.before is None and self.after is not None

    @property
    def changed(self) -> bool:
        """Whether anything is written."""
        return self.before != self.after

    @property
    def deactivated(self) -> bool:
        """Whether they become inactive."""
        return "deactivation" in self.removals


@dataclass(frozen=True, slots=True)
class Case[Half: (User, Agent)]:
    """What a part is made of. ``before``: None for a newcomer; ``base``: ``before``, or an empty newcomer."""

    context: Context
    known: Identified
    before: Half | None
    base: Half
    standing: Standing

    def why_active(self) -> str:
        """What makes them active or inactive, in words."""
        return MEANINGS[self.standing.reason].text if self.standing.reason else "everybody who is taken is active"


def removals_of(kind: Removal, removed: tuple[object, ...]) -> tuple[Removal, ...]:
    """One for each thing that is taken away."""
    return (kind,) * len(removed)


def matched(by: str) -> str:
    """How somebody was found, in words."""
    return "they are new" if by == "new" else f"found by {by}"
