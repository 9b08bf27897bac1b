"""What changes at the desk, and not in Entra: the next hour looks at everybody, and the one after it at nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.desk import keeping, roles, sites, teams
from shared.desk.sites import Site
from shared.directory.rules import SiteMapping
from tests.companies import Company, open_company, picture_of
from tests.world import World

BY_OFFICE = SiteMapping(
    mapping_id="office", kind="match", site_field="name", user_field="office", default_site="berlin", sequence=1
)


@pytest.fixture
def company(world: World) -> Company:
    """Ada's office is in Oslo, which is no site: she is at the default one. Grace is a technician."""
    made = open_company(world)
    made.hire("ada", officeLocation="Oslo")
    made.hire("grace", "Desk")
    made.keep(site_mappings=(*made.rules().site_mappings[:1], BY_OFFICE))
    assert made.run().counts == {"create": 2}
    assert made.users()["Ada"].site == "berlin"
    return made


def change(company: Company, kind: keeping.Kind[Any], thing_id: str, **values: Any) -> None:
    """Change a thing of the desk."""
    kept = keeping.read(company.world.rt, kind, thing_id)
    keeping.change(company.world.rt, kind, kept, replace(kept.thing, **values))


def assert_rests(company: Company) -> None:
    """The hour after looks at nobody, and nothing moves."""
    before = picture_of(company)
    run = company.run()
    assert (run.status, run.everybody, run.pieces) == ("done", False, 0)
    assert picture_of(company) == before


@pytest.mark.requirement("DIR-3", "DIR-10")
def test_a_new_site_takes_those_whom_it_fits(company: Company) -> None:
    assert_rests(company)
    keeping.create(company.world.rt, sites.KIND, Site("oslo", "org", "Oslo"))
    run = company.run()
    assert (run.full, run.everybody) == (False, True)
    assert company.users()["Ada"].site == "oslo"
    assert_rests(company)


@pytest.mark.requirement("DIR-4", "DIR-10")
def test_who_came_while_a_role_was_off_gets_it_once_it_is_on(company: Company) -> None:
    change(company, roles.KIND, "technician", active=False)
    company.hire("linus", "Desk")
    assert (company.run().everybody, company.agents()["Linus"].roles) == (True, ())
    assert_rests(company)
    change(company, roles.KIND, "technician", active=True)
    assert company.run().everybody
    assert [held.role_id for held in company.agents()["Linus"].roles] == ["technician"]
    assert_rests(company)


@pytest.mark.requirement("DIR-10")
def test_a_team_that_is_renamed_changes_nobody(company: Company) -> None:
    before = company.agents()
    change(company, teams.KIND, "first", name="Front line")
    run = company.run()
    assert (run.everybody, run.counts) == (True, {"unchanged": 2})
    assert company.agents() == before
    assert_rests(company)


@pytest.mark.requirement("DIR-3", "DIR-10")
def test_a_site_that_the_directory_made_is_no_news_to_it(world: World) -> None:
    company = open_company(world)
    made = SiteMapping(mapping_id="made", kind="organization", organization_id="org", field="officeLocation")
    company.keep(site_mappings=(made,))
    company.hire("ada", officeLocation="Oslo")
    assert company.run().counts == {"create": 1}
    site = company.users()["Ada"].site
    assert keeping.get(world.rt, sites.KIND, site).source == company.connection_id
    assert_rests(company)


@pytest.mark.requirement("DIR-10")
def test_a_preview_after_a_change_of_the_desk_leaves_the_look_at_everybody_to_the_run(company: Company) -> None:
    keeping.create(company.world.rt, sites.KIND, Site("oslo", "org", "Oslo"))
    for ask in (True, False):
        run = company.ask("preview") if ask else company.run()
        assert (run.everybody, run.counts) == (True, {"unchanged": 1, "update": 1})
