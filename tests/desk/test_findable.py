"""What people at the desk are found by has a version, which is another one as soon as any of it is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.desk import agents, findable, keeping, people
from shared.desk.agents import Agent
from shared.desk.people import DETAILS, User
from shared.directory.mapping import CUSTOM
from shared.directory.matching import agent_claim_key, claim_key, field_of, index_of
from tests.world import World

MOST_COLUMNS = 252
"""https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-the-table-service-data-model"""
ADA = User("ada", "Ada", "ada@contoso.com", details={"title": "Clerk"}, custom={"favourite tea": "Assam"})
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": "Ada King"}),
    ("address", {"address": "king@contoso.com"}),
    ("address", {"address": ""}),
    ("origin", {"origin": "contoso/1"}),
    ("title", {"details": {"title": "Countess"}}),
    ("office", {"details": {"title": "Clerk", "office": "Oslo"}}),
    ("custom.favourite tea", {"custom": {}}),
]


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize(("name", "changed"), CHANGES)
def test_a_change_by_hand_gives_the_field_another_version_and_no_other(
    world: World, name: str, changed: dict[str, Any]
) -> None:
    rt = world.rt
    kept = keeping.create(rt, people.KIND, ADA)
    names = ("name", "address", "origin", "title", "office", "custom.favourite tea", "agent_name")
    before = {each: findable.version(rt, [each]) for each in names}
    keeping.change(rt, people.KIND, kept, replace(ADA, **changed))
    after = {each: findable.version(rt, [each]) for each in names}
    assert {each for each in names if before[each] != after[each]} == {name}


@pytest.mark.requirement("DIR-7")
def test_each_change_gives_a_version_that_was_never_there_before(world: World) -> None:
    rt, versions = world.rt, set[str]()
    kept = keeping.create(rt, people.KIND, ADA)
    for address in ("king@contoso.com", "ada@contoso.com", "king@contoso.com"):
        kept = keeping.change(rt, people.KIND, kept, replace(ADA, address=address))
        versions.add(findable.version(rt, ["address"]))
    assert len(versions) == 3


@pytest.mark.requirement("DIR-7")
def test_what_nobody_is_found_by_and_whoever_is_new_leave_the_version(world: World) -> None:
    rt, names = world.rt, ["name", "address", "origin", "title", "agent_name", "agent_address"]
    before = findable.version(rt, names)
    kept = keeping.create(rt, people.KIND, ADA)
    keeping.create(rt, agents.KIND, Agent("agent", "ada", "Ada", "ada@contoso.com"))
    keeping.change(rt, people.KIND, kept, replace(ADA, active=False, kept_active=True, licenses=("e3",)))
    assert findable.version(rt, names) == before


@pytest.mark.requirement("DIR-7")
def test_an_agent_has_versions_of_its_own(world: World) -> None:
    rt, agent = world.rt, Agent("agent", "ada", "Ada", "ada@contoso.com", details={"title": "Clerk"})
    kept = keeping.create(rt, agents.KIND, agent)
    keeping.change(rt, agents.KIND, kept, replace(agent, details={"title": "Countess"}))
    changed, others = findable.version(rt, ["agent_title"]), findable.version(rt, ["agent_name"])
    assert changed != others == findable.version(rt, ["title"])


@pytest.mark.requirement("DIR-7")
def test_whatever_a_matching_field_looks_at_has_a_version() -> None:
    """A field that is compared and has none would let somebody wait for a day."""
    custom = (f"{CUSTOM}tea", f"{CUSTOM}favourite tea")
    details = {str(name): f"some {name}" for name in DETAILS}
    user = User("u", "Ada", "ada@contoso.com", details=details, custom={"tea": "Assam", "favourite tea": "Earl Grey"})
    told, names = people.findable(user), ("name", "address", *DETAILS, *custom)
    assert {name: told[name] for name in names} == {name: field_of(user, name) for name in names}
    assert index_of([user], names).by_id["u"].keys == tuple(claim_key(name, told[name]) for name in names)
    agent = Agent("a", "u", "Ada", "ada@contoso.com", details=details)
    told, names = agents.findable(agent), ("name", "address", *DETAILS)
    keys = tuple(agent_claim_key(each, told[f"agent_{each}"]) for each in names)
    assert index_of([agent], names).by_id["a"].keys == keys


@pytest.mark.requirement("DIR-7")
def test_all_that_can_change_at_once_fits_into_one_row(world: World) -> None:
    custom = {f"field {number}": "x" for number in range(100)}
    whole = User("u", "A", "a@x.example", details=dict.fromkeys(DETAILS, "x"), custom=custom, origin="o/1")
    agent = Agent("a", "u", "A", "a@x.example", details=dict.fromkeys(DETAILS, "x"), origin="o/1")
    pairs = [(people.findable(User("u", "", "")), people.findable(whole)), ({}, agents.findable(agent))]
    [change] = findable.changes(pairs)
    assert len(change.row.values) <= MOST_COLUMNS
    world.rt.tables["Desk"].transact([change])
