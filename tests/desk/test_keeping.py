"""Things of the desk's structure: whole, each name once, changed only at the version that was read."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.desk import PARTITION, TABLE, boards, custom_fields, keeping, organizations, roles, sites, teams
from shared.desk.boards import Board
from shared.desk.custom_fields import CustomField
from shared.desk.organizations import Organization
from shared.desk.roles import Role
from shared.desk.sites import Site
from shared.desk.teams import Team
from shared.errors import BadInput, Conflict, NotFound
from tests.world import World


def team(name: str) -> Team:
    return Team(str(uuid.uuid4()), name)


def keys(world: World) -> list[str]:
    return [row.key for row in world.rt.tables[TABLE].range(PARTITION)]


@pytest.mark.requirement("DESK-3")
def test_a_thing_of_every_kind_is_read_as_it_was_kept(world: World) -> None:
    rt = world.rt
    organization, site = Organization("o1", "Contoso"), Site("s1", "o1", "Leeds", ("leeds.example", "b.example"))
    board, role = Board("b1", "Network", ("Chair", "Võter")), Role("r1", "Admins", "agent", admin=True)
    keeping.create(rt, organizations.KIND, organization)
    keeping.create(rt, sites.KIND, site)
    keeping.create(rt, boards.KIND, board)
    keeping.create(rt, roles.KIND, role)
    keeping.create(rt, custom_fields.KIND, CustomField("badge", "Badge"))
    assert organizations.load_all(rt) == {"o1": organization}
    assert list(sites.iter_sites(rt)) == [site]
    assert boards.load_all(rt) == {"b1": board}
    assert roles.load_all(rt) == {"r1": role}
    assert custom_fields.load_all(rt) == {"badge": CustomField("badge", "Badge")}
    assert keeping.find(rt, teams.KIND, "b1") is None
    with pytest.raises(NotFound):
        keeping.get(rt, teams.KIND, "b1")


@pytest.mark.requirement("DESK-3")
@pytest.mark.parametrize("name", ["Second Line", "second line", " SECOND   line ", "\uff33econd Line"])
def test_a_name_is_given_once_however_it_is_written(world: World, name: str) -> None:
    first = team("Second Line")
    keeping.create(world.rt, teams.KIND, first)
    before = keys(world)
    with pytest.raises(BadInput, match=first.team_id) as refused:
        keeping.create(world.rt, teams.KIND, team(name))
    assert (refused.value.field, bool(refused.value.cure)) == ("name", True)
    assert keys(world) == before


def test_names_are_apart_by_kind_and_by_what_they_are_within(world: World) -> None:
    keeping.create(world.rt, roles.KIND, Role("1", "Staff", "agent"))
    keeping.create(world.rt, roles.KIND, Role("2", "Staff", "user"))
    keeping.create(world.rt, teams.KIND, team("Staff"))
    keeping.create(world.rt, sites.KIND, Site("3", "one", "Staff"))
    keeping.create(world.rt, sites.KIND, Site("4", "other", "Staff"))
    with pytest.raises(BadInput):
        keeping.create(world.rt, sites.KIND, Site("5", "other", "staff"))


@pytest.mark.requirement("DESK-3")
def test_a_rename_takes_the_new_name_and_frees_the_old_one(world: World) -> None:
    kept = keeping.create(world.rt, teams.KIND, team("One"))
    count = len(keys(world))
    renamed = keeping.change(world.rt, teams.KIND, kept, replace(kept.thing, name="Two"))
    assert (keeping.get(world.rt, teams.KIND, kept.thing.team_id).name, len(keys(world))) == ("Two", count)
    keeping.create(world.rt, teams.KIND, team("ONE"))
    with pytest.raises(BadInput):
        keeping.change(world.rt, teams.KIND, renamed, replace(renamed.thing, name="one"))
    respelled = keeping.change(world.rt, teams.KIND, renamed, replace(renamed.thing, name="TWO"))
    assert teams.load_all(world.rt)[kept.thing.team_id].name == respelled.thing.name == "TWO"


@pytest.mark.requirement("DESK-3")
def test_of_two_who_change_at_once_one_is_told(world: World) -> None:
    kept = keeping.create(world.rt, teams.KIND, team("One"))
    keeping.change(world.rt, teams.KIND, kept, replace(kept.thing, active=False))
    with pytest.raises(Conflict) as refused:
        keeping.change(world.rt, teams.KIND, kept, replace(kept.thing, name="Two"))
    assert refused.value.cure
    assert keeping.get(world.rt, teams.KIND, kept.thing.team_id) == replace(kept.thing, active=False)
    keeping.create(world.rt, teams.KIND, team("Two"))


@pytest.mark.requirement("DESK-3")
def test_of_many_who_want_a_name_at_once_one_gets_it(world: World) -> None:
    others = [keeping.create(world.rt, teams.KIND, team(f"Team {index}")) for index in range(4)]

    def attempt(index: int) -> str:
        try:
            if index < 4:
                keeping.change(world.rt, teams.KIND, others[index], replace(others[index].thing, name="Wanted"))
            else:
                keeping.create(world.rt, teams.KIND, team("wanted"))
        except (BadInput, Conflict) as refused:
            return type(refused).__name__
        return "got it"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(attempt, range(8)))
    assert found.count("got it") == 1
    assert [each.name.lower() for each in keeping.iter_all(world.rt, teams.KIND)].count("wanted") == 1


def test_what_is_made_or_changed_again_after_a_lost_answer_stands(world: World) -> None:
    thing = team("One")
    kept = keeping.create(world.rt, teams.KIND, thing)
    assert keeping.create(world.rt, teams.KIND, thing) == kept
    changed = keeping.change(world.rt, teams.KIND, kept, replace(thing, name="Two"))
    assert keeping.change(world.rt, teams.KIND, kept, replace(thing, name="Two")) == changed


def test_small_collections_are_read_once_a_minute_and_a_change_is_seen_at_once(world: World) -> None:
    keeping.create(world.rt, teams.KIND, team("One"))
    assert len(teams.load_all(world.rt)) == 1
    world.meter.start()
    teams.load_all(world.rt)
    assert world.meter.calls == []
    keeping.create(world.rt, teams.KIND, team("Two"))
    assert len(teams.load_all(world.rt)) == 2
    other = replace(world.rt, memory={})
    keeping.create(other, teams.KIND, team("Three"))
    assert len(teams.load_all(world.rt)) == 2
    world.advance(61)
    assert len(teams.load_all(world.rt)) == 3


def test_a_page_is_one_request_whatever_is_asked_for(world: World) -> None:
    for index in range(12):
        keeping.create(world.rt, teams.KIND, team(f"Team {index}"))
    for fits in (None, lambda each: each.name == "Team 7"):
        world.meter.start()
        keeping.list_some(world.rt, teams.KIND, fits, limit=5)
        assert len(world.meter.calls) == 1


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_hold_each_thing_that_fits_once(world: World, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_LOOKED_AT", 4)
    names = {keeping.create(world.rt, teams.KIND, team(f"Team {index}")).thing.name for index in range(10)}
    found, past = [], ""
    while True:
        page, following = keeping.list_some(world.rt, teams.KIND, lambda _: True, past=past, limit=limit)
        assert len(page) <= limit
        found += [each.name for each in page]
        if following is None:
            break
        past = following
    assert (len(found), set(found)) == (10, names)


@pytest.mark.requirement("DESK-3")
def test_a_domain_leads_to_its_active_site(world: World) -> None:
    rt = world.rt
    kept = keeping.create(rt, sites.KIND, Site("s1", "o1", "Leeds", ("leeds.example",)))
    assert sites.find_by_domain(rt, "LEEDS.example") == "s1"
    with pytest.raises(BadInput, match="s1") as refused:
        keeping.create(rt, sites.KIND, Site("s2", "o1", "York", ("york.example", "leeds.example")))
    assert refused.value.field == "domains"
    assert keeping.find(rt, sites.KIND, "s2") is None
    resting = keeping.change(rt, sites.KIND, kept, replace(kept.thing, active=False))
    assert sites.find_by_domain(rt, "leeds.example") == ""
    keeping.create(rt, sites.KIND, Site("s2", "o1", "York", ("york.example", "leeds.example")))
    with pytest.raises(BadInput, match="s2"):
        keeping.change(rt, sites.KIND, resting, kept.thing)
    assert sites.find_by_domain(rt, "york.example") == "s2"


@pytest.mark.parametrize(
    "domain", ["", "x", "a/b.example", "x#y.example", "../x.example", "é.example", "a" * 300, "!all"]
)
def test_a_domain_that_is_none_costs_nothing(world: World, domain: str) -> None:
    world.meter.start()
    assert sites.find_by_domain(world.rt, domain) == ""
    assert world.meter.calls == []


def test_known_and_unknown_domains_are_looked_up_once(world: World) -> None:
    keeping.create(world.rt, sites.KIND, Site("s1", "o1", "Leeds", ("leeds.example",)))
    world.meter.start()
    for _ in range(3):
        assert sites.find_by_domain(world.rt, "leeds.example") == "s1"
        assert sites.find_by_domain(world.rt, "nowhere.example") == ""
    assert len(world.meter.calls) == 2
