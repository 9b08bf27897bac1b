"""Agents as the API takes and shows them."""

from typing import Annotated

from pydantic import Field

from shared.api.person_models import (
    MOST_BELONGINGS,
    AnyId,
    Details,
    GivenMembership,
    RoleIds,
    ShownMembership,
    ShownRole,
)
from shared.api.structure import NamedQuery
from shared.api.values import Body, Changes, Guid, Name, Nobody, Output, PersonAddress, Time
from shared.desk import agents
from shared.desk.agents import License

Teams = Annotated[
    list[GivenMembership],
    Field(max_length=MOST_BELONGINGS, description="All teams that they are in by hand; what a directory gave stays."),
]


class AgentQuery(NamedQuery):
    """Which agents to list: those that fit everything that is named."""

    team: Guid | None = Field(default=None, description="The id of a team that they are in.")
    role: Guid | None = Field(default=None, description="The id of a role that they have.")

    def fits_agent(self, agent: agents.Agent) -> bool:
        """Whether an agent is asked for."""
        in_team = self.team is None or any(each.team_id == self.team for each in agent.teams)
        has_role = self.role is None or any(each.role_id == self.role for each in agent.roles)
        return in_team and has_role and self.fits(agent)


class _Choices(Body):
    """What people decide about an agent, and may change at any time."""

    license: License = Field(default="concurrent", description="Their own, or one that agents share.")
    roles: RoleIds = []
    teams: Teams = []
    default_team: AnyId = Field(default="", description="The id of a team that they are in.")
    line_manager: AnyId = Field(default="", description="The id of another active agent.")
    kept_active: bool = Field(default=False, description="No directory makes them inactive.")
    details: Details = {}


class NewAgent(_Choices):
    """An agent to make of a user; name and address are the user's where they are left out."""

    user_id: Guid = Field(description="The id of an active user who is no agent yet.")
    name: Name | Nobody = ""
    address: PersonAddress | Nobody = ""


class AgentChange(Changes, _Choices):
    """What to change of an agent; the rest stays as it is."""

    name: Name = ""
    address: PersonAddress | Nobody = ""
    active: bool = True


class Agent(Output):
    """Somebody who works on tickets.

    ``origin``: their record in an outside directory; ``deactivated_by``: ``hand``, or the id of a connection.
    """

    agent_id: str
    user_id: str
    name: str
    address: str
    active: bool
    license: str
    roles: list[ShownRole]
    teams: list[ShownMembership]
    default_team: str
    line_manager: str
    kept_active: bool
    origin: str
    deactivated_by: str
    details: dict[str, str]
    created_at: Time
