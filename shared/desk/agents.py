"""Agents: who works on tickets. Each is a user, too; their ids are made of the user's, so that nobody is two agents."""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.desk import keeping
from shared.desk.belonging import Held, Membership
from shared.desk.columns import columns, named_texts, things
from shared.desk.findable import Findable
from shared.desk.keeping import Kind
from shared.runtime import Runtime
from shared.storage.rows import fill
from shared.storage.tables import Change, Row

License = Literal["named", "concurrent"]

_NAMESPACE = uuid.UUID("c0b9e1f4-3d0d-4a55-9a0e-6f1f6d7f2a90")


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who works on tickets. ``license``: their own, or one that agents share.

    ``default_team``: the id of a team; ``line_manager``: the id of an agent; the rest as a user has it.
    """

    agent_id: str
    user_id: str
    name: str
    address: str
    active: bool = True
    license: License = "concurrent"
    roles: tuple[Held, ...] = ()
    teams: tuple[Membership, ...] = ()
    default_team: str = ""
    line_manager: str = ""
    kept_active: bool = False
    origin: str = ""
    deactivated_by: str = ""
    details: dict[str, str] = field(default_factory=dict)
    created_at: str = ""


def of(row: Row) -> Agent:
    """The agent that a row holds."""
    return fill(
        Agent,
        row,
        roles=things(Held, row, "roles"),
        teams=things(Membership, row, "teams"),
        details=named_texts(row, "details"),
    )


def findable(agent: Agent) -> Findable:
    """What agents are found by, by its names in rules of matching behind ``agent_``."""
    told = {"name": agent.name, "address": agent.address, "origin": agent.origin, **agent.details}
    return {f"agent_{name}": value for name, value in told.items()}


KIND = Kind("agent", "agent~", columns, of, lambda each: each.agent_id, findable=findable)


def agent_id_of(user_id: str) -> str:
    """The id of the agent that a user is, or would be."""
    return str(uuid.uuid5(_NAMESPACE, user_id))


def find_agent(rt: Runtime, agent_id: str) -> Agent | None:
    """The agent of this id, or None."""
    return keeping.find(rt, KIND, agent_id)


def get_agent(rt: Runtime, agent_id: str) -> Agent:
    """The agent of this id; raises NotFound."""
    return keeping.get(rt, KIND, agent_id)


def iter_agents(rt: Runtime) -> Iterator[Agent]:
    """All agents, by id, fetched as they are taken."""
    return keeping.iter_all(rt, KIND)


def changes(before: Agent | None, after: Agent, *, etag: str = "") -> list[Change]:
    """The rows that make ``before`` into ``after``, for many agents at once: one, or none where they are equal.

    ``etag``: the version that ``before`` was read at, so that what people changed since is not lost (RowChanged).
    """
    if before is None:
        return keeping.creation(KIND, after)
    return [] if before == after else [keeping.replacement(KIND, after, etag)]


def is_admin(agent: Agent, admin_roles: Container[str]) -> bool:
    """Whether an agent is active and has one of these roles, which are all the active ones that open the whole desk."""
    return agent.active and any(held.role_id in admin_roles for held in agent.roles)
