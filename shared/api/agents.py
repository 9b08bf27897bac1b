"""Agents: who works on tickets, in which teams, and with which roles."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query

from shared.api import persons, references
from shared.api.agent_models import Agent, AgentChange, AgentQuery, NewAgent
from shared.api.covering import cover, cover_all
from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, page
from shared.api.values import Guid
from shared.desk import agents, last_admin, people, teams
from shared.desk.belonging import Membership, with_hand_given
from shared.errors import BadInput
from shared.runtime import Runtime

router = APIRouter(prefix="/agents", tags=["agents"])


@router.get("", openapi_extra=needs(Role.OPERATOR))
def list_agents(rt: Rt, reach: Within, query: Annotated[AgentQuery, Query()]) -> Page[Agent]:
    """List the agents that fit, in the order of their ids."""
    return cover_all(page(rt, agents.KIND, query, Agent, query.fits_agent), reach.hidden)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_agent(call: Calling, new: NewAgent) -> Agent:
    """Make an agent of a user."""
    user = references.active(call.rt, people.KIND, "user_id", new.user_id)
    agent_id, now = agents.agent_id_of(user.user_id), call.new()[1]
    if agents.find_agent(call.rt, agent_id):
        raise BadInput("user_id", f"{user.name!r} is an agent already.", f"Change the agent {agent_id}.")
    values = new.model_dump(exclude_unset=True)
    name, address = new.name or user.name, new.address or user.address
    blank = agents.Agent(agent_id, user.user_id, name, address, created_at=now)
    made = _changed(call.rt, blank, {**values, "name": name, "address": address})
    return Agent.model_validate(call.create(agents.KIND, made, values))


@router.get("/{agent_id}", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def get_agent(call: Calling, reach: Within, agent_id: Guid) -> Agent:
    """Read one agent."""
    return cover(Agent.model_validate(call.read(agents.KIND, agent_id).thing), reach.hidden)


@router.patch("/{agent_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_agent(call: Calling, agent_id: Guid, change: AgentChange, if_match: IfMatch = None) -> Agent:
    """Change what is named. One active agent with an admin role must remain."""
    before, values = call.read(agents.KIND, agent_id, if_match), change.model_dump(exclude_unset=True)
    after = _changed(call.rt, before.thing, values)
    also = last_admin.check_agent(call.rt, before.thing, after)
    return Agent.model_validate(call.change(agents.KIND, before, after, values, also))


def _changed(rt: Runtime, agent: agents.Agent, values: Mapping[str, Any]) -> agents.Agent:
    """The agent with these values; raises BadInput where one of them names what cannot be named."""
    made = {**values, **persons.activity(values)}
    if values.get("line_manager"):
        _check_line_manager(rt, agent, values["line_manager"])
    if "details" in values:
        made["details"] = persons.merged(agent.details, values["details"])
    if "roles" in values:
        made["roles"] = persons.held(rt, "agent", agent.roles, values["roles"])
    if "teams" in values:
        made["teams"] = _teams(rt, agent, [Membership(**each) for each in values["teams"]])
    after = replace(agent, **made)
    if values.keys() & {"teams", "default_team"}:
        _check_default_team(after)
    return after


def _check_line_manager(rt: Runtime, agent: agents.Agent, line_manager: str) -> None:
    if line_manager == agent.agent_id:
        raise BadInput("line_manager", "Nobody is their own line manager.", "Name another agent.")
    references.active(rt, agents.KIND, "line_manager", line_manager)


def _teams(rt: Runtime, agent: agents.Agent, wanted: list[Membership]) -> tuple[Membership, ...]:
    persons.check_once("teams", (each.team_id for each in wanted))
    for team_id in {each.team_id for each in wanted} - {each.team_id for each in agent.teams}:
        references.active(rt, teams.KIND, "teams", team_id)
    return with_hand_given(agent.teams, wanted)


def _check_default_team(agent: agents.Agent) -> None:
    if agent.default_team and agent.default_team not in {each.team_id for each in agent.teams}:
        cause = "The default team is none of the agent's teams."
        raise BadInput("default_team", cause, "Put the agent into it, or choose another.")
