"""Two people of the tenant who could both be the same one at the desk: neither is, whoever Graph names first."""

from __future__ import annotations

import pytest

from shared.desk import agents, keeping, people
from shared.desk.agents import Agent
from shared.desk.people import User
from shared.directory import looking
from shared.directory.mapping import default_rules
from shared.directory.rules import Criterion, FieldMapping, SiteMapping
from tests.companies import Company, open_company
from tests.world import World

IN_IT = Criterion(field="department", operator="equals", value="IT")


def reasons_of(company: Company) -> dict[str, str]:
    """What the last run found about each person, by name."""
    return {name: str(entry.reason) for name, entry in company.entries(company.last_run()).items()}


def someone_called_ada(world: World) -> User:
    """A user whom the directory may find by her name."""
    user = User("u1", "Ada", "old@contoso.com", details={"employee_number": "17"})
    keeping.create(world.rt, people.KIND, user)
    return user


@pytest.mark.requirement("DIR-7")
def test_two_namesakes_of_a_first_import_are_both_refused(world: World) -> None:
    company = open_company(world, user_matching=("name",))
    known = someone_called_ada(world)
    for name in ("one", "other"):
        company.tenant.add_user(f"{name}@contoso.com", displayName="Ada")
    assert company.run().counts == {"refuse": 2}
    assert set(reasons_of(company).values()) == {"ambiguous"}
    assert company.users() == {"Ada": known}


@pytest.mark.requirement("DIR-7")
def test_a_namesake_of_whom_this_hour_tells_nothing_counts_too_until_they_are_renamed(world: World) -> None:
    company = open_company(world)
    known = someone_called_ada(world)
    berlin = SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", criteria=(IN_IT,))
    company.keep(user_matching=("name",), site_mappings=(berlin,))
    first = company.tenant.add_user("first@contoso.com", displayName="Ada")
    assert company.run().counts == {"skip": 1}
    company.tenant.add_user("second@contoso.com", displayName="Ada", department="IT")
    run = company.run()
    assert (run.full, run.everybody, run.counts) == (False, False, {"refuse": 1})
    assert reasons_of(company) == {"Ada": "ambiguous"}
    company.tenant.change(first.id, displayName="Ada King")
    assert company.run().counts == {"skip": 1, "update": 1}
    assert reasons_of(company) == {"Ada": "adopted", "Ada King": "unmapped"}
    assert company.users()["Ada"].user_id == known.user_id


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize("numbered_first", [True, False])
def test_whom_an_earlier_field_leads_somebody_else_to_is_not_found_by_a_later_one(
    world: World, numbered_first: bool
) -> None:
    number = FieldMapping(source="employeeId", target="employee_number")
    fields = tuple(each for each in default_rules().user_fields if each.target != "employee_number")
    company = open_company(world, user_matching=("employee_number", "name"), user_fields=(*fields, number))
    known = someone_called_ada(world)
    hires = [("king", {"displayName": "A. King", "employeeId": "17"}), ("namesake", {"displayName": "Ada"})]
    for name, values in hires if numbered_first else hires[::-1]:
        company.tenant.add_user(f"{name}@contoso.com", **values)
    assert company.run().counts == {"create": 1, "update": 1}
    assert company.users()["A. King"].user_id == known.user_id
    assert company.users()["Ada"].address == "namesake@contoso.com"


@pytest.mark.requirement("DIR-11")
@pytest.mark.parametrize(("most", "reason", "ranges"), [(999, "ambiguous", 2), (2, "adopted", 1), (0, "new", 1)])
def test_who_waits_for_an_answer_does_not_wait_for_all_of_a_large_tenant(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, reason: str, ranges: int
) -> None:
    """Four of the tenant and one of the desk are gone through, or found to be too many, which is said."""
    monkeypatch.setattr(looking, "MOST", most)
    company = open_company(world)
    someone_called_ada(world)
    berlin = SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", criteria=(IN_IT,))
    company.keep(user_matching=("name",), site_mappings=(berlin,))
    for name in ("ada", "grace", "alan", "edsger"):
        company.hire(name)
    assert company.run().counts == {"skip": 4}
    company.tenant.add_user("second@contoso.com", displayName="Ada", department="IT")
    world.meter.start()
    found = looking.what_would_happen(world.rt, company.connection_id, "second@contoso.com")
    assert str(found.entry.reason) == reason
    assert ("others" in {step.what for step in found.steps}) is (most < 4)
    read = sum(call.endswith("Directory()") for call in world.meter.calls)
    assert read == ranges, "the head, and all people where they are few"


@pytest.mark.requirement("DIR-7")
def test_an_agent_by_hand_is_nobody_s_while_two_of_the_tenant_could_be_them(world: World) -> None:
    company = open_company(world, user_matching=(), agent_matching=("name",))
    by_hand = Agent("a1", "u1", "Ada", "old@contoso.com")
    keeping.create(world.rt, agents.KIND, by_hand)
    first = company.tenant.add_user("first@contoso.com", displayName="Ada")
    assert company.run().counts == {"create": 1}, "the first is no agent"
    second = company.tenant.add_user("second@contoso.com", displayName="Ada")
    company.tenant.add_members(company.group("Desk"), second.id)
    assert company.run().counts == {"refuse": 1}
    assert company.agents() == {"Ada": by_hand}
    company.tenant.change(first.id, displayName="Ada King")
    assert company.run().counts == {"create": 1, "update": 1}
    assert company.agents()["Ada"].agent_id == "a1"
    assert company.agents()["Ada"].origin.endswith(second.id)
