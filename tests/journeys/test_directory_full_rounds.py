"""Once a day everything is read, whatever delta told: what it kept to itself is found, and the hours stay cheap."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.directory import planning, roster, tenant
from shared.directory.rules import AGENT_SITE, SiteMapping
from shared.directory.runs import Run
from tests.companies import Company, open_company, open_staffed, picture_of
from tests.world import World

HOUR = 3600
MANY = 14
"""More than a run takes away without asking."""


@pytest.fixture
def company(world: World) -> Company:
    """Three people who came in."""
    return open_staffed(world)


def the_next_day(company: Company) -> Run:
    """The run of the same hour on the next day."""
    company.world.advance(23 * HOUR)
    return company.run()


@pytest.mark.requirement("DIR-10", "DIR-8")
def test_who_was_restored_and_is_not_told_of_is_back_with_the_full_round_of_the_day(company: Company) -> None:
    before = picture_of(company)
    object_id = company.tenant.get("ada@contoso.com").id
    company.tenant.delete(object_id)
    assert company.run().counts == {"deactivate": 1}
    company.tenant.restore(object_id, told=False)
    run = company.run()
    assert (run.full, run.counts, company.users()["Ada"].active) == (False, {}, False)
    run = the_next_day(company)
    assert (run.status, run.full, run.everybody, run.counts) == ("done", True, True, {"update": 1})
    assert picture_of(company)["users"] == before["users"]
    assert picture_of(company)["agents"] == before["agents"]


@pytest.mark.requirement("DIR-10", "DIR-12")
@pytest.mark.parametrize(("every", "full"), [(24, [24, 48]), (12, [12, 24, 36, 48]), (0, [])])
def test_everything_is_read_as_often_as_the_rules_say(company: Company, every: int, full: list[int]) -> None:
    company.keep(full_every_hours=every)
    found: dict[int, Run] = {}
    for hour in range(6, 49, 6):
        company.world.advance(5 * HOUR)
        found[hour] = company.run()
    assert {(run.status, *run.counts) for run in found.values()} == {("done",)}
    assert [hour for hour, run in found.items() if run.full] == full
    told = company.world.get("/connections/contoso/directory")["full_at"]
    assert bool(full) is (told in {run.began_at for run in found.values()})


@pytest.mark.requirement("DIR-10")
def test_a_full_round_reads_nobody_at_the_desk_and_the_hour_after_it_asks_graph_twice(company: Company) -> None:
    company.world.meter.start()
    assert the_next_day(company).full
    read = [call for call in company.world.meter.calls if call.startswith("table GET") and "Desk(" in call]
    assert read, "the desk's structure, and the agents"
    assert not [call for call in read if "RowKey='u~" in call], "managers are who the mirror says"
    company.world.meter.start()
    assert not company.run().full
    asked = [call for call in company.world.meter.calls if call.startswith("graph")]
    assert asked == ["graph GET /v1.0/users/delta", "graph GET /v1.0/groups/delta"]


@pytest.mark.requirement("DIR-10", "DIR-8")
def test_a_full_round_that_is_not_believed_is_no_reason_to_read_everything_every_hour(company: Company) -> None:
    before = picture_of(company)
    company.world.emulator.faults.add(Fault(kind="no_rows", path="/users/delta", times=1))
    run = the_next_day(company)
    assert (run.status, run.full) == ("failed", True)
    run = company.run()
    assert (run.status, run.full, run.counts) == ("done", False, {})
    assert picture_of(company) == before
    run = the_next_day(company)
    assert (run.status, run.full, run.counts) == ("done", True, {})


@pytest.mark.requirement("DIR-10")
def test_what_was_to_be_passed_over_is_not_read_in_the_same_run_after_all(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.keep(reset="latest")
    run = the_next_day(company)
    assert (run.full, run.counts) == (False, {})
    run = the_next_day(company)
    assert (run.full, run.counts) == (True, {"update": 1})


@pytest.mark.requirement("DIR-8", "DIR-10")
def test_a_preview_reads_as_the_run_would_and_puts_no_full_round_off(company: Company) -> None:
    company.world.advance(24 * HOUR)
    assert company.ask("preview").full
    company.wake()
    run = company.last_run()
    assert (run.mode, run.full) == ("run", True)


@pytest.mark.requirement("DIR-8")
def test_the_full_round_of_the_day_holds_what_is_held(world: World) -> None:
    company = open_company(world, leaving="deleted")
    people = [company.hire(f"clerk{number:02}") for number in range(MANY)]
    company.run()
    for each in people[1:]:
        company.tenant.delete(each)
    first = company.run()
    assert (first.status, first.full) == ("held", False)
    second = the_next_day(company)
    assert (second.status, second.full, second.removals) == ("held", True, {"deactivation": MANY - 1})
    assert all(user.active for user in company.users().values())


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize("held", [0, 2, 5_000])
def test_however_few_rows_of_users_are_held_at_once_the_plan_is_the_same(
    company: Company, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr(roster, "MOST_REMEMBERED", held)
    monkeypatch.setattr(tenant, "CHUNK", 2)
    for name in ("edsger", "barbara", "tony"):
        company.hire(name, manager="ada")
    company.run()
    company.tenant.change("tony@contoso.com", mail="barbara@contoso.com")
    company.tenant.change("barbara@contoso.com", mail="tony@contoso.com")
    mappings = [each.model_copy(update={"values": {"fax": "none"}}) for each in company.rules().site_mappings]
    company.keep(site_mappings=tuple(mappings))
    assert company.run().counts == {"update": 6}
    users = company.users()
    assert {each.details["fax"] for each in users.values()} == {"none"}
    assert (users["Tony"].address, users["Barbara"].address) == ("barbara@contoso.com", "tony@contoso.com")


@pytest.fixture
def managed(world: World) -> Company:
    """Grace, and three agents below her; who has no manager has a role for it."""
    company = open_company(world, role_without_manager="requester", site_mappings=to_agents_and_berlin())
    company.hire("grace", "Desk")
    for name in ("ada", "alan", "edsger"):
        company.hire(name, "Desk", manager="grace")
    company.run()
    return company


def to_agents_and_berlin() -> tuple[SiteMapping, ...]:
    """Everybody is a user, and an agent; no mapping gives a role."""
    return (
        SiteMapping(mapping_id="agents", kind="site", site_id=AGENT_SITE, sequence=1),
        SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", sequence=2),
    )


def hide_managers(company: Company, *names: str) -> None:
    """Let Graph keep to itself that these people have managers."""
    for name in names:
        company.tenant.get(f"{name}@contoso.com").manager = None


def with_managers(company: Company) -> set[str]:
    """Who has a manager at the desk, as a user and as an agent."""
    agents = {name for name, agent in company.agents().items() if agent.line_manager}
    assert agents == {name for name, user in company.users().items() if user.manager}
    assert agents == {name for name, user in company.users().items() if not user.roles}
    return agents


@pytest.mark.requirement("DIR-4", "DIR-8")
def test_a_full_round_that_names_nobodys_manager_is_not_believed_and_says_so(managed: Company) -> None:
    before = picture_of(managed)
    assert with_managers(managed) == {"Ada", "Alan", "Edsger"}
    hide_managers(managed, "ada", "alan", "edsger")
    run = the_next_day(managed)
    assert (run.status, run.full, run.counts, run.removals) == ("done", True, {}, {})
    assert run.troubles == (planning.NO_MANAGERS,)
    assert picture_of(managed) == before
    managed.keep(role_without_manager="requester", site_mappings=to_agents_and_berlin(), disabled_users="keep")
    managed.tenant.change("ada@contoso.com", jobTitle="Countess")
    run = managed.run()
    assert (run.full, run.everybody, run.troubles) == (False, True, (planning.NO_MANAGERS,))
    assert with_managers(managed) == {"Ada", "Alan", "Edsger"}


@pytest.mark.requirement("DIR-4", "DIR-8")
def test_once_graph_names_one_manager_it_is_believed_of_all(managed: Company) -> None:
    hide_managers(managed, "ada", "alan", "edsger")
    the_next_day(managed)
    managed.tenant.set_manager("ada@contoso.com", "grace@contoso.com")
    assert managed.run().troubles == (planning.NO_MANAGERS,), "of the others nothing is known yet"
    run = the_next_day(managed)
    assert (run.full, run.counts, run.troubles) == (True, {"update": 2}, ())
    assert with_managers(managed) == {"Ada"}


@pytest.mark.requirement("DIR-4")
def test_two_people_may_well_lose_their_managers_at_once(managed: Company) -> None:
    managed.tenant.set_manager("edsger@contoso.com", None)
    assert managed.run().counts == {"update": 1}
    hide_managers(managed, "ada", "alan")
    run = the_next_day(managed)
    assert (run.full, run.counts, run.troubles) == (True, {"update": 2}, ())
    assert with_managers(managed) == set()


@pytest.mark.requirement("DIR-4", "DIR-8")
def test_whoever_told_of_as_gone_had_a_manager_is_no_reason_to_doubt(managed: Company) -> None:
    for name in ("ada", "alan", "edsger"):
        managed.tenant.delete(f"{name}@contoso.com")
    run = the_next_day(managed)
    assert (run.full, run.counts, run.troubles) == (True, {"deactivate": 3}, ())
