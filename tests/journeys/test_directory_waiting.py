"""People who cannot come in because something, or somebody else, is in the way: they do once it is not any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dev.graph.faults import Fault
from shared.desk import keeping, people, sites
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory import looking, runs
from shared.directory.rules import SiteMapping
from tests.companies import Company, connect_further, go_on, open_company, picture_of, run_until
from tests.world import World

MOST_WAITING = 20
READS_OF_GRAPH = ["graph GET /v1.0/users/delta", "graph GET /v1.0/groups/delta"]


@pytest.fixture
def _few_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a score were thousands."""
    monkeypatch.setattr(runs, "MOST_WAITING", MOST_WAITING)
    monkeypatch.setattr(looking, "MOST", MOST_WAITING)


@pytest.fixture
def company(world: World) -> Company:
    """Grace came in; the address that Ada has in Entra is somebody's at the desk who does not come from there."""
    made = open_company(world, user_matching=())
    keeping.create(world.rt, people.KIND, User("u1", "Ada of old", "ada@contoso.com"))
    made.hire("grace", "Desk", "Admins")
    ada = made.hire("ada", "Desk", manager="grace")
    run = made.run()
    assert (run.counts, made.waiting()) == ({"create": 1, "refuse": 1}, {ada})
    return made


def events_of(company: Company, name: str) -> list[tuple[str, str]]:
    """What runs did about somebody, the newest first."""
    object_id = company.tenant.get(f"{name}@contoso.com").id
    _, events = looking.history(company.world.rt, company.connection_id, object_id)
    return [(each.outcome, each.reason) for each in events]


def _ranges_of_desk(company: Company) -> int:
    return sum(call.startswith("table GET") and call.endswith("Desk()") for call in company.world.meter.calls)


def free_the_address(company: Company) -> None:
    """Take Ada's address from whoever has it."""
    kept = keeping.read(company.world.rt, people.KIND, "u1")
    keeping.change(company.world.rt, people.KIND, kept, replace(kept.thing, address="old@contoso.com"))


@pytest.mark.requirement("DIR-2", "DIR-7")
def test_who_waits_for_an_address_comes_in_with_the_hour_after_it_is_free(company: Company) -> None:
    company.world.meter.start()
    company.run()
    quiet = _ranges_of_desk(company)
    free_the_address(company)
    company.world.meter.start()
    run = company.run()
    assert _ranges_of_desk(company) == quiet + 1, "the agents, and not all users"
    assert (run.full, run.everybody, run.counts) == (False, False, {"create": 1})
    assert [call for call in company.world.meter.calls if call.startswith("graph")] == READS_OF_GRAPH
    ada, grace = company.users()["Ada"], company.users()["Grace"]
    assert (ada.address, ada.manager) == ("ada@contoso.com", grace.user_id)
    assert [held.role_id for held in company.agents()["Ada"].roles] == ["technician"], "her groups are known"
    assert company.waiting() == set()
    assert events_of(company, "ada") == [("create", "new"), ("refuse", "address_taken")]
    assert company.run().pieces == 0


@pytest.mark.requirement("DIR-10")
def test_who_waits_on_costs_no_row_and_no_event(company: Company) -> None:
    before = picture_of(company)
    for reset in ("", "clear", ""):
        company.keep(user_matching=(), reset=reset)
        company.world.meter.start()
        run = company.run()
        assert (run.status, run.counts, run.pieces, run.full) == ("done", {}, 0, reset == "clear")
        assert not [call for call in company.world.meter.calls if call == "blob PUT plan"]
        assert picture_of(company) == before
    assert events_of(company, "ada") == [("refuse", "address_taken")]


@pytest.mark.requirement("DIR-2", "DIR-7")
def test_who_waits_for_something_else_by_now_says_so(company: Company) -> None:
    kept = keeping.read(company.world.rt, people.KIND, "u1")
    keeping.change(company.world.rt, people.KIND, kept, replace(kept.thing, origin="fabrikam/ada"))
    assert company.run().counts == {"refuse": 1}
    assert events_of(company, "ada") == [("refuse", "other_connection"), ("refuse", "address_taken")]
    assert company.waiting() == {company.tenant.get("ada@contoso.com").id}


