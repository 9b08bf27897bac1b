"""Which site mapping takes a person, and where they go."""

from __future__ import annotations

import pytest

from shared.desk.sites import Site
from shared.directory.choosing import Choice, choose
from shared.directory.persons import Person
from shared.directory.reasons import Reason
from shared.directory.rules import Criterion, SiteMapping
from tests.directory.examples import DESK, STAFF, STRUCTURE, Desk, person, rules, to_agents, to_site, with_sites


def chosen(who: Person, *mappings: SiteMapping, **values: str) -> Choice:
    return choose(who, mappings, STRUCTURE, values)


def in_field(field: str, **more: object) -> SiteMapping:
    return SiteMapping(mapping_id="named", kind="organization", organization_id="org", field=field, **more)  # type: ignore[arg-type]  # pydantic checks it


def matching(user_field: str, **more: object) -> SiteMapping:
    return SiteMapping(mapping_id="matched", kind="match", user_field=user_field, **more)  # type: ignore[arg-type]  # pydantic checks it


@pytest.mark.requirement("DIR-3")
def test_the_first_mapping_by_sequence_that_takes_somebody_decides() -> None:
    choice = chosen(person("ada"), to_site("paris", sequence=20), to_site("berlin", sequence=10))
    assert choice.user
    assert choice.user.mapping_id == "berlin"
    assert choice.site == STRUCTURE.sites["berlin"]
    assert [step.mapping for step in choice.steps] == ["berlin", "berlin"], "the second one is not looked at"


@pytest.mark.requirement("DIR-3", "DIR-11")
def test_every_mapping_that_was_looked_at_says_at_what_somebody_failed() -> None:
    choice = chosen(
        person("ada", department="Engines", userType="Guest"),
        to_site("a", sequence=1, group=STAFF),
        to_site("b", sequence=2, group=STAFF, transitive=True),
        to_site("c", sequence=3, criteria=(Criterion(field="department", operator="equals", value="IT"),)),
        to_site("d", sequence=4),
        to_site("e", sequence=5, external="licensed"),
        in_field("officeLocation", sequence=6, external="all"),
    )
    assert not choice.taken
    assert choice.reason is Reason.EXTERNAL
    assert [step.came_of_it for step in choice.steps] == [
        "not a direct member of the group 'Staff'",
        "not a member of the group 'Staff'",
        "fails at: department equals 'IT'; it is 'Engines'",
        "external users are left out",
        "external, and has no license",
        "officeLocation, which names the site, is empty",
    ]


@pytest.mark.requirement("DIR-3")
def test_members_of_nested_groups_count_where_the_mapping_says_so() -> None:
    who = Person("ada", {}, all_groups=frozenset({STAFF.id}))
    assert not chosen(who, to_site(group=STAFF)).taken
    assert chosen(who, to_site(group=STAFF, transitive=True)).taken


@pytest.mark.requirement("DIR-3")
def test_all_criteria_must_be_passed() -> None:
    criteria = (
        Criterion(field="department", operator="equals", value="IT"),
        Criterion(field="city", operator="starts_with", value="Ber"),
    )
    assert chosen(person("ada", department="IT", city="Berlin"), to_site(criteria=criteria)).taken
    assert not chosen(person("ada", department="IT", city="Paris"), to_site(criteria=criteria)).taken


@pytest.mark.requirement("DIR-3")
def test_agents_are_taken_apart_from_users() -> None:
    choice = chosen(person("ada", groups=[DESK.id]), to_agents(), to_site())
    assert choice.agent
    assert choice.user
    assert (choice.agent.mapping_id, choice.user.mapping_id) == ("agents", "berlin")


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("site_id", "reason"),
    [("berlin", None), ("old", Reason.SITE_GONE), ("shut-site", Reason.SITE_GONE), ("?", Reason.SITE_GONE)],
)
def test_a_site_must_be_there(site_id: str, reason: Reason | None) -> None:
    choice = chosen(person("ada"), to_site(site_id))
    assert choice.taken
    assert choice.reason is reason
    assert (choice.site is None) is (reason is not None)


