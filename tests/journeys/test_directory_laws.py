"""Laws of a directory that hold whatever happens in a tenant and at the desk, hour by hour, in any order.

What a preview shows is what then happens, field by field; done twice is done once; and what the hours do by what
changed is what one look at everybody would have done, for those who wait, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dev.azurite import Azurite
from dev.host import Host
from shared.desk import agents, keeping, people, sites
from shared.desk.agents import Agent, agent_id_of
from shared.desk.belonging import Held
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory import store
from shared.directory.plan import Entry, FieldChange
from shared.directory.rules import Cap, Criterion, FieldMapping, SiteMapping
from tests.companies import Company, open_company
from tests.world import World

PEOPLE = 8
ADDRESSES = [f"desk{number}@contoso.com" for number in range(5)]
OFFICES = ["Oslo", "Rome", "Paris", ""]
GROUPS = ["Desk", "Admins"]
CHANGES: dict[str, list[Any]] = {
    "mail": ADDRESSES,
    "officeLocation": OFFICES,
    "accountEnabled": [True, False],
    "userType": ["Member", "Guest"],
    "employeeId": ["7", "8", "9"],
    "jobTitle": ["Clerk", "Countess"],
}


class Life:
    """Things that happen, by chance."""

    def __init__(self, company: Company, chance: Random) -> None:
        self.company, self.chance, self.count = company, chance, 0
        self.staff: list[str] = []
        self.gone: list[str] = []

    def hour(self) -> None:
        """Some of them, one after the other."""
        for _ in range(self.chance.randint(1, 4)):
            self.chance.choice(HAPPENINGS)(self)

    def hire(self) -> None:
        self.count += 1
        chance = self.chance
        groups = chance.sample(GROUPS, chance.randint(0, 2))
        address = chance.choice([*ADDRESSES, f"own{self.count}@contoso.com"])
        given = {"mail": address, "officeLocation": chance.choice(OFFICES), "department": chance.choice("AB")}
        given["userType"] = chance.choice(["Member", "Member", "Member", "Guest"])
        given["employeeId"] = chance.choice(["7", "8", f"e{self.count}"])
        self.staff.append(self.company.hire(f"person{self.count}", *groups, **given))

    def change(self) -> None:
        if self.staff:
            name = self.chance.choice([*CHANGES])
            self.company.tenant.change(self.chance.choice(self.staff), **{name: self.chance.choice(CHANGES[name])})

    def manage(self) -> None:
        if self.staff:
            self.company.tenant.set_manager(self.chance.choice(self.staff), self.chance.choice(self.staff))

    def move(self) -> None:
        if self.staff:
            group, who = self.company.group(self.chance.choice(GROUPS)), self.chance.choice(self.staff)
            inside = who in {each.id for each in self.company.tenant.members(group)}
            (self.company.tenant.remove_members if inside else self.company.tenant.add_members)(group, who)

    def leave(self) -> None:
        if len(self.staff) > 1:
            self.gone.append(self.staff.pop(self.chance.randrange(len(self.staff))))
            self.company.tenant.delete(self.gone[-1])

    def come_back(self) -> None:
        if self.gone:
            self.staff.append(self.gone.pop(self.chance.randrange(len(self.gone))))
            self.company.tenant.restore(self.staff[-1])

    def make_by_hand(self, address: str) -> None:
        """Somebody whom nobody told the desk of but an agent."""
        self.count += 1
        details = {"employee_number": self.chance.choice("789")}
        user = User(f"by-hand-{self.count}", "By hand", address, details=details)
        keeping.create(self.company.world.rt, people.KIND, user)

    def change_by_hand(self) -> None:
        rt = self.company.world.rt
        found = sorted(self.company.users().values(), key=lambda each: each.user_id)
        found = [each for each in found if not each.origin and each.user_id != "boss"]
        if found:
            kept = keeping.read(rt, people.KIND, self.chance.choice(found).user_id)
            free = [each for each in ADDRESSES if people.look_up(rt, each) is None]
            changed: dict[str, Any] = self.chance.choice(
                [
                    {"details": {**kept.thing.details, "employee_number": self.chance.choice("789")}},
                    {"address": self.chance.choice([*free, ""])},
                ]
            )
            keeping.change(rt, people.KIND, kept, replace(kept.thing, **changed))

    def build(self) -> None:
        """A site that people may wait for, or one that is called another name."""
        rt, name = self.company.world.rt, self.chance.choice(OFFICES[:3])
        found = [each for each in sites.iter_sites(rt) if each.name == name]
        self.count += 1
        if not found:
            keeping.create(rt, sites.KIND, Site(f"site{self.count}", "org", name))
        else:
            kept = keeping.read(rt, sites.KIND, found[0].site_id)
            keeping.change(rt, sites.KIND, kept, replace(kept.thing, name=f"Old {self.count}"))


HAPPENINGS: list[Callable[[Life], None]] = [
    Life.hire, Life.hire, Life.change, Life.change, Life.change, Life.manage, Life.move, Life.move, Life.leave,
    Life.come_back, Life.change_by_hand, Life.change_by_hand, Life.build,
]  # fmt: skip


def open_life(world: World, seed: int) -> Life:
    company = open_company(world)
    keeping.create(world.rt, people.KIND, User("boss", "Boss", "boss@example.com", kept_active=True))
    boss = Agent(agent_id_of("boss"), "boss", "Boss", "boss@example.com", roles=(Held("admin"),))
    keeping.create(world.rt, agents.KIND, boss)
    usual = company.rules()
    number = FieldMapping(source="employeeId", target="employee_number")
    department = Criterion(field="department", operator="equals", value="A")
    company.keep(
        cap=Cap(least=1_000),
        leaving="deleted_or_unmapped",
        user_fields=(*usual.user_fields, number),
        user_matching=("employee_number", "address"),
        role_without_manager="requester",
        site_mappings=(
            usual.site_mappings[0],
            SiteMapping(
                mapping_id="office", kind="match", site_field="name", user_field="office", sequence=2,
                criteria=(department,),
            ),
            SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", sequence=3, user_role="requester"),
        ),
    )  # fmt: skip
    life = Life(company, Random(seed))  # noqa: S311 - repeatable on purpose
    for address in life.chance.sample(ADDRESSES, 2):
        life.make_by_hand(address)
    for _ in range(PEOPLE):
        life.hire()
    return life


def bare(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Without the moment, which is another one."""
    return {
        each.object_id: replace(
            each,
            user=replace(each.user, created_at="") if each.user else None,
            agent=replace(each.agent, created_at="") if each.agent else None,
        )
        for each in entries.values()
    }


