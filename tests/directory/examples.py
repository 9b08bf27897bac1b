"""A small desk and a small tenant, and a desk that takes in plans as the app does: all of them, in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.desk.agents import Agent
from shared.desk.boards import Board
from shared.desk.organizations import Organization
from shared.desk.people import User
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.directory.deciding import plan_person
from shared.directory.identifying import Context, claims_of, identify
from shared.directory.mapping import default_rules
from shared.directory.matching import index_of
from shared.directory.persons import Gone, Person
from shared.directory.plan import Entry
from shared.directory.rules import AGENT_SITE, Group, Rules, SiteMapping
from shared.directory.structure import Structure, structure_of

AT = "2026-11-21T18:00:00Z"
CONTOSO = "contoso"
STAFF = Group(id="11111111-0000-4000-8000-000000000001", name="Staff")
DESK = Group(id="11111111-0000-4000-8000-000000000002", name="Service desk")
LEADS = Group(id="11111111-0000-4000-8000-000000000003", name="Leads")

STRUCTURE = structure_of(
    organizations=[Organization("org", "Contoso"), Organization("shut", "Shut", active=False)],
    sites=[
        Site("berlin", "org", "Berlin", ("contoso.example",)),
        Site("paris", "org", "Paris", ("fr.contoso.example",)),
        Site("old", "org", "Old", active=False),
        Site("shut-site", "shut", "Nowhere"),
    ],
    teams=[Team("first", "First line"), Team("second", "Second line"), Team("gone", "Gone", active=False)],
    roles=[
        Role("technician", "Technician", "agent"),
        Role("admin", "Administrator", "agent", admin=True),
        Role("leaver", "Leaver", "agent"),
        Role("requester", "Requester", "user"),
        Role("boss", "Boss", "user"),
        Role("retired", "Retired", "user", active=False),
    ],
    boards=[Board("cab", "CAB", ("Chair", "Member"))],
    custom_fields=["badge"],
)


def person(
    object_id: str, *, groups: Iterable[str] = (), manager: str = "", gone: Gone = "", **properties: Any
) -> Person:
    """Somebody of the tenant, with what everybody has; a property that is given as None is absent."""
    usual = {
        "displayName": object_id.title(),
        "mail": f"{object_id}@contoso.example",
        "userPrincipalName": f"{object_id}@contoso.example",
        "accountEnabled": True,
        "userType": "Member",
    }
    told = {name: value for name, value in {**usual, **properties}.items() if value is not None}
    held = frozenset(groups)
    return Person(object_id, told, manager, held, held, gone)


def to_site(site_id: str = "berlin", **more: Any) -> SiteMapping:
    """A site mapping that takes everybody there, unless told otherwise."""
    return SiteMapping(**{"mapping_id": site_id, "kind": "site", "site_id": site_id, "sequence": 10, **more})


def to_agents(group: Group | None = DESK, **more: Any) -> SiteMapping:
    """A site mapping that makes agents of the members of a group."""
    usual = {"mapping_id": "agents", "kind": "site", "site_id": AGENT_SITE, "sequence": 5, "group": group}
    return SiteMapping(**{**usual, **more})


def rules(*mappings: SiteMapping, **more: Any) -> Rules:
    """The rules of a new connection, with site mappings (to Berlin if none are given)."""
    return default_rules().model_copy(update={"site_mappings": mappings or (to_site(),), **more})


@dataclass
class Desk:
    """Users and agents, and whatever a run makes of them."""

    users: dict[str, User] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    structure: Structure = STRUCTURE
    connection_id: str = CONTOSO

    def plan(self, rules_: Rules, people: Sequence[Person]) -> list[Entry]:
        """What a run would do about these people."""
        bare = Context(
            self.connection_id,
            rules_,
            self.structure,
            AT,
            index_of(self.users.values(), rules_.user_matching),
            index_of(self.agents.values(), rules_.agent_matching),
        )
        claims: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for each in people:
            for key in claims_of(rules_, each):
                claims[key] |= {each.object_id}
        context = replace(bare, claims=claims)
        found = [identify(context, each) for each in people]
        managers = {each.person.object_id: each.placed for each in found}
        return [
            plan_person(
                context, each, self.users.get(each.user.record_id), self.agents.get(each.agent.record_id), managers
            )
            for each in found
        ]

    def run(self, rules_: Rules, people: Sequence[Person]) -> dict[str, Entry]:
        """Plan and apply; the entries by object id."""
        entries = self.plan(rules_, people)
        for entry in entries:
            self.apply(entry)
        return {entry.object_id: entry for entry in entries}

    def one(self, rules_: Rules, who: Person) -> Entry:
        """Plan and apply one person."""
        return self.run(rules_, [who])[who.object_id]

    def apply(self, entry: Entry) -> None:
        """What an entry says, and nothing else."""
        if entry.site_to_make:
            sites = {**self.structure.sites, entry.site_to_make.site_id: entry.site_to_make}
            self.structure = with_sites(self.structure, sites.values())
        if entry.address_from and self.users[entry.address_from].address == (entry.user.address if entry.user else ""):
            self.users[entry.address_from] = replace(self.users[entry.address_from], address="")
        if entry.user:
            self.users[entry.user.user_id] = entry.user
        if entry.agent:
            self.agents[entry.agent.agent_id] = entry.agent

    def user(self, object_id: str) -> User:
        """The user who is this person."""
        origin = f"{self.connection_id}/{object_id}"
        [found] = [each for each in self.users.values() if each.origin == origin]
        return found

    def agent(self, object_id: str) -> Agent:
        """The agent who is this person."""
        origin = f"{self.connection_id}/{object_id}"
        [found] = [each for each in self.agents.values() if each.origin == origin]
        return found

    def add(self, user: User) -> User:
        """Somebody who was at the desk before."""
        self.users[user.user_id] = user
        return user


def with_sites(structure: Structure, sites: Iterable[Site]) -> Structure:
    """The same structure with other sites."""
    return structure_of(
        organizations=structure.organizations.values(),
        sites=sites,
        teams=structure.teams.values(),
        roles=structure.roles.values(),
        boards=structure.boards.values(),
        custom_fields=structure.custom_fields,
    )
