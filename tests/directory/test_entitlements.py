"""Roles, teams, seats and licenses: what groups and mappings give, and what goes again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership, Seat
from shared.directory.entitlements import settle_roles
from shared.directory.plan import FieldChange
from shared.directory.reasons import Reason
from shared.directory.rules import AgentLicenses, BoardMapping, FieldMapping, RoleMapping, Rules, TeamMapping
from tests.directory.examples import CONTOSO, DESK, LEADS, STAFF, Desk, person, rules, to_agents, to_site

BY_GROUP = (RoleMapping(group=LEADS, role_id="admin"), RoleMapping(group=STAFF, role_id="technician"))


def agents(**more: Any) -> Rules:
    """Everybody is an agent."""
    return rules(to_site(), to_agents(None), **more)


def change_agent(desk: Desk, object_id: str, **values: Any) -> Agent:
    changed = replace(desk.agent(object_id), **values)
    desk.agents[changed.agent_id] = changed
    return changed


def role_ids(desk: Desk, object_id: str) -> list[str]:
    return [each.role_id for each in desk.agent(object_id).roles]


@pytest.mark.requirement("DIR-4")
def test_groups_give_agents_roles_and_take_them_away_again() -> None:
    desk = Desk()
    desk.one(agents(agent_roles=BY_GROUP), person("ada", groups=[LEADS.id, STAFF.id]))
    assert desk.agent("ada").roles == (Held("admin", CONTOSO), Held("technician", CONTOSO))
    entry = desk.one(agents(agent_roles=BY_GROUP), person("ada", groups=[STAFF.id]))
    assert role_ids(desk, "ada") == ["technician"]
    assert entry.removals == ("role",)
    assert entry.changes == (FieldChange("agent.role", "Administrator", "", "no longer in a group that gives it"),)
    assert entry.agent_held == entry.agent_before


@pytest.mark.requirement("DIR-4")
def test_what_was_given_by_hand_or_by_another_connection_stays() -> None:
    desk = Desk()
    desk.one(agents(agent_roles=BY_GROUP), person("ada", groups=[STAFF.id]))
    change_agent(desk, "ada", roles=(Held("admin"), Held("leaver", "fabrikam"), Held("technician", CONTOSO)))
    desk.one(agents(agent_roles=BY_GROUP), person("ada"))
    assert desk.agent("ada").roles == (Held("admin"), Held("leaver", "fabrikam"))


@pytest.mark.requirement("DIR-3", "DIR-4")
def test_the_agent_mapping_gives_roles_besides_those_of_groups() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(agent_roles=("technician",)), agent_roles=BY_GROUP)
    entry = desk.one(asked, person("ada", groups=[DESK.id, LEADS.id]))
    assert role_ids(desk, "ada") == ["technician", "admin"]
    assert {each.because for each in entry.changes if each.field == "agent.role"} == {
        "the site mapping 'agents'",
        "the group 'Leads'",
    }


@pytest.mark.requirement("DIR-5")
def test_with_full_role_management_roles_given_by_hand_are_replaced() -> None:
    desk = Desk()
    asked = agents(agent_roles=BY_GROUP, full_role_management=True)
    desk.one(asked, person("ada", groups=[STAFF.id]))
    change_agent(desk, "ada", roles=(Held("admin"), Held("technician", CONTOSO), Held("leaver", "fabrikam")))
    entry = desk.one(asked, person("ada", groups=[STAFF.id]))
    assert desk.agent("ada").roles == (Held("technician", CONTOSO), Held("leaver", "fabrikam"))
    assert entry.removals == ("role",)


@pytest.mark.requirement("DIR-5")
def test_with_full_role_management_who_has_no_mapped_role_is_inactive() -> None:
    desk = Desk()
    asked = agents(agent_roles=BY_GROUP, full_role_management=True)
    desk.one(asked, person("ada", groups=[STAFF.id]))
    entry = desk.one(asked, person("ada"))
    assert (entry.outcome, entry.reason, entry.removals) == ("deactivate", Reason.NO_ROLE, ("deactivation",))
    assert not desk.agent("ada").active
    assert desk.user("ada").active, "as a user they stay"
    assert desk.one(asked, person("ada", groups=[STAFF.id])).reason is Reason.RETURNED
    assert desk.agent("ada").active
    assert role_ids(desk, "ada") == ["technician"]


@pytest.mark.requirement("DIR-5")
def test_with_full_role_management_nobody_is_made_an_agent_without_a_role() -> None:
    desk = Desk()
    entry = desk.one(agents(agent_roles=BY_GROUP, full_role_management=True), person("ada"))
    assert (entry.outcome, entry.agent) == ("create", None)
    assert any(step.what == Reason.NO_ROLE for step in entry.steps)


@pytest.mark.requirement("DIR-4")
def test_users_have_the_roles_of_their_mapping_their_groups_and_of_having_no_manager() -> None:
    desk = Desk()
    asked = rules(
        to_site(user_role="requester"),
        user_roles=(RoleMapping(group=LEADS, role_id="requester"),),
        role_without_manager="boss",
    )
    entry = desk.one(asked, person("ada"))
    assert desk.user("ada").roles == (Held("requester", CONTOSO), Held("boss", CONTOSO))
    assert FieldChange("role", "", "Boss", "no manager in Entra") in entry.changes
    entry = desk.one(asked, person("ada", manager="somebody"))
    assert desk.user("ada").roles == (Held("requester", CONTOSO),)
    assert entry.removals == ("role",)


@pytest.mark.requirement("DIR-4")
def test_a_role_that_is_inactive_is_given_to_nobody_and_taken_from_nobody() -> None:
    desk = Desk()
    asked = rules(user_roles=(RoleMapping(group=STAFF, role_id="retired"), RoleMapping(group=STAFF, role_id="?")))
    desk.one(asked, person("ada", groups=[STAFF.id]))
    user = desk.user("ada")
    assert user.roles == ()
    desk.users[user.user_id] = replace(user, roles=(Held("retired", CONTOSO),))
    assert desk.one(asked, person("ada", groups=[STAFF.id])).outcome == "unchanged"


@pytest.mark.requirement("DIR-4")
@pytest.mark.parametrize("removing", [True, False])
def test_who_left_a_group_leaves_its_team_if_that_is_wished(removing: bool) -> None:
    desk = Desk()
    asked = agents(teams=(TeamMapping(group=STAFF, team_id="first"),), remove_from_teams=removing)
    desk.one(asked, person("ada", groups=[STAFF.id]))
    assert desk.agent("ada").teams == (Membership("first", CONTOSO),)
    change_agent(desk, "ada", teams=(Membership("first", CONTOSO), Membership("second")))
    entry = desk.one(asked, person("ada"))
    assert [each.team_id for each in desk.agent("ada").teams] == (["second"] if removing else ["first", "second"])
    assert entry.removals == (("team",) if removing else ())


@pytest.mark.requirement("DIR-4")
def test_an_agent_whom_no_mapping_takes_any_more_leaves_the_teams_of_their_groups() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(), teams=(TeamMapping(group=DESK, team_id="first"),))
    desk.one(asked, person("ada", groups=[DESK.id]))
    desk.one(asked, person("ada"))
    assert (desk.agent("ada").active, desk.agent("ada").teams) == (True, ())


@pytest.mark.requirement("DIR-4")
def test_groups_give_seats_on_boards_with_a_role_there() -> None:
    desk = Desk()
    asked = rules(boards=(BoardMapping(group=LEADS, board_id="cab", seat_role="Chair"),))
    entry = desk.one(asked, person("ada", groups=[LEADS.id]))
    assert desk.user("ada").seats == (Seat("cab", "Chair", CONTOSO),)
    assert FieldChange("seat", "", "CAB (Chair)", "the group 'Leads'") in entry.changes
    member = rules(boards=(BoardMapping(group=LEADS, board_id="cab", seat_role="Member"),))
    entry = desk.one(member, person("ada", groups=[LEADS.id]))
    assert (desk.user("ada").seats, entry.removals) == ((Seat("cab", "Member", CONTOSO),), ())
    assert desk.one(member, person("ada")).removals == ("seat",)
    assert desk.user("ada").seats == ()


@pytest.mark.requirement("DIR-2")
def test_a_field_of_entra_names_the_default_team_with_its_three_memberships() -> None:
    desk = Desk()
    asked = agents(agent_fields=(FieldMapping(source="department", target="team"),))
    desk.one(asked, person("ada", department="FIRST line"))
    agent = desk.agent("ada")
    assert agent.default_team == "first"
    assert agent.teams == (Membership("first", CONTOSO, assignable=True, sees_unassigned=True, sees_others=True),)
    desk.one(asked, person("ada", department="Second line"))
    assert (desk.agent("ada").default_team, [each.team_id for each in desk.agent("ada").teams]) == (
        "second",
        ["second"],
    )


@pytest.mark.requirement("DIR-2")
@pytest.mark.parametrize("department", ["Nowhere", "Gone", None])
def test_a_team_that_is_not_there_leaves_the_default_as_it_is(department: str | None) -> None:
    asked = agents(agent_fields=(FieldMapping(source="department", target="team"),))
    desk = Desk()
    entry = desk.one(asked, person("ada", department=department))
    assert (desk.agent("ada").default_team, desk.agent("ada").teams) == ("", ())
    assert any(step.what == "the default team" for step in entry.steps) is (department is not None)
    desk.one(asked, person("ada", department="First line"))
    before = desk.agent("ada")
    desk.one(asked, person("ada", department=department))
    assert desk.agent("ada") == before, "the membership of the default team stays with it"


@pytest.mark.requirement("DIR-2")
def test_a_limited_membership_by_hand_is_opened_in_the_default_team_and_stays_by_hand() -> None:
    asked = agents(agent_fields=(FieldMapping(source="department", target="team"),))
    desk = Desk()
    desk.one(asked, person("ada"))
    change_agent(desk, "ada", teams=(Membership("first", assignable=False),))
    entry = desk.one(asked, person("ada", department="First line"))
    assert desk.agent("ada").teams == (Membership("first"),)
    assert FieldChange("agent.team", "First line (limited)", "First line", "it is the default team") in entry.changes


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("license_", "new", "later"),
    [("named", "named", "named"), ("concurrent", "concurrent", "concurrent"), ("no_change", "concurrent", "named")],
)
def test_the_agent_mapping_says_which_license(license_: str, new: str, later: str) -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(None, agent_license=license_))
    desk.one(asked, person("ada"))
    assert desk.agent("ada").license == new
    change_agent(desk, "ada", license="named")
    desk.one(asked, person("ada"))
    assert desk.agent("ada").license == later


@pytest.mark.requirement("DIR-6")
def test_roles_decide_on_licenses_where_that_is_switched_on() -> None:
    desk = Desk()
    named = AgentLicenses(enabled=True, named_roles=("admin",))
    asked = agents(agent_roles=BY_GROUP, agent_licenses=named)
    desk.one(asked, person("ada", groups=[LEADS.id]))
    assert desk.agent("ada").license == "named"
    without = agents(agent_roles=BY_GROUP, agent_licenses=AgentLicenses(enabled=True))
    desk.one(without, person("ada", groups=[LEADS.id]))
    assert desk.agent("ada").license == "concurrent", "the role is off the list: they share again"


@pytest.mark.requirement("DIR-6")
def test_some_roles_make_agents_inactive() -> None:
    desk = Desk()
    roles = (*BY_GROUP, RoleMapping(group=DESK, role_id="leaver"))
    asked = agents(agent_roles=roles, agent_licenses=AgentLicenses(enabled=True, inactive_roles=("leaver",)))
    desk.one(asked, person("ada", groups=[STAFF.id]))
    entry = desk.one(asked, person("ada", groups=[STAFF.id, DESK.id]))
    assert (entry.outcome, entry.reason, desk.agent("ada").active) == ("deactivate", Reason.INACTIVE_ROLE, False)
    assert desk.one(asked, person("ada", groups=[STAFF.id])).reason is Reason.RETURNED
    assert Desk().one(asked, person("eve", groups=[DESK.id])).agent is None


@pytest.mark.requirement("DIR-6")
@pytest.mark.parametrize("users", ["deactivate", "keep"])
def test_a_blocked_account_makes_the_agent_inactive_and_the_user_as_wished(users: str) -> None:
    desk = Desk()
    asked = agents(disabled_users=users)
    desk.one(asked, person("ada"))
    entry = desk.one(asked, person("ada", accountEnabled=False))
    assert (entry.outcome, entry.reason) == ("deactivate", Reason.BLOCKED)
    assert not desk.agent("ada").active
    assert desk.user("ada").active is (users == "keep")
    assert desk.one(asked, person("ada", accountEnabled=True)).reason is Reason.RETURNED
    assert desk.agent("ada").active
    assert desk.user("ada").active


BELONGING = st.builds(Held, st.sampled_from("abcdef"), st.sampled_from(["hand", CONTOSO, "fabrikam"]))


@pytest.mark.requirement("DIR-4", "DIR-5")
@given(
    present=st.lists(BELONGING, unique_by=lambda each: each.role_id),
    wanted=st.sets(st.sampled_from("abcdef")),
    full=st.booleans(),
)
def test_settling_is_final_and_touches_only_what_is_ours(present: list[Held], wanted: set[str], full: bool) -> None:
    found = settle_roles(present, sorted(wanted), "abcdef", CONTOSO, full=full)
    assert wanted <= {each.role_id for each in found.after}
    ours = {CONTOSO, "hand"} if full else {CONTOSO}
    assert all(each.given_by in ours and each.role_id not in wanted for each in found.removed)
    assert {*present} <= {*found.held}, "held: nothing is taken away"
    assert {*found.after} == {*found.held} - {*found.removed}
    again = settle_roles(found.after, sorted(wanted), "abcdef", CONTOSO, full=full)
    assert (again.after, again.removed) == (found.after, ())
