"""What groups and mappings give a person: roles, teams, seats on boards, and an agent's license.

What this connection gave, it also takes away again; what was given by hand, or by another connection, stays, unless
roles are fully managed by Entra: then those given by hand go, too. What is inactive at the desk is given to nobody, and
not taken from who has it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.desk.agents import License
from shared.desk.belonging import BY_HAND, Belonging, Held, Membership, Seat
from shared.directory.persons import Person
from shared.directory.rules import RoleMapping, Rules, SiteMapping

Because = Mapping[str, str]
"""What is to be there (ids of roles, teams, boards), and what gives it."""


@dataclass(frozen=True, slots=True)
class Settled[B: Belonging]:
    """What somebody has after all; ``held``: the same while nothing may be taken away; ``removed``: what is."""

    after: tuple[B, ...]
    held: tuple[B, ...]
    removed: tuple[B, ...]


def agent_roles(person: Person, rules: Rules, mapping: SiteMapping | None) -> Because:
    """The roles that an agent is to have, by the groups they are in and the site mapping that takes them."""
    of_mapping = {role: mapping.title() for role in mapping.agent_roles} if mapping else {}
    return {**of_mapping, **_of_groups(person, rules.agent_roles)}


def user_roles(person: Person, rules: Rules, mapping: SiteMapping | None) -> Because:
    """The roles that a user is to have; who has no manager in Entra has one more, where the rules name it."""
    wanted = {mapping.user_role: mapping.title()} if mapping and mapping.user_role else {}
    if rules.role_without_manager and not person.manager:
        wanted[rules.role_without_manager] = "no manager in Entra"
    return {**wanted, **_of_groups(person, rules.user_roles)}


def _of_groups(person: Person, mappings: Iterable[RoleMapping]) -> dict[str, str]:
    return {
        each.role_id: f"the group '{each.group.name or each.group.id}'"
        for each in mappings
        if person.is_in(each.group.id, transitive=each.transitive)
    }


def teams(person: Person, rules: Rules) -> Because:
    """The teams that an agent is to be in, by the groups they are in."""
    return {
        each.team_id: f"the group '{each.group.name or each.group.id}'"
        for each in rules.teams
        if person.is_in(each.group.id, transitive=each.transitive)
    }


def seats(person: Person, rules: Rules) -> dict[str, tuple[str, str]]:
    """The boards that a user is to sit on, each with their role there and what gives it; the first mapping decides."""
    found: dict[str, tuple[str, str]] = {}
    for each in rules.boards:
        if person.is_in(each.group.id, transitive=each.transitive):
            found.setdefault(each.board_id, (each.seat_role, f"the group '{each.group.name or each.group.id}'"))
    return found


def settle_roles(
    present: Sequence[Held], wanted: Iterable[str], givable: Container[str], connection_id: str, *, full: bool = False
) -> Settled[Held]:
    """The roles that result. ``full``: those given by hand are taken away, too."""
    ours = {connection_id, BY_HAND} if full else {connection_id}
    new = [Held(role, connection_id) for role in wanted]
    return _settle(present, new, lambda each: each.role_id, ours, givable)


def settle_teams(
    present: Sequence[Membership],
    wanted: Iterable[str],
    givable: Container[str],
    connection_id: str,
    *,
    default: str,
    removing: bool,
) -> Settled[Membership]:
    """The teams that result. ``default``: the default team, in which an agent may do and see everything.

    ``removing``: whether who left a group leaves its team.
    """
    opened = [_opened(each) if each.team_id == default else each for each in present]
    new = [Membership(team, connection_id) for team in dict.fromkeys([*wanted, *([default] if default else [])])]
    return _settle(opened, new, lambda each: each.team_id, {connection_id} if removing else set(), givable)


def _opened(membership: Membership) -> Membership:
    return Membership(membership.team_id, membership.given_by)


def settle_seats(
    present: Sequence[Seat], wanted: Mapping[str, tuple[str, str]], givable: Container[str], connection_id: str
) -> Settled[Seat]:
    """The seats that result; of one that this connection gave, the role there is kept up to date."""
    renewed = [
        Seat(each.board_id, wanted[each.board_id][0], connection_id)
        if each.given_by == connection_id and each.board_id in wanted
        else each
        for each in present
    ]
    new = [Seat(board, role, connection_id) for board, (role, _) in wanted.items()]
    return _settle(renewed, new, lambda each: each.board_id, {connection_id}, givable)


def _settle[B: Belonging](
    present: Sequence[B], new: Sequence[B], key: Callable[[B], str], ours: set[str], givable: Container[str]
) -> Settled[B]:
    """Keep the order of what is there, put what is new behind it."""
    wanted, known = {key(each) for each in new}, {key(each) for each in present}
    removed = tuple(each for each in present if each.given_by in ours and key(each) not in wanted)
    added = tuple(each for each in new if key(each) not in known and key(each) in givable)
    after = (*(each for each in present if each not in removed), *added)
    return Settled(after, (*present, *added), removed)


def license_of(
    rules: Rules, mapping: SiteMapping | None, present: License, roles: Iterable[Held]
) -> tuple[License, str]:
    """The license that an agent is to have, and what decides; ``present``: what they have, or what is usual."""
    if rules.agent_licenses.enabled:
        named = {each.role_id for each in roles} & {*rules.agent_licenses.named_roles}
        return (
            ("named", "a role that gives a named license") if named else ("concurrent", "no role gives a named license")
        )
    if mapping and mapping.agent_license != "no_change":
        return mapping.agent_license, mapping.title()
    return present, ""


def has_inactive_role(rules: Rules, roles: Iterable[Held]) -> bool:
    """Whether one of an agent's roles makes them inactive."""
    return rules.agent_licenses.enabled and bool(
        {each.role_id for each in roles} & {*rules.agent_licenses.inactive_roles}
    )
