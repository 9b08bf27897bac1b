"""The desk as the directory sees it."""

from __future__ import annotations

import pytest

from shared.desk.keeping import name_guard
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.directory.structure import structure_of
from tests.directory.examples import STRUCTURE, with_sites


@pytest.mark.requirement("DIR-3")
def test_only_active_sites_of_active_organizations_are_found() -> None:
    assert STRUCTURE.find_site("berlin")
    assert [STRUCTURE.find_site(each) for each in ("old", "shut-site", "?")] == [None, None, None]
    assert STRUCTURE.sites_with("name", "NOWHERE") == STRUCTURE.sites_with("name", "old") == ()
    assert [each.site_id for each in STRUCTURE.sites_with("name", " berlin ")] == ["berlin"]
    assert [each.site_id for each in STRUCTURE.sites_with("domain", "Ada@FR.Contoso.example")] == ["paris"]


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize("name", ["BERLIN", " Berlin", "Berlin\u00a0", "\uff22erlin"])
def test_a_site_is_found_by_whatever_the_desk_takes_for_its_name(name: str) -> None:
    berlin = STRUCTURE.sites["berlin"]
    assert STRUCTURE.find_site_called(berlin.organization_id, name) == berlin
    assert name_guard("site", name, "org").keys() == name_guard("site", berlin.name, "org").keys()


@pytest.mark.requirement("DIR-3")
def test_spaces_within_a_name_make_no_other_site() -> None:
    two = with_sites(STRUCTURE, [Site("mitte", "org", "Berlin Mitte")])
    assert two.find_site_called("org", "Berlin  Mitte") == two.sites["mitte"]


def test_what_is_not_there_is_shown_by_its_id() -> None:
    shown = (STRUCTURE.role_name("?"), STRUCTURE.team_name("?"), STRUCTURE.board_name("?"), STRUCTURE.site_name("?"))
    assert shown == ("?", "?", "?", "?")
    assert (STRUCTURE.role_name("admin"), STRUCTURE.board_name("cab")) == ("Administrator", "CAB")


@pytest.mark.requirement("DIR-10")
def test_the_version_changes_with_what_can_change_a_plan() -> None:
    sites = [*STRUCTURE.sites.values()]
    made = with_sites(STRUCTURE, [*sites, Site("new", "org", "Oslo", source="contoso")])
    off = with_sites(STRUCTURE, [*sites, Site("new", "org", "Oslo", source="contoso", active=False)])
    by_hand = with_sites(STRUCTURE, [*sites, Site("new", "org", "Oslo")])
    assert STRUCTURE.version() == with_sites(STRUCTURE, reversed(sites)).version() == made.version()
    assert len({each.version() for each in (STRUCTURE, by_hand, off)}) == 3
    assert structure_of().version() != structure_of(teams=[Team("t", "T")]).version()


@pytest.mark.requirement("DIR-9")
def test_a_role_that_is_switched_off_makes_nobody_an_administrator() -> None:
    listed = (Role("on", "On", "agent", admin=True), Role("off", "Off", "agent", admin=True, active=False))
    assert structure_of(roles=listed).admin_roles() == {"on"}
