"""People who cannot come in because something, or somebody else, is in the way: they do once it is not any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.desk import keeping, people, sites
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory import looking
from shared.directory.rules import SiteMapping
from shared.directory.runs import MOST_WAITING
from tests.companies import Company, open_company, picture_of
from tests.world import World

READS_OF_GRAPH = ["graph GET /v1.0/users/delta", "graph GET /v1.0/groups/delta"]


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


def free_the_address(company: Company) -> None:
    """Take Ada's address from whoever has it."""
    kept = keeping.read(company.world.rt, people.KIND, "u1")
    keeping.change(company.world.rt, people.KIND, kept, replace(kept.thing, address="old@contoso.com"))


@pytest.mark.requirement("DIR-2", "DIR-7")
def test_who_waits_for_an_address_comes_in_with_the_hour_after_it_is_free(company: Company) -> None:
    free_the_address(company)
    company.world.meter.start()
    run = company.run()
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
def test_where_more_wait_than_are_remembered_everybody_is_looked_at(company: Company) -> None:
    crowd = [company.hire(f"clerk{number}", mail="office@contoso.com") for number in range(MOST_WAITING)]
    assert company.run().counts == {"refuse": MOST_WAITING}
    free_the_address(company)
    run = company.run()
    assert (run.full, run.everybody, run.counts) == (False, True, {"create": 1})
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