@pytest.mark.requirement("DIR-7")
def test_of_two_with_one_address_neither_comes_first_and_one_does_when_the_other_has_left(world: World) -> None:
    company = open_company(world)
    one = company.hire("ada")
    other = company.tenant.add_user("countess@contoso.com", displayName="Countess", mail="ada@contoso.com").id
    company.run()
    for _ in range(2):
        assert company.run().pieces == 0
        assert company.users() == {}
    company.tenant.delete(one)
    assert company.run().counts["create"] == 1
    assert company.users()["Countess"].origin.endswith(other)
    assert company.waiting() == set()


@pytest.mark.requirement("DIR-2", "DIR-3")
def test_who_waits_for_a_site_is_there_an_hour_after_it_is(world: World) -> None:
    company = open_company(world)
    by_office = SiteMapping(mapping_id="office", kind="match", site_field="name", user_field="office")
    company.keep(site_mappings=(by_office,))
    company.hire("ada", officeLocation="Oslo")
    assert company.run().counts == {"refuse": 1}
    keeping.create(world.rt, sites.KIND, Site("oslo", "org", "Oslo"))
    assert company.run().counts == {"create": 1}
    assert company.users()["Ada"].site == "oslo"


@pytest.mark.requirement("DIR-10")
def test_an_hour_in_which_nobody_can_come_in_costs_the_same_however_many_wait(world: World) -> None:
    company = open_company(world)
    grace, costs = company.hire("grace"), []
    for number in range(3):
        for each in range(6 * 4**number):
            company.hire(f"clerk{number}x{each}", mail=f"office{each // 2}@contoso.com")
        company.run()
        assert len(company.waiting()) >= 6 * 4**number
        world.meter.start()
        assert company.run().pieces == 0
        quiet = world.meter.by_kind()
        world.meter.start()
        company.tenant.change(grace, jobTitle=f"Rear admiral {number}")
        assert company.run().counts == {"update": 1}
        costs.append((quiet, world.meter.by_kind()))
    assert costs == [costs[0]] * 3


@pytest.mark.requirement("DIR-2", "DIR-7", "DIR-10")
def test_one_who_waits_comes_in_when_the_other_one_leaves_and_the_rest_is_not_planned(world: World) -> None:
    company = open_company(world)
    crowd = {
        name: company.hire(name, mail=f"{office}@contoso.com")
        for office in ("paris", "oslo", "rome")
        for name in (f"one of {office}".replace(" ", "."), f"two of {office}".replace(" ", "."))
    }
    assert company.run().counts == {"refuse": 6}
    company.tenant.change(crowd["one.of.oslo"], mail="elsewhere@contoso.com")
    assert company.run().counts == {"create": 2}
    company.tenant.delete(crowd["two.of.rome"])
    world.meter.start()
    run = company.run()
    assert (run.counts, run.everybody) == ({"create": 1, "skip": 1}, False)
    looked_for = {call for call in world.meter.calls if call.startswith("table GET") and "RowKey='u~" in call}
    assert len(looked_for) == 2, "users that the two of Rome are, or would be"
    assert company.waiting() == {crowd["one.of.paris"], crowd["two.of.paris"]}


@pytest.mark.requirement("DIR-7")
@pytest.mark.usefixtures("_few_remembered")
@pytest.mark.parametrize("waiting", [2, MOST_WAITING + 1])
def test_who_waits_still_claims_what_they_do_in_an_hour_that_tells_of_the_other_one(world: World, waiting: int) -> None:
    company = open_company(world)
    crowd = [company.hire(f"clerk{number}", mail="office@contoso.com") for number in range(waiting)]
    assert company.run().counts == {"refuse": waiting}
    company.tenant.change(crowd[0], jobTitle="Clerk")
    world.meter.start()
    assert company.run().counts == {"refuse": 1}
    assert len({call for call in world.meter.calls if "RowKey='p~" in call}) == 1, "nobody else may come in by that"
    company.hire("late", mail="office@contoso.com")
    assert company.run().counts == {"refuse": 1}
    seen = looking.what_would_happen(world.rt, company.connection_id, crowd[1])
    is_cut = "others" in {step.what for step in seen.steps}
    assert (str(seen.entry.reason), is_cut) == (("new", True) if waiting > MOST_WAITING else ("address_shared", False))
    assert company.users() == {}


