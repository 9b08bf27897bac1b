"""What is in use cannot rest: whoever wants it to is told what uses it. Each of these raises BadInput."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from shared.desk import agents, sites
from shared.desk.agents import Agent
from shared.desk.organizations import Organization
from shared.desk.roles import Role
from shared.desk.teams import Team
from shared.errors import BadInput
from shared.runtime import Runtime

_MOST_NAMED = 3


def check_organization(rt: Runtime, organization: Organization) -> None:
    """An organization must have no active site."""
    mine = (each for each in sites.iter_sites(rt) if each.organization_id == organization.organization_id)
    _refuse(f"{organization.name!r} has active sites", (each.name for each in mine if each.active))


def check_team(rt: Runtime, team: Team) -> None:
    """A team must have no active agent in it."""
    _refuse(f"{team.name!r} is a team of active agents", (each.name for each in _active(rt) if _is_in(each, team)))


def check_role(rt: Runtime, role: Role) -> None:
    """A role must be held by no active agent. Users who have it lose nothing that the desk looks at: they may stay."""
    held = (each.name for each in _active(rt) if any(held.role_id == role.role_id for held in each.roles))
    _refuse(f"Active agents have the role {role.name!r}", held)


def _active(rt: Runtime) -> Iterable[Agent]:
    return (each for each in agents.iter_agents(rt) if each.active)


def _is_in(agent: Agent, team: Team) -> bool:
    return team.team_id == agent.default_team or any(each.team_id == team.team_id for each in agent.teams)


def _refuse(cause: str, names: Iterable[str]) -> None:
    found = [*islice(names, _MOST_NAMED + 1)]
    if found:
        told = ", ".join(found[:_MOST_NAMED]) + (", and more" if len(found) > _MOST_NAMED else "")
        raise BadInput("active", f"{cause}: {told}.", "Change those first.")
