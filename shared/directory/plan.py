"""A plan: what is to be done about each person, and why. Made without doing it; a preview is a plan not applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from shared.desk.agents import Agent
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory.reasons import IN_THE_WAY, Reason

Outcome = Literal["create", "update", "deactivate", "unchanged", "skip", "refuse"]
"""*skip*: not for this desk, as the rules say; *refuse*: something is contradictory and a person must look."""
Removal = Literal["deactivation", "role", "team", "seat", "license"]
"""What a run may take away; *license* stands for all links to licenses that one person loses."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that changes, and what made it so: the mapping, the group, a default.

    ``field``: a field of the user, or ``agent.`` and a field of the agent. Roles, teams and seats change one by one.
    Ids of the desk are shown as names.
    """

    field: str
    before: str
    after: str
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at for a person, and what came of it; ``mapping``: the id of the one looked at."""

    what: str
    came_of_it: str
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be done about one person.

    ``matched_by``: *id*, a field, *new*, or empty. ``user``, ``agent``: as they will be; ``user_before``,
    ``agent_before``: as they are. ``removals``: what is taken away, one for each, which the guard may hold;
    ``user_held``, ``agent_held``: as they will be while that is held, None where nothing is taken away.
    ``site_to_make``: a site that the user is at and that is not there yet; the same for everybody who needs it.
    ``address_from``: the id of the user who had the address until now and is to lose it, empty for nobody.
    """

    object_id: str
    name: str
    outcome: Outcome
    reason: Reason
    matched_by: str = ""
    user_mapping: str = ""
    agent_mapping: str = ""
    user_before: User | None = None
    user: User | None = None
    agent_before: Agent | None = None
    agent: Agent | None = None
    user_held: User | None = None
    agent_held: Agent | None = None
    removals: tuple[Removal, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = field(default=())
    site_to_make: Site | None = None
    address_from: str = ""

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What is in the way that may go by itself or by hand, as reasons."""
        return tuple(sorted({step.what for step in self.steps if step.what in IN_THE_WAY}))

    @property
    def is_waiting(self) -> bool:
        """Whether something is in the way: they are to be looked at when it may be gone."""
        return bool(self.obstacles)

    @property
    def does_something(self) -> bool:
        """Whether applying it writes anything of the desk."""
        return self.site_to_make is not None or self.user != self.user_before or self.agent != self.agent_before
