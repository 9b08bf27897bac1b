"""What a run may not take away without being asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk.agents import is_admin
from shared.directory.guard import (
    allowed_of,
    becomes_admin,
    count_removals,
    find_holds,
    find_spared,
    loses_admin,
    without_removals,
)
from shared.directory.plan import Removal
from shared.directory.reasons import Reason
from shared.directory.rules import BoardMapping, Cap, RoleMapping, TeamMapping
from tests.directory.examples import LEADS, STAFF, STRUCTURE, Desk, person, rules, to_agents, to_site

ADMINS = STRUCTURE.admin_roles()
ALL: dict[str, Any] = {
    "agent_roles": (RoleMapping(group=LEADS, role_id="admin"),),
    "teams": (TeamMapping(group=STAFF, team_id="first"),),
    "boards": (BoardMapping(group=STAFF, board_id="cab"),),
}


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(("present", "allowed"), [(0, 10), (100, 10), (200, 10), (201, 10), (220, 11), (50_000, 2_500)])
def test_the_larger_of_ten_and_five_per_cent_goes_without_asking(present: int, allowed: int) -> None:
    assert allowed_of(Cap(), present) == allowed


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(("count", "held"), [(0, False), (10, False), (11, True), (2_500, True)])
def test_one_more_than_that_waits_with_its_cause_and_its_cure(count: int, held: bool) -> None:
    holds = find_holds({"deactivation": count}, {"deactivation": 100}, Cap())
    assert bool(holds) is held
    for hold in holds:
        assert (hold.kind, hold.count, hold.allowed) == ("deactivation", count, 10)
        assert hold.cause == f"{count} of 100 people would be made inactive; up to 10 go without asking."
        assert "approve" in hold.cure


@pytest.mark.requirement("DIR-8")
def test_each_kind_waits_for_itself() -> None:
    counts: dict[Removal, int] = {"role": 11, "team": 3, "seat": 0, "deactivation": 200}
    holds = find_holds(counts, {"deactivation": 10_000}, Cap())
    assert [hold.kind for hold in holds] == ["role"]
    assert find_holds(counts, {}, Cap(least=0, percent=0)) != []


@pytest.mark.requirement("DIR-8")
def test_of_many_groups_that_lost_all_members_some_are_named() -> None:
    [hold] = find_holds({"role": 1}, {}, Cap(), emptied=[f"Group {number:04}" for number in range(900)])
    assert hold.cause.endswith("Group 0008, Group 0009, and 890 more.")


@pytest.mark.requirement("DIR-8")
def test_where_a_group_lost_all_of_its_members_what_it_gave_always_waits() -> None:
    counts: dict[Removal, int] = {"role": 2, "team": 1, "deactivation": 1}
    holds = find_holds(counts, {"role": 1_000, "team": 1_000}, Cap(), emptied=["Leads"])
    assert [(hold.kind, hold.allowed) for hold in holds] == [("deactivation", 0), ("role", 0), ("team", 0)]
    assert all("Leads" in hold.cause for hold in holds)


@pytest.mark.requirement("DIR-8")
def test_what_waits_already_does_not_go_bit_by_bit() -> None:
    counts: dict[Removal, int] = {"role": 1, "team": 1, "seat": 0}
    [hold] = find_holds(counts, {}, Cap(), undecided=["role", "seat"])
    assert (hold.kind, hold.count, hold.allowed) == ("role", 1, 0)
    assert "nobody has approved" in hold.cause


@given(
    count=st.integers(0, 100_000),
    present=st.integers(0, 100_000),
    cap=st.builds(Cap, least=st.integers(0, 100), percent=st.floats(0, 100)),
)
def test_what_goes_without_asking_is_never_more_than_the_cap(count: int, present: int, cap: Cap) -> None:
    if not find_holds({"role": count}, {"role": present}, cap):
        assert count <= max(cap.least, present * cap.percent / 100)


@pytest.mark.requirement("DIR-8")
def test_removals_are_counted_one_by_one() -> None:
    desk = Desk()
    desk.one(rules(to_site(), to_agents(None), **ALL), person("ada", groups=[LEADS.id, STAFF.id]))
    [entry] = desk.plan(rules(to_site(), to_agents(None), **ALL), [person("ada")])
    assert count_removals([entry, entry]) == Counter({"role": 2, "team": 2, "seat": 2})


@pytest.mark.requirement("DIR-8")
def test_while_it_is_held_nothing_is_taken_away_and_everything_else_is_done() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(None), **ALL)
    desk.one(asked, person("ada", groups=[LEADS.id, STAFF.id]))
    [entry] = desk.plan(asked, [person("ada", department="Engines")])
    kept = without_removals(entry, STRUCTURE)
    assert (kept.outcome, kept.removals) == ("update", ())
    assert [(each.field, each.after, each.because) for each in kept.changes] == [
        ("department", "Engines", "department in Entra"),
        ("agent.department", "Engines", "department in Entra"),
    ]
    desk.apply(kept)
    assert desk.user("ada").details["department"] == "Engines"
    assert [each.board_id for each in desk.user("ada").seats] == ["cab"]
    assert [each.role_id for each in desk.agent("ada").roles] == ["admin"]
    [again] = desk.plan(asked, [person("ada", department="Engines")])
    assert again.removals == entry.removals, "what was held comes again until it is approved"


@pytest.mark.requirement("DIR-8")
def test_somebody_whose_leaving_is_held_is_left_as_they_are() -> None:
    desk = Desk()
    asked = rules(leaving="deleted")
    desk.one(asked, person("ada"))
    before = desk.user("ada")
    kept = without_removals(desk.plan(asked, [person("ada", gone="deleted")])[0], STRUCTURE)
    assert (kept.outcome, kept.user, kept.changes, kept.reason) == ("unchanged", before, (), Reason.DELETED)


def test_an_entry_that_takes_nothing_away_is_not_changed_by_holding() -> None:
    [entry] = Desk().plan(rules(), [person("ada")])
    assert without_removals(entry, STRUCTURE) is entry


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("gone", [{"gone": "deleted"}, {"accountEnabled": False}, {"groups": []}])
def test_the_last_administrator_stays_one(gone: dict[str, Any]) -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(None), leaving="deleted", **ALL)
    desk.one(asked, person("ada", groups=[LEADS.id]))
    admins = [each.agent_id for each in desk.agents.values() if is_admin(each, ADMINS)]
    [entry] = desk.plan(asked, [person("ada", **{"groups": [LEADS.id], **gone})])
    assert loses_admin(entry, ADMINS)
    assert find_spared(admins, admins, []) == {*admins}
    kept = without_removals(entry, STRUCTURE, Reason.LAST_ADMIN)
    assert kept.reason is Reason.LAST_ADMIN
    assert not loses_admin(kept, ADMINS)
    assert kept.agent == desk.agent("ada")


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(
    ("admins", "losing", "becoming", "spared"),
    [
        (["a"], ["a"], [], {"a"}),
        (["a", "b"], ["a"], [], set()),
        (["a", "b"], ["a", "b"], [], {"a", "b"}),
        (["a"], ["a"], ["c"], set()),
        ([], [], [], set()),
    ],
)
def test_who_is_spared(admins: list[str], losing: list[str], becoming: list[str], spared: set[str]) -> None:
    assert find_spared(admins, losing, becoming) == spared


@pytest.mark.requirement("DIR-8")
def test_who_becomes_an_administrator() -> None:
    desk = Desk()
    asked = rules(to_site(), to_agents(None), **ALL)
    [new] = desk.plan(asked, [person("ada", groups=[LEADS.id])])
    assert becomes_admin(new, ADMINS)
    assert not loses_admin(new, ADMINS)
    desk.apply(new)
    [same] = desk.plan(asked, [person("ada", groups=[LEADS.id])])
    assert not becomes_admin(same, ADMINS)
    assert not loses_admin(same, ADMINS)
    inactive = replace(desk.agent("ada"), active=False)
    assert becomes_admin(replace(same, agent_before=inactive), ADMINS)
