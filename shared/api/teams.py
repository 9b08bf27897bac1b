"""Teams: groups of agents that tickets are given to."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, NamedQuery, page
from shared.api.values import Body, Changes, Guid, Name, Output, Time
from shared.desk import in_use, teams

router = APIRouter(prefix="/teams", tags=["teams"])


class NewTeam(Body):
    """A team to make. No two have the same name."""

    name: Name


class TeamChange(Changes):
    """What to change; the rest stays as it is."""

    name: Name = ""
    active: bool = True


class Team(Output):
    """A team."""

    team_id: str
    name: str
    active: bool
    created_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_teams(rt: Rt, query: Annotated[NamedQuery, Query()]) -> Page[Team]:
    """List the teams that fit."""
    return page(rt, teams.KIND, query, Team, query.fits)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_team(call: Calling, new: NewTeam) -> Team:
    """Make a team."""
    team_id, now = call.new()
    made = teams.Team(team_id, new.name, created_at=now)
    return Team.model_validate(call.create(teams.KIND, made, new.model_dump()))


@router.get("/{team_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_team(call: Calling, team_id: Guid) -> Team:
    """Read one team."""
    return Team.model_validate(call.read(teams.KIND, team_id).thing)


@router.patch("/{team_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_team(call: Calling, team_id: Guid, change: TeamChange, if_match: IfMatch = None) -> Team:
    """Change what is named. One that is in use cannot be made inactive."""
    before, values = call.read(teams.KIND, team_id, if_match), change.model_dump(exclude_unset=True)
    after = replace(before.thing, **values)
    if before.thing.active and not after.active:
        in_use.check_team(call.rt, after)
    return Team.model_validate(call.change(teams.KIND, before, after, values))
