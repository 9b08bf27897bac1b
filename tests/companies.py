"""A company with a tenant and a desk: what journeys of the directory begin with, and what they look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from dev.graph.directory.state import Directory
from shared.desk import agents, keeping, organizations, people, roles, sites, teams
from shared.desk.agents import Agent
from shared.desk.organizations import Organization
from shared.desk.people import User
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.directory import mirror, planning, runs, store, sync
from shared.directory.mapping import default_rules
from shared.directory.plan import Entry
from shared.directory.rules import AGENT_SITE, Group, RoleMapping, Rules, SiteMapping, TeamMapping
from shared.directory.runs import Mode, Phase, Run
from shared.work import SyncDirectory
from tests.io_meter import Killed
from tests.kill import LEASE_OVER
from tests.tampering import Tamper, tamper_with_storage
from tests.world import CLIENT, CLIENT_SECRET, TENANT, World

READS = ("Mail.ReadWrite", "User.Read.All", "GroupMember.Read.All")


@dataclass
class Company:
    """One tenant, connected to the desk of a world."""

    world: World
    connection_id: str = "contoso"
    tenant_id: str = TENANT
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> Directory:
        """What an administrator of Entra can do."""
        return self.world.emulator.directory(self.tenant_id)

    def furnish(self) -> None:
        """Give the desk an organization, a site, roles and a team."""
        furniture: tuple[tuple[Any, Any], ...] = (
            (organizations.KIND, Organization("org", "Contoso")),
            (sites.KIND, Site("berlin", "org", "Berlin")),
            (roles.KIND, Role("technician", "Technician", "agent")),
            (roles.KIND, Role("admin", "Administrator", "agent", admin=True)),
            (roles.KIND, Role("requester", "Requester", "user")),
            (teams.KIND, Team("first", "First line")),
        )
        for kind, thing in furniture:
            keeping.create(self.world.rt, kind, thing)

    def hire(self, name: str, *groups: str, manager: str = "", **properties: Any) -> str:
        """Somebody new in the tenant, with the address ``name@contoso.com``; the object id."""
        entry = self.tenant.add_user(f"{name}@contoso.com", displayName=name.title(), **properties)
        for group in groups:
            self.tenant.add_members(self.group(group), entry.id)
        if manager:
            self.tenant.set_manager(entry.id, f"{manager}@contoso.com")
        return str(entry.id)

    def group(self, name: str) -> str:
        """The id of a group, which is made if need be."""
        if name not in self.groups:
            self.groups[name] = str(self.tenant.add_group(name).id)
        return self.groups[name]

    def named(self, name: str) -> Group:
        """A group as rules name it."""
        return Group(id=self.group(name), name=name)

    def rules(self, **changed: Any) -> Rules:
        """Rules that bring everybody to Berlin, and the members of *Desk* in as technicians of the first line."""
        usual: dict[str, Any] = {
            "enabled": True,
            "leaving": "deleted",
            "site_mappings": (
                SiteMapping(mapping_id="agents", kind="site", site_id=AGENT_SITE, sequence=1, group=self.named("Desk")),
                SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", sequence=2, user_role="requester"),
            ),
            "agent_roles": (
                RoleMapping(group=self.named("Desk"), role_id="technician"),
                RoleMapping(group=self.named("Admins"), role_id="admin"),
            ),
            "teams": (TeamMapping(group=self.named("Desk"), team_id="first"),),
        }
        return default_rules().model_copy(update={**usual, **changed})

    def keep(self, rules: Rules | None = None, reset: store.Reset = "", **changed: Any) -> Rules:
        """Keep rules for the connection."""
        wanted = rules or self.rules(**changed)
        store.put_rules(self.world.rt, self.connection_id, wanted, reset=reset)
        return wanted

    def run(self) -> Run:
        """Let an hour pass and the timer come round; the run that came of it."""
        self.world.advance(3600)
        self.wake()
        return self.last_run()

    def wake(self) -> None:
        """Let the timer come round, and all work be done."""
        self.world.host.run_timer("sync_directories")
        self.world.settle()

    def ask(self, mode: Mode) -> Run:
        """A run or a preview by hand."""
        run = sync.request(self.world.rt, self.connection_id, mode)
        self.world.settle()
        return runs.get_run(self.world.rt, self.connection_id, run.run_id)

    def last_rules(self) -> Rules:
        """The rules as they are kept."""
        return store.get_rules(self.world.rt, self.connection_id)[0]

    def last_run(self) -> Run:
        """The newest run."""
        found, _ = runs.list_runs(self.world.rt, self.connection_id, limit=1)
        return found[0]

    def waiting(self) -> set[str]:
        """Who is remembered to wait for something: object ids."""
        return {*runs.get_head(self.world.rt, self.connection_id).state.waiting}

    def entries(self, run: Run, **wanted: Any) -> dict[str, Entry]:
        """The plan of a run, by name."""
        found: dict[str, Entry] = {}
        past: str | None = ""
        while past is not None:
            page, past = planning.iter_entries(self.world.rt, self.connection_id, run, past=past, **wanted)
            found |= {entry.name: entry for entry in page}
        return found

    def users(self) -> dict[str, User]:
        """Everybody at the desk, by name."""
        return {user.name: user for user in people.iter_users(self.world.rt)}

    def agents(self) -> dict[str, Agent]:
        """All agents, by name."""
        return {agent.name: agent for agent in agents.iter_agents(self.world.rt)}


def open_company(world: World, people_: Iterable[str] = (), **rules: Any) -> Company:
    """A connected company with these people, whose directory is switched on."""
    world.connect()
    world.emulator.change_roles(TENANT, CLIENT, *READS)
    company = Company(world)
    company.furnish()
    for name in people_:
        company.hire(name)
    company.keep(**rules)
    return company


def open_staffed(world: World) -> Company:
    """The same with three people who came in: Grace, an administrator; Ada, an agent below her; Alan below Ada."""
    company = open_company(world)
    company.hire("grace", "Desk", "Admins")
    company.hire("ada", "Desk", manager="grace")
    company.hire("alan", manager="ada")
    run = company.run()
    assert (run.counts, run.full) == ({"create": 3}, True)
    return company


def connect_further(world: World, name: str, tenant_id: str, environment: str = "production") -> Company:
    """A second company, with a tenant of its own, that is connected to the same desk."""
    world.emulator.add_app(tenant_id=tenant_id, client_id=CLIENT, secret=CLIENT_SECRET, roles=READS)
    body = {"name": name, "tenant_id": tenant_id, "client_id": CLIENT, "cloud": "global"}
    answer = world.api("POST", "/connections", {**body, "client_secret": CLIENT_SECRET, "environment": environment})
    assert answer.status == 201, answer.body
    return Company(world, str(answer.json()["connection_id"]), tenant_id)


def run_until(company: Company, phase: Phase) -> None:
    """Let an hour pass and the next run begin; stop it between two slices, at a phase."""
    world = company.world
    world.start(SLICE_SECONDS="0.001")
    world.advance(3600)
    for _ in range(20):
        sync.sync_directory(world.rt, SyncDirectory(connection_id=company.connection_id, cause="scan"))
        if runs.get_head(world.rt, company.connection_id).state.phase == phase:
            return
    raise AssertionError(f"no run came to {phase}")


def die_while_applying(company: Company, tamper: Tamper) -> str:
    """Let the timer come round, and the process end where ``tamper`` kills it, which must be in applying; which run."""
    world = company.world
    tamper_with_storage(world, tamper)
    with contextlib.suppress(Killed):
        company.wake()
    world.start()
    world.host.make_visible()
    world.advance(LEASE_OVER)
    state = runs.get_head(world.rt, company.connection_id).state
    assert state.phase == "apply"
    return state.run


def go_on(company: Company) -> Run:
    """Let the run that was stopped come to its end."""
    company.world.start()
    company.wake()
    return company.last_run()


def picture_of(company: Company) -> dict[str, Any]:
    """Everything that must be the same whatever happened on the way: people at the desk, whose address is whose, the
    mirror. Times and how often something was written may differ.
    """
    rt = company.world.rt
    rows = rt.tables["Desk"].range("desk", low="e~", high="e\x7f")
    known = mirror.iter_known(rt, company.connection_id)
    head = runs.get_head(rt, company.connection_id)
    return {
        "users": {name: replace(user, created_at="") for name, user in company.users().items()},
        "agents": {name: replace(agent, created_at="") for name, agent in company.agents().items()},
        "addresses": {row.key: row["user_id"] for row in rows},
        "mirror": {each.object_id: replace(each, serial=0) for each in known},
        "groups": mirror.load_groups(rt, company.connection_id),
        "totals": head.state.totals,
        "known": head.state.known,
        "version": head.state.version,
        "waiting": frozenset(head.state.waiting),
        "under way": (head.state.run, head.state.phase, head.state.settling),
        "next": bool(head.state.users_link),
    }


def at_the_desk(company: Company) -> dict[str, Any]:
    """Who is there, and what they have; not what is remembered of Entra."""
    found = picture_of(company)
    return {name: found[name] for name in ("users", "agents", "addresses")}
