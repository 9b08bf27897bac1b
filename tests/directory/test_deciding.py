"""What becomes of a person: made, changed, made inactive, left alone, each with why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk.people import User
from shared.directory.differences import agent_changes, user_changes
from shared.directory.persons import Person
from shared.directory.plan import Entry, FieldChange
from shared.directory.reasons import Reason
from shared.directory.rules import BoardMapping, Criterion, RoleMapping, Rules, TeamMapping
from tests.directory.examples import (
    CONTOSO,
    DESK,
    LEADS,
    STAFF,
    STRUCTURE,
    Desk,
    person,
    rules,
    to_agents,
    to_site,
)

LICENSED = [{"skuId": "spe_e5"}]


@pytest.mark.requirement("DIR-2", "DIR-3")
def test_somebody_new_is_made_with_what_entra_says_and_each_value_says_why() -> None:
    desk = Desk()
    entry = desk.one(rules(), person("ada", department="Engines", jobTitle="Countess"))
    assert (entry.outcome, entry.reason, entry.matched_by) == ("create", Reason.NEW, "new")
    assert entry.user == desk.user("ada")
    assert (desk.user("ada").name, desk.user("ada").address, desk.user("ada").site) == (
        "Ada",
        "ada@contoso.example",
        "berlin",
    )
    assert desk.user("ada").details == {"department": "Engines", "title": "Countess", "login": "ada@contoso.example"}
    assert (desk.user("ada").source, desk.user("ada").origin) == (CONTOSO, f"{CONTOSO}/ada")
    assert FieldChange("department", "", "Engines", "department in Entra") in entry.changes
    assert FieldChange("site", "", "Berlin", "the site mapping 'berlin'") in entry.changes
    assert all(each.because for each in entry.changes)


@pytest.mark.requirement("DIR-3")
def test_agents_are_users_too() -> None:
    desk = Desk()
    entry = desk.one(rules(to_site("paris"), to_agents()), person("ada", groups=[DESK.id]))
    assert (entry.user_mapping, entry.agent_mapping) == ("paris", "agents")
    assert desk.agent("ada").user_id == desk.user("ada").user_id
    assert desk.user("ada").site == "paris"


@pytest.mark.requirement("DIR-3")
def test_an_agent_whom_no_user_mapping_takes_is_a_user_at_the_site_of_their_domain() -> None:
    desk = Desk()
    asked = rules(to_agents(None))
    desk.run(asked, [person("ada", mail="ada@fr.contoso.example"), person("bob", mail="bob@elsewhere.example")])
    assert (desk.user("ada").site, desk.user("bob").site) == ("paris", "")


@pytest.mark.requirement("DIR-2")
def test_nothing_differs_nothing_is_done() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    entry = desk.one(rules(), person("ada"))
    assert (entry.outcome, entry.reason, entry.changes, entry.does_something) == ("unchanged", Reason.SAME, (), False)


@pytest.mark.requirement("DIR-2")
def test_what_was_changed_by_hand_in_a_mapped_field_is_brought_in_line_and_the_rest_is_left() -> None:
    desk = Desk()
    desk.one(rules(), person("ada", department="Engines"))
    user = desk.user("ada")
    details = {**user.details, "department": "Looms", "fax": "17"}
    desk.users[user.user_id] = replace(user, details=details, kept_active=True, licenses=("l1",))
    entry = desk.one(rules(), person("ada", department="Engines"))
    assert entry.changes == (FieldChange("department", "Looms", "Engines", "department in Entra"),)
    assert desk.user("ada").details["fax"] == "17"
    assert (desk.user("ada").kept_active, desk.user("ada").licenses) == (True, ("l1",))


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(
    ("leaving", "gone", "active"),
    [
        ("never", "deleted", True),
        ("never", "missing", True),
        ("deleted", "deleted", False),
        ("deleted", "missing", False),
        ("deleted_or_unmapped", "deleted", False),
    ],
)
def test_who_is_gone_becomes_inactive_as_wished(leaving: Any, gone: Any, active: bool) -> None:
    desk = Desk()
    asked = rules(to_site(user_role="requester"), to_agents(None), leaving=leaving)
    desk.one(asked, person("ada"))
    before = desk.user("ada")
    entry = desk.one(asked, person("ada", gone=gone))
    assert desk.user("ada").active is desk.agent("ada").active is active
    assert replace(desk.user("ada"), active=True, deactivated_by="") == before, "nothing else of them is touched"
    assert entry.reason is (Reason.DELETED if gone == "deleted" else Reason.MISSING) or active
    assert entry.outcome == ("unchanged" if active else "deactivate")
    if not active:
        assert desk.user("ada").deactivated_by == CONTOSO
        assert entry.removals == ("deactivation", "deactivation")
        assert (entry.user_held, entry.agent_held) == (entry.user_before, entry.agent_before)


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(
    ("leaving", "outcome"), [("never", "unchanged"), ("deleted", "unchanged"), ("deleted_or_unmapped", "deactivate")]
)
def test_whom_no_mapping_takes_any_more_becomes_inactive_only_if_that_is_wished(leaving: str, outcome: str) -> None:
    desk = Desk()
    asked = rules(to_site(group=STAFF), leaving=leaving)
    desk.one(asked, person("ada", groups=[STAFF.id]))
    entry = desk.one(asked, person("ada", department="Engines"))
    assert (entry.outcome, entry.reason) == (outcome, Reason.UNMAPPED)
    assert "department" not in desk.user("ada").details, "they are not brought in any more"


@pytest.mark.requirement("DIR-8")
def test_an_agent_who_is_a_user_still_becomes_inactive_as_an_agent_only() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(), leaving="deleted_or_unmapped")
    desk.one(asked, person("ada", groups=[DESK.id]))
    entry = desk.one(asked, person("ada"))
    assert (entry.outcome, entry.reason, entry.removals) == ("deactivate", Reason.UNMAPPED, ("deactivation",))
    assert (desk.user("ada").active, desk.agent("ada").active) == (True, False)


@pytest.mark.requirement("DIR-8")
def test_who_is_kept_active_stays_active_whatever_happens() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(None), leaving="deleted", full_role_management=True, agent_roles=())
    desk.one(rules(to_site(), to_agents(None)), person("ada"))
    user, agent = desk.user("ada"), desk.agent("ada")
    desk.users[user.user_id] = replace(user, kept_active=True)
    desk.agents[agent.agent_id] = replace(agent, kept_active=True)
    for who in (person("ada", gone="deleted"), person("ada", accountEnabled=False), person("ada")):
        entry = desk.one(asked, who)
        assert (entry.outcome, entry.removals, entry.reason) == ("unchanged", (), Reason.KEPT_ACTIVE)


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("by", ["hand", "fabrikam", ""])
def test_who_was_made_inactive_by_somebody_else_is_not_made_active(by: str) -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    user = desk.user("ada")
    desk.users[user.user_id] = replace(user, active=False, deactivated_by=by)
    entry = desk.one(rules(), person("ada", department="Engines"))
    assert (entry.outcome, entry.reason) == ("update", Reason.BY_HAND)
    assert (desk.user("ada").active, desk.user("ada").deactivated_by) == (False, by)
    assert desk.user("ada").details["department"] == "Engines"


@pytest.mark.requirement("DIR-8")
def test_s8_coming_and_going_ends_where_it_began() -> None:
    desk = Desk()
    asked = rules(to_site(group=STAFF, user_role="requester"), leaving="deleted_or_unmapped")
    desk.one(asked, person("ada", groups=[STAFF.id]))
    first = desk.user("ada")
    for _ in range(3):
        assert desk.one(asked, person("ada")).outcome == "deactivate"
        assert desk.one(asked, person("ada")).outcome == "unchanged", "stable after one round"
        assert desk.one(asked, person("ada", groups=[STAFF.id])).reason is Reason.RETURNED
        assert desk.one(asked, person("ada", groups=[STAFF.id])).outcome == "unchanged"
        assert desk.user("ada") == first


@pytest.mark.requirement("DIR-8")
def test_who_becomes_a_resource_account_is_treated_as_unmapped() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    assert desk.one(rules(), person("ada", isResourceAccount=True)).outcome == "unchanged"
    entry = desk.one(rules(leaving="deleted_or_unmapped"), person("ada", isResourceAccount=True))
    assert (entry.outcome, entry.reason) == ("deactivate", Reason.RESOURCE)


@pytest.mark.requirement("DIR-12")
def test_only_the_kinds_that_are_wished_are_brought_in() -> None:
    people = [person("ada", groups=[DESK.id]), person("bob")]
    users, agents = Desk(), Desk()
    users.run(rules(to_site(), to_agents(), kinds=("users",)), people)
    assert (len(users.users), len(users.agents)) == (2, 0)
    found = agents.run(rules(to_site(), to_agents(), kinds=("agents",)), people)
    assert (len(agents.users), len(agents.agents)) == (1, 1), "an agent is a user, too"
    assert (found["bob"].outcome, found["bob"].reason) == ("skip", Reason.UNMAPPED)


@pytest.mark.requirement("DIR-12")
@pytest.mark.parametrize("kind", ["users", "agents"])
def test_the_other_kind_is_not_touched(kind: str) -> None:
    desk = Desk()
    desk.one(rules(to_site(), to_agents()), person("ada", groups=[DESK.id]))
    desk.one(rules(to_site(), to_agents(), kinds=(kind,), leaving="deleted"), person("ada", gone="deleted"))
    assert (desk.user("ada").active, desk.agent("ada").active) == (kind == "agents", kind == "users")


@pytest.mark.requirement("DIR-12")
def test_two_connections_with_the_same_people_do_not_touch_each_other() -> None:
    contoso, fabrikam = Desk(), Desk(connection_id="fabrikam")
    fabrikam.users, fabrikam.agents = contoso.users, contoso.agents
    asked = rules(to_site(), to_agents(None), leaving="deleted")
    contoso.run(asked, [person("ada"), person("bob", mail="bob@contoso.example")])
    before = dict(contoso.users)
    found = fabrikam.run(asked, [person("ada"), person("bob", mail="bob@fabrikam.example")])
    assert (found["ada"].reason, found["bob"].outcome) == (Reason.OTHER_CONNECTION, "create")
    fabrikam.run(asked, [person("ada", gone="deleted"), person("bob", gone="deleted")])
    assert {each: contoso.users[each] for each in before} == before


@pytest.mark.requirement("DIR-11")
def test_the_steps_tell_the_whole_story() -> None:
    entry = Desk().one(
        rules(to_site("paris", sequence=1, group=LEADS), to_site(), to_agents()), person("ada", groups=[DESK.id])
    )
    assert [(step.what, step.came_of_it) for step in entry.steps] == [
        ("the site mapping 'paris'", "not a direct member of the group 'Leads'"),
        ("the site mapping 'agents'", "takes the agent"),
        ("the site mapping 'berlin'", "takes the user"),
        ("the site", "'Berlin'"),
        ("the user", "nobody yet"),
        ("the agent", "nobody yet"),
    ]


MAPPINGS = st.lists(
    st.sampled_from(
        [
            to_site("berlin", sequence=1, group=STAFF, user_role="requester"),
            to_site("paris", sequence=2, criteria=(Criterion(field="department", operator="equals", value="IT"),)),
            to_site("berlin", mapping_id="guests", sequence=3, external="licensed"),
            to_agents(sequence=4, agent_roles=("technician",), agent_license="named"),
            to_agents(LEADS, mapping_id="leads", sequence=5),
        ]
    ),
    unique_by=lambda each: each.mapping_id,
)
SOME_RULES = st.builds(
    lambda mappings, **more: rules().model_copy(update={"site_mappings": tuple(mappings), **more}),
    MAPPINGS,
    leaving=st.sampled_from(["never", "deleted", "deleted_or_unmapped"]),
    disabled_users=st.sampled_from(["deactivate", "keep"]),
    full_role_management=st.booleans(),
    remove_from_teams=st.booleans(),
    user_matching=st.sampled_from([(), ("address",), ("name",), ("address", "name")]),
    agent_roles=st.just((RoleMapping(group=LEADS, role_id="admin"), RoleMapping(group=DESK, role_id="technician"))),
    user_roles=st.just((RoleMapping(group=STAFF, role_id="boss"),)),
    teams=st.just((TeamMapping(group=DESK, team_id="first"),)),
    boards=st.just((BoardMapping(group=LEADS, board_id="cab", seat_role="Chair"),)),
)
NAMES = ("ada", "bob", "eve")


@st.composite
def somebody(draw: st.DrawFn, name: str) -> Person:
    groups = draw(st.sets(st.sampled_from([STAFF.id, DESK.id, LEADS.id])))
    return person(
        name,
        groups=groups,
        manager=draw(st.sampled_from(["", *NAMES, "stranger"])),
        gone=draw(st.sampled_from(["", "", "", "deleted", "missing"])),
        displayName=draw(st.sampled_from(["Ada", "Bob", name])),
        mail=draw(st.sampled_from([None, "one@contoso.example", "two@contoso.example", f"{name}@contoso.example"])),
        department=draw(st.sampled_from([None, "IT", "Engines"])),
        accountEnabled=draw(st.sampled_from([True, True, False])),
        userType=draw(st.sampled_from(["Member", "Member", "Guest"])),
        assignedLicenses=draw(st.sampled_from([[], LICENSED])),
    )


TENANT = st.tuples(*(somebody(name) for name in NAMES))


def some_desk() -> Desk:
    desk = Desk()
    desk.add(User("u1", "Ada", "one@contoso.example"))
    desk.add(User("u2", "Bob", "two@contoso.example", origin="fabrikam/bob"))
    return desk


@pytest.mark.requirement("DIR-7", "DIR-8")
@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.tuples(SOME_RULES, TENANT), min_size=1, max_size=3), order=st.permutations(range(3)))
def test_any_order_of_people_ends_in_the_same_desk_and_twice_is_once(
    rounds: list[tuple[Rules, tuple[Person, ...]]], order: list[int]
) -> None:
    one, other = some_desk(), some_desk()
    for asked, people in rounds:
        first = one.run(asked, people)
        second = other.run(asked, [people[place] for place in order])
        assert (one.users, one.agents) == (other.users, other.agents)
        assert_final(one, asked, people, first)
        assert_final(other, asked, people, second)
        addresses = [user.address for user in one.users.values() if user.address]
        assert len(addresses) == len(set(addresses)), "no two users have the same address"


def assert_final(desk: Desk, asked: Rules, people: tuple[Person, ...], first: dict[str, Entry]) -> None:
    """Applied twice is applied once, but for those who waited for others: they come in one after the other."""
    waited = any(entry.is_waiting for entry in first.values())
    for _ in range(2 * len(people)):
        if not any(entry.does_something for entry in desk.run(asked, people).values()):
            return
        assert waited, "nobody waited, and yet there was more to do"
    raise AssertionError("it does not come to rest")


@pytest.mark.requirement("DIR-7")
def test_who_waited_for_an_address_gets_it_once_it_is_free() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", "bob@contoso.example"))
    asked = rules(user_matching=("name",))
    people = [person("ada"), person("bob")]
    found = desk.run(asked, people)
    assert (found["bob"].reason, found["bob"].is_waiting) == (Reason.ADDRESS_TAKEN, True)
    assert not found["ada"].is_waiting
    assert desk.run(asked, people)["bob"].outcome == "create"
    assert not desk.run(asked, people)["bob"].is_waiting


@pytest.mark.requirement("DIR-8", "DIR-11")
@settings(max_examples=60, deadline=None)
@given(first=SOME_RULES, then=SOME_RULES, before=TENANT, after=TENANT)
def test_an_entry_says_all_that_it_does_and_takes_away_nothing_while_it_is_held(
    first: Rules, then: Rules, before: tuple[Person, ...], after: tuple[Person, ...]
) -> None:
    desk = some_desk()
    desk.run(first, before)
    for entry in desk.plan(then, after):
        assert_told(entry)
        assert_held(entry)


def assert_told(entry: Entry) -> None:
    told = {(each.field, each.before, each.after) for each in entry.changes}
    expected = set()
    if entry.user:
        expected |= {(e.field, e.before, e.after) for e in user_changes(entry.user_before, entry.user, {}, STRUCTURE)}
    if entry.agent:
        expected |= {
            (e.field, e.before, e.after) for e in agent_changes(entry.agent_before, entry.agent, {}, STRUCTURE)
        }
    assert told == expected
    assert all(each.because for each in entry.changes), entry.changes
    assert bool(entry.changes) == (entry.user != entry.user_before or entry.agent != entry.agent_before)
    assert (entry.outcome in {"skip", "refuse"}) == (entry.user is None and entry.agent is None)


def assert_held(entry: Entry) -> None:
    assert bool(entry.removals) == (entry.user_held is not None or entry.agent_held is not None)
    for known, held in ((entry.user_before, entry.user_held), (entry.agent_before, entry.agent_held)):
        if known and held:
            assert held.active == known.active or held.active
            assert {*known.roles} <= {*held.roles}
    if entry.user_before and entry.user_held:
        assert {each.board_id for each in entry.user_before.seats} <= {each.board_id for each in entry.user_held.seats}
    if entry.agent_before and entry.agent_held:
        assert {each.team_id for each in entry.agent_before.teams} <= {each.team_id for each in entry.agent_held.teams}


@pytest.mark.requirement("DIR-14")
def test_users_are_linked_to_the_licenses_that_entra_says_they_have() -> None:
    desk, imported = Desk(), rules(licenses_organization="org")
    licensed = person("ada", assignedLicenses=[{"skuId": "B"}, {"skuId": "a"}])
    desk.one(imported, licensed)
    assert desk.user("ada").licenses == ("contoso~a", "contoso~b")
    [elsewhere] = [replace(desk.user("ada"), licenses=("contoso~b", "fabrikam~x"))]
    desk.add(elsewhere)
    entry = desk.one(imported, person("ada", assignedLicenses=[{"skuId": "a"}]))
    assert desk.user("ada").licenses == ("fabrikam~x", "contoso~a")
    told = {each.before or each.after: each.because for each in entry.changes if each.field == "license"}
    assert told == {"contoso~a": "assigned in Entra", "contoso~b": "no longer assigned in Entra"}
    desk.one(rules(), licensed)
    assert desk.user("ada").licenses == ("fabrikam~x",)
