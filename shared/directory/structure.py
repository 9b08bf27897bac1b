"""The desk as the directory sees it: what mappings may lead to, and what things are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from shared.desk.boards import Board
from shared.desk.keeping import name_key
from shared.desk.organizations import Organization
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.directory.criteria import folded

Givable = Literal["agent", "user", "team", "board"]
"""Roles of agents, roles of users, teams, boards."""


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything by its id, inactive things, too. Made by ``structure_of``, which fills the indexes.

    ``givable``: the ids of what is active, and so may be given to somebody.
    """

    organizations: Mapping[str, Organization] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    boards: Mapping[str, Board] = field(default_factory=dict)
    custom_fields: frozenset[str] = frozenset()
    givable: Mapping[Givable, frozenset[str]] = field(default_factory=dict)
    _in_organization: Mapping[tuple[str, str], Site] = field(default_factory=dict)
    _sites_by: Mapping[tuple[str, str], tuple[Site, ...]] = field(default_factory=dict)
    _teams_by: Mapping[str, Team] = field(default_factory=dict)

    def find_site(self, site_id: str) -> Site | None:
        """The site of this id, if it and its organization are active."""
        site = self.sites.get(site_id)
        return site if site and site.active and self.has_organization(site.organization_id) else None

    def has_organization(self, organization_id: str) -> bool:
        """Whether there is such an organization, and it is active."""
        organization = self.organizations.get(organization_id)
        return organization is not None and organization.active

    def find_site_called(self, organization_id: str, name: str) -> Site | None:
        """The site of an organization that has this name, active or not."""
        return self._in_organization.get((organization_id, name_key(name)))

    def sites_with(self, what: Literal["name", "domain"], value: str) -> tuple[Site, ...]:
        """The active sites with this name, or this mail domain (or the one of this address)."""
        wanted = value.rpartition("@")[2] if what == "domain" else value
        return self._sites_by.get((what, folded(wanted)), ())

    def find_team_called(self, name: str) -> Team | None:
        """The active team with this name."""
        return self._teams_by.get(folded(name))

    def role_name(self, role_id: str) -> str:
        """What a role is called; its id where there is none."""
        return self.roles[role_id].name if role_id in self.roles else role_id

    def team_name(self, team_id: str) -> str:
        """What a team is called; its id where there is none."""
        return self.teams[team_id].name if team_id in self.teams else team_id

    def board_name(self, board_id: str) -> str:
        """What a board is called; its id where there is none."""
        return self.boards[board_id].name if board_id in self.boards else board_id

    def site_name(self, site_id: str) -> str:
        """What a site is called; its id where there is none."""
        return self.sites[site_id].name if site_id in self.sites else site_id

    def version(self) -> str:
        """Changes with anything of the desk that can change a plan.

        Sites that a directory made do not count until somebody switches one off or gives it domains.
        """
        by_hand = [each for each in self.sites.values() if each.source == "hand" or each.domains or not each.active]
        kinds = (self.organizations, self.teams, self.roles, self.boards)
        told = sorted(repr(each) for each in (*(each for kind in kinds for each in kind.values()), *by_hand))
        return hashlib.sha256(repr((told, sorted(self.custom_fields))).encode()).hexdigest()[:16]

    def version_of_sites(self) -> str:
        """Changes with any site, whoever made it: somebody may wait for one."""
        return hashlib.sha256(repr(sorted(map(repr, self.sites.values()))).encode()).hexdigest()[:16]

    def admin_roles(self) -> frozenset[str]:
        """The active roles that open all of the desk."""
        return frozenset(each for each in self.givable.get("agent", ()) if self.roles[each].admin)


def structure_of(
    *,
    organizations: Iterable[Organization] = (),
    sites: Iterable[Site] = (),
    teams: Iterable[Team] = (),
    roles: Iterable[Role] = (),
    boards: Iterable[Board] = (),
    custom_fields: Iterable[str] = (),
) -> Structure:
    """The structure, with what is looked up by name made ready."""
    all_sites = {each.site_id: each for each in sites}
    all_teams = {each.team_id: each for each in teams}
    all_roles = {each.role_id: each for each in roles}
    all_boards = {each.board_id: each for each in boards}
    bare = Structure({each.organization_id: each for each in organizations}, all_sites)
    return Structure(
        bare.organizations,
        all_sites,
        all_teams,
        all_roles,
        all_boards,
        frozenset(custom_fields),
        _givable(all_roles.values(), all_teams.values(), all_boards.values()),
        {(each.organization_id, name_key(each.name)): each for each in all_sites.values()},
        _by_value([each for each in all_sites.values() if bare.find_site(each.site_id)]),
        {folded(each.name): each for each in all_teams.values() if each.active},
    )


def _by_value(sites: list[Site]) -> dict[tuple[str, str], tuple[Site, ...]]:
    named = [(("name", folded(each.name)), each) for each in sites]
    housed = [(("domain", folded(domain)), each) for each in sites for domain in each.domains]
    pairs = sorted(named + housed, key=lambda pair: (pair[0], pair[1].site_id))
    return {key: tuple(site for _, site in found) for key, found in groupby(pairs, key=lambda pair: pair[0])}


def _givable(roles: Iterable[Role], teams: Iterable[Team], boards: Iterable[Board]) -> dict[Givable, frozenset[str]]:
    active = [each for each in roles if each.active]
    return {
        "agent": frozenset(each.role_id for each in active if each.kind == "agent"),
        "user": frozenset(each.role_id for each in active if each.kind == "user"),
        "team": frozenset(each.team_id for each in teams if each.active),
        "board": frozenset(each.board_id for each in boards if each.active),
    }