@pytest.mark.requirement("DIR-3")
def test_a_field_names_a_site_that_is_there() -> None:
    choice = chosen(person("ada", officeLocation=" BERLIN "), in_field("officeLocation"))
    assert choice.site == STRUCTURE.sites["berlin"]
    assert not choice.made


@pytest.mark.requirement("DIR-3")
def test_a_site_that_is_not_there_is_made_once_for_all_who_need_it() -> None:
    desk = Desk()
    asked = rules(in_field("officeLocation"))
    found = desk.run(asked, [person("ada", officeLocation="Oslo"), person("bob", officeLocation="oslo")])
    made = {entry.site_to_make.site_id for entry in found.values() if entry.site_to_make}
    assert len(made) == 1
    assert desk.user("ada").site == desk.user("bob").site == made.pop()
    assert desk.plan(asked, [person("eve", officeLocation="OSLO")])[0].site_to_make is None


@pytest.mark.requirement("DIR-3")
def test_a_site_that_was_made_and_renamed_stays_the_one() -> None:
    desk = Desk()
    asked = rules(in_field("officeLocation"))
    desk.one(asked, person("ada", officeLocation="Oslo"))
    made = desk.structure.sites[desk.user("ada").site]
    renamed = Site(made.site_id, made.organization_id, "Head office", source=made.source)
    desk.structure = with_sites(desk.structure, {**desk.structure.sites, made.site_id: renamed}.values())
    entry = desk.one(asked, person("bob", officeLocation="Oslo"))
    assert entry.site_to_make is None
    assert desk.user("bob").site == made.site_id


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("mapping", "values", "site", "reason"),
    [
        (matching("office"), {"office": "paris"}, "paris", None),
        (matching("address", site_field="domain"), {"address": "ada@FR.contoso.example"}, "paris", None),
        (matching("office", site_field="domain"), {"office": "contoso.example"}, "berlin", None),
        (matching("office"), {"office": "Oslo"}, "", Reason.NO_SITE),
        (matching("office"), {}, "", Reason.NO_SITE),
        (matching("office"), {"office": "Old"}, "", Reason.NO_SITE),
        (matching("office", default_site="berlin"), {"office": "Oslo"}, "berlin", None),
        (matching("office", default_site="berlin"), {}, "berlin", None),
        (matching("office", default_site="old"), {}, "", Reason.SITE_GONE),
    ],
)
def test_a_field_of_the_user_finds_the_site(
    mapping: SiteMapping, values: dict[str, str], site: str, reason: Reason | None
) -> None:
    choice = chosen(person("ada"), mapping, **values)
    assert (choice.site.site_id if choice.site else "", choice.reason) == (site, reason)


@pytest.mark.requirement("DIR-3")
def test_two_sites_of_one_name_are_not_chosen_between() -> None:
    twins = with_sites(STRUCTURE, [*STRUCTURE.sites.values(), Site("berlin-2", "org", "berlin")])
    choice = choose(person("ada"), (matching("office", default_site="paris"),), twins, {"office": "Berlin"})
    assert choice.reason is Reason.SEVERAL_SITES


@pytest.mark.requirement("DIR-3")
def test_who_matches_no_site_is_refused_and_the_next_mapping_is_not_asked() -> None:
    entry = Desk().one(rules(matching("office", sequence=1), to_site(sequence=2)), person("ada"))
    assert (entry.outcome, entry.reason, entry.user) == ("refuse", Reason.NO_SITE, None)


@pytest.mark.requirement("DIR-3")
def test_somebody_known_keeps_their_site_where_none_is_found() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    entry = desk.one(rules(matching("office")), person("ada", department="Engines"))
    assert (entry.outcome, entry.reason) == ("update", Reason.NO_SITE)
    assert (desk.user("ada").site, desk.user("ada").details["department"]) == ("berlin", "Engines")