@pytest.mark.requirement("DIR-2", "DIR-7")
@pytest.mark.parametrize("together", [True, False])
def test_who_waits_for_an_address_of_another_tenant_comes_in_when_that_gives_it_up(
    world: World, together: bool
) -> None:
    first = open_company(world)
    second = connect_further(world, "Fabrikam", "22222222-aaaa-4aaa-8aaa-000000000002")
    ada, eve = first.hire("ada"), first.hire("eve")
    first.run()
    second.keep(second.rules())
    second.hire("ada")
    assert second.run().counts == {"refuse": 1}
    first.tenant.change(ada, mail="king@contoso.com")
    first.tenant.change(eve, jobTitle="Clerk")
    run_until(first, "apply")
    if not together:
        kept = keeping.read(world.rt, people.KIND, first.users()["Eve"].user_id)
        keeping.change(world.rt, people.KIND, kept, replace(kept.thing, kept_active=True))
    assert go_on(first).planned_again == (not together)
    second.run()
    assert {each.address: each.source for each in people.iter_users(world.rt)} == {
        "king@contoso.com": first.connection_id,
        "eve@contoso.com": first.connection_id,
        "ada@contoso.com": second.connection_id,
    }


@pytest.mark.requirement("DIR-2", "DIR-7")
def test_who_waits_is_looked_at_again_after_a_run_that_failed(company: Company) -> None:
    free_the_address(company)
    company.world.emulator.faults.add(Fault(kind="refuse", path="/users/delta", status=403, error="Forbidden"))
    assert company.run().status == "failed"
    company.world.emulator.faults.clear()
    assert company.run().counts == {"create": 1}


@pytest.mark.requirement("DIR-2", "DIR-3")
def test_who_waits_for_a_site_is_there_though_a_directory_made_it(world: World) -> None:
    company = open_company(world)
    company.keep(site_mappings=(SiteMapping(mapping_id="o", kind="match", site_field="name", user_field="office"),))
    company.hire("ada", officeLocation="Oslo")
    assert company.run().counts == {"refuse": 1}
    keeping.create(world.rt, sites.KIND, Site("oslo", "org", "Oslo", source="fabrikam"))
    run = company.run()
    assert (run.counts, run.everybody) == ({"create": 1}, False)


@pytest.mark.requirement("DIR-10")
@pytest.mark.usefixtures("_few_remembered")
def test_where_more_wait_than_are_remembered_everybody_is_looked_at(company: Company) -> None:
    crowd = [company.hire(f"clerk{number}", mail="office@contoso.com") for number in range(MOST_WAITING)]
    assert company.run().counts == {"refuse": MOST_WAITING}
    free_the_address(company)
    run = company.run()
    assert (run.full, run.everybody, run.counts) == (False, True, {"create": 1})
    assert not company.run().everybody
    for number, each in enumerate(crowd[1:]):
        company.tenant.change(each, mail=f"clerk{number}@contoso.com")
    run = company.run()
    assert (run.everybody, run.counts, company.waiting()) == (True, {"create": MOST_WAITING}, set())
    assert (company.run().everybody, company.run().pieces) == (False, 0)


@pytest.mark.requirement("DIR-7", "DIR-11")
def test_a_preview_finds_those_who_waited_and_forgets_nobody(company: Company) -> None:
    free_the_address(company)
    assert company.ask("preview").counts == {"create": 1}
    assert company.waiting() == {company.tenant.get("ada@contoso.com").id}
    assert company.run().counts == {"create": 1}