def what_everybody_brings(company: Company) -> dict[str, tuple[FieldChange, ...]]:
    """What a run does that plans everybody anew: a mapping is called another name, and nothing else.

    But for an address that somebody has at the desk and not in Entra any more, where who has it there by now is not
    brought in: that is seen when somebody looks at the holder.
    """
    rules, _ = store.get_rules(company.world.rt, company.connection_id)
    renamed = tuple(each.model_copy(update={"name": f"The {each.mapping_id}"}) for each in rules.site_mappings)
    company.keep(rules.model_copy(update={"site_mappings": renamed}))
    run = company.run()
    assert run.everybody
    found = {name: each.changes for name, each in company.entries(run).items() if each.does_something}
    return {name: changes for name, changes in found.items() if [each.field for each in changes] != ["address"]}


def check_hour(company: Company) -> None:
    preview = company.ask("preview")
    run = company.run()
    assert (preview.status, run.status) == ("previewed", "done"), (preview.failure, run.failure)
    shown, done = bare(company.entries(preview)), bare(company.entries(run))
    assert shown == done, "what a preview shows is what then happens"
    users = {each.user_id: replace(each, created_at="") for each in company.users().values()}
    for each in done.values():
        if each.user and not each.user_held:
            assert users[each.user.user_id] == each.user
    again = company.run()  # who waited for what this run did comes in now
    again = company.run() if again.pieces else again
    assert again.pieces == 0, "done twice is done once"


@pytest.mark.requirement("DIR-1", "DIR-7", "DIR-8", "DIR-10")
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],  # a smaller seed is no simpler life
)
@given(seed=st.integers(0, 2**32))
def test_hour_by_hour_comes_to_what_one_look_at_everybody_does(azurite: Azurite, host: Host, seed: int) -> None:
    world = World(azurite, host)
    life = open_life(world, seed)
    for _ in range(4):
        check_hour(life.company)
        life.hour()
    check_hour(life.company)
    left = what_everybody_brings(life.company)
    world.close()
    assert left == {}
