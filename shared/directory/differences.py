"""What changes about somebody, value by value, each with what made it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership, Seat
from shared.desk.people import User
from shared.directory.plan import FieldChange
from shared.directory.structure import Structure


def user_changes(
    before: User | None, after: User, because: Mapping[str, str], structure: Structure
) -> tuple[FieldChange, ...]:
    """What changes about a user. ``because``: what gives each value, by its field; a role's by the role's id."""
    old = _user_view(before, structure) if before else {}
    return tuple(_compared("", old, _user_view(after, structure), because))


def agent_changes(
    before: Agent | None, after: Agent, because: Mapping[str, str], structure: Structure
) -> tuple[FieldChange, ...]:
    """What changes about an agent, in the same way."""
    old = _agent_view(before, structure) if before else {}
    return tuple(_compared("agent.", old, _agent_view(after, structure), because))


View = dict[tuple[str, str], str]
"""What is shown: by the field, and, of several in one field, the id of each."""


def _compared(prefix: str, before: View, after: View, because: Mapping[str, str]) -> Iterator[FieldChange]:
    for name, key in sorted({*before, *after}):
        was, will = before.get((name, key), ""), after.get((name, key), "")
        if was != will:
            yield FieldChange(prefix + name, was, will, because.get(key or name) or _GONE.get(name, ""))


_GONE = {
    "role": "no longer in a group that gives it",
    "team": "no longer in a group that leads to it",
    "seat": "no longer in a group that leads to it",
}


def _user_view(user: User, structure: Structure) -> View:
    shown = _shared_view(user) | _plain({"site": structure.site_name(user.site), "manager": user.manager})
    custom = _plain({f"custom.{name}": value for name, value in user.custom.items()})
    licenses = {("license", each): each for each in user.licenses}
    return shown | custom | licenses | _roles(user.roles, structure) | _seats(user.seats, structure)


def _agent_view(agent: Agent, structure: Structure) -> View:
    own = _plain(
        {
            "license": agent.license,
            "default_team": structure.team_name(agent.default_team),
            "line_manager": agent.line_manager,
            "user": agent.user_id,
        }
    )
    return _shared_view(agent) | own | _roles(agent.roles, structure) | _teams(agent.teams, structure)


def _shared_view(known: User | Agent) -> View:
    active = "true" if known.active else "false"
    named = {"name": known.name, "address": known.address, "active": active, "origin": known.origin}
    return _plain(named | known.details)


def _plain(values: Mapping[str, str]) -> View:
    return {(name, ""): value for name, value in values.items()}


def _roles(roles: Iterable[Held], structure: Structure) -> View:
    return {("role", each.role_id): structure.role_name(each.role_id) for each in roles}


def _teams(teams: Iterable[Membership], structure: Structure) -> View:
    def shown(each: Membership) -> str:
        whole = each.assignable and each.sees_unassigned and each.sees_others
        return structure.team_name(each.team_id) + ("" if whole else " (limited)")

    return {("team", each.team_id): shown(each) for each in teams}


def _seats(seats: Iterable[Seat], structure: Structure) -> View:
    def shown(each: Seat) -> str:
        return structure.board_name(each.board_id) + (f" ({each.role})" if each.role else "")

    return {("seat", each.board_id): shown(each) for each in seats}
