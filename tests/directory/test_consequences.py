"""What a change of the rules will do, told before it is confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from shared.directory.consequences import asks_anew, warnings
from shared.directory.rules import Criterion, FieldMapping, RoleMapping, Rules, TeamMapping
from tests.directory.examples import STAFF, rules, to_site

OLD = rules()
UNWATCHED = FieldMapping(source="licenseAssignmentStates", target="custom.badge")


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({}, False),
        ({"sync_method": "all"}, True),
        ({"delta": False}, True),
        ({"user_fields": (*OLD.user_fields, FieldMapping(source="employeeId", target="employee_number"))}, True),
        ({"user_fields": OLD.user_fields[:-1]}, False),  # its property is asked for in any case
        ({"user_fields": (*OLD.user_fields, FieldMapping(source="mail", target="custom.badge"))}, False),
        ({"site_mappings": (to_site(criteria=(Criterion(field="city", operator="empty"),)),)}, True),
        ({"site_mappings": (to_site(group=STAFF),)}, True),
        ({"teams": (TeamMapping(group=STAFF, team_id="first"),)}, True),
        ({"every_hours": 3}, False),
        ({"leaving": "deleted"}, False),
    ],
)
def test_a_full_round_follows_where_something_else_is_asked(change: dict[str, Any], anew: bool) -> None:
    new = OLD.model_copy(update=change)
    assert asks_anew(OLD, new) is anew
    told = [each.text for each in warnings(OLD, new) if "reads all" in each.text]
    assert bool(told) is anew


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize(
    ("change", "planned"),
    [
        ({"every_hours": 3}, False),
        ({"enabled": True}, False),
        ({"cap": {"least": 3}}, False),
        ({"leaving": "deleted"}, True),
        ({"user_fields": OLD.user_fields[:-1]}, True),
        ({"user_matching": ()}, True),
    ],
)
def test_everybody_is_looked_at_again_where_a_plan_can_change(change: dict[str, Any], planned: bool) -> None:
    new = Rules.model_validate(OLD.model_dump() | change)
    assert (new.version() != OLD.version()) is planned
    assert any("everybody again" in each.text for each in warnings(OLD, new)) is planned


@pytest.mark.requirement("DIR-10")
def test_what_delta_does_not_watch_is_told_with_where_it_is_used() -> None:
    new = OLD.model_copy(update={"user_fields": (*OLD.user_fields, UNWATCHED)})
    told = [each for each in warnings(OLD, new) if each.field == "licenseAssignmentStates"]
    assert ["the user field custom.badge" in each.text for each in told] == [True]
    without = new.model_copy(update={"delta": False})
    assert not [each for each in warnings(OLD, without) if each.field == "licenseAssignmentStates"]


@pytest.mark.requirement("DIR-5", "DIR-8")
def test_switches_that_take_away_are_told() -> None:
    roles = (RoleMapping(group=STAFF, role_id="technician"),)
    new = OLD.model_copy(update={"full_role_management": True, "agent_roles": roles, "leaving": "deleted"})
    assert {"full_role_management", "leaving"} <= {each.field for each in warnings(OLD, new)}
    assert not {"full_role_management", "leaving"} & {each.field for each in warnings(new, new)}


def test_no_change_no_warning() -> None:
    assert warnings(OLD, OLD) == []
