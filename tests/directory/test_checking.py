"""Rules that cannot be kept say where, why, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.directory.checking import check, user_targets
from shared.directory.rules import Rules
from tests.directory.examples import DESK, STRUCTURE, rules, to_agents, to_site

GROUP = {"id": DESK.id, "name": DESK.name}
SITE = {"mapping_id": "m", "kind": "site", "site_id": "berlin"}
AGENTS = {"mapping_id": "a", "kind": "site", "site_id": "*agent*"}
NAMED = {"mapping_id": "n", "kind": "organization", "organization_id": "org", "field": "officeLocation"}
ADDRESS = {"source": "mail", "target": "address"}
MATCHED = {"mapping_id": "x", "kind": "match", "user_field": "office"}


def problems(**told: Any) -> list[str]:
    return [each.field for each in check(Rules.model_validate(told), STRUCTURE)]


@pytest.mark.requirement("DIR-2", "DIR-3", "DIR-4")
def test_rules_that_are_right_have_no_problems() -> None:
    assert check(rules(to_site(user_role="requester"), to_agents(agent_roles=("technician",))), STRUCTURE) == []
    assert (
        problems(
            site_mappings=[
                SITE | {"sequence": 1, "group": GROUP, "values": {"department": "IT", "custom.badge": "1"}},
                AGENTS | {"sequence": 2, "values": {"team": "First line"}, "agent_license": "named"},
                NAMED | {"sequence": 3, "criteria": [{"field": "city", "operator": "matches", "value": "^B"}]},
                MATCHED
                | {"sequence": 4, "default_site": "paris", "criteria": [{"field": "city", "operator": "empty"}]},
            ],
            agent_roles=[{"group": GROUP, "role_id": "technician"}],
            user_roles=[{"group": GROUP, "role_id": "boss"}],
            teams=[{"group": GROUP, "team_id": "first"}],
            boards=[{"group": GROUP, "board_id": "cab", "seat_role": "Chair"}],
            role_without_manager="boss",
            full_role_management=True,
            agent_licenses={"enabled": True, "inactive_roles": ["leaver"], "named_roles": ["admin"]},
            licenses_organization="org",
        )
        == []
    )


@pytest.mark.requirement("DIR-2")
@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"user_fields": [{"source": "aboutMe", "target": "title"}]}, "user_fields.0.source"),
        ({"user_fields": [{"source": "city", "target": "shoe_size"}]}, "user_fields.0.target"),
        ({"user_fields": [{"source": "city", "target": "custom.shoe"}]}, "user_fields.0.target"),
        ({"user_fields": [{"source": "city", "target": "team"}]}, "user_fields.0.target"),
        ({"user_fields": [{"source": "city", "target": "manager"}]}, "user_fields.0"),
        ({"user_fields": [{"source": "manager", "target": "title"}]}, "user_fields.0"),
        ({"agent_fields": [{"source": "city", "target": "line_manager"}]}, "agent_fields.0"),
        ({"agent_fields": [{"source": "city", "target": "custom.badge"}]}, "agent_fields.0.target"),
        (
            {"user_fields": [{"source": "city", "target": "city"}, {"source": "state", "target": "city"}]},
            "user_fields.1.target",
        ),
        ({"user_matching": ["office"]}, "user_matching.0"),
        ({"user_matching": ["manager"]}, "user_matching.0"),
        (
            {"user_fields": [{"source": "mail", "target": "address"}], "user_matching": ["address"] * 2},
            "user_matching.1",
        ),
        ({"agent_matching": ["shoe_size"]}, "agent_matching.0"),
    ],
)
def test_fields_that_cannot_be_mapped(told: dict[str, Any], field: str) -> None:
    assert problems(**told) == [field]


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        (SITE | {"site_id": "?"}, "site_id"),
        (SITE | {"site_id": ""}, "site_id"),
        (SITE | {"site_id": "old"}, "site_id"),
        (SITE | {"site_id": "shut-site"}, "site_id"),
        (SITE | {"group": {"id": "Service desk"}}, "group.id"),
        (SITE | {"group": {"id": DESK.id + "0"}}, "group.id"),
        (SITE | {"user_role": "technician"}, "user_role"),
        (SITE | {"user_role": "retired"}, "user_role"),
        (SITE | {"agent_roles": ["technician"]}, "agent_roles"),
        (SITE | {"agent_license": "named"}, "agent_roles"),
        (SITE | {"values": {"name": "Ada"}}, "values.name"),
        (SITE | {"values": {"address": "a@b.example"}}, "values.address"),
        (SITE | {"values": {"manager": "u1"}}, "values.manager"),
        (SITE | {"values": {"custom.shoe": "1"}}, "values.custom.shoe"),
        (SITE | {"criteria": [{"field": "aboutMe", "operator": "empty"}]}, "criteria.0.field"),
        (SITE | {"criteria": [{"field": "city", "operator": "matches", "value": "("}]}, "criteria.0.value"),
        (SITE | {"criteria": [{"field": "city", "operator": "matches", "value": ""}]}, "criteria.0.value"),
        (SITE | {"criteria": [{"field": "city", "operator": "contains", "value": " "}]}, "criteria.0.value"),
        (AGENTS | {"user_role": "boss"}, "user_role"),
        (AGENTS | {"agent_roles": ["boss"]}, "agent_roles.0"),
        (AGENTS | {"values": {"custom.badge": "1"}}, "values.custom.badge"),
        (NAMED | {"organization_id": "shut"}, "organization_id"),
        (NAMED | {"organization_id": ""}, "organization_id"),
        (NAMED | {"field": "manager"}, "field"),
        (NAMED | {"field": ""}, "field"),
        (MATCHED | {"user_field": "shoe_size"}, "user_field"),
        (MATCHED | {"user_field": "manager"}, "user_field"),
        (MATCHED | {"default_site": "old"}, "default_site"),
    ],
)
def test_site_mappings_that_lead_nowhere(mapping: dict[str, Any], field: str) -> None:
    assert problems(site_mappings=[mapping]) == [f"site_mappings.0.{field}"]


@pytest.mark.requirement("DIR-3")
def test_each_mapping_has_its_own_id_and_its_own_place() -> None:
    assert problems(site_mappings=[SITE, SITE | {"mapping_id": "other"}]) == ["site_mappings.1.sequence"]
    assert problems(site_mappings=[SITE, SITE | {"sequence": 1}]) == ["site_mappings.1.mapping_id"]


@pytest.mark.requirement("DIR-4", "DIR-5", "DIR-6")
@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"agent_roles": [{"group": GROUP, "role_id": "boss"}]}, "agent_roles.0.role_id"),
        ({"user_roles": [{"group": GROUP, "role_id": "admin"}]}, "user_roles.0.role_id"),
        ({"user_roles": [{"group": {"id": "x"}, "role_id": "boss"}]}, "user_roles.0.group.id"),
        ({"teams": [{"group": GROUP, "team_id": "gone"}]}, "teams.0.team_id"),
        ({"teams": [{"group": {"id": ""}, "team_id": "first"}]}, "teams.0.group.id"),
        ({"boards": [{"group": GROUP, "board_id": "?"}]}, "boards.0.board_id"),
        ({"boards": [{"group": GROUP, "board_id": "cab", "seat_role": "King"}]}, "boards.0.seat_role"),
        ({"role_without_manager": "technician"}, "role_without_manager"),
        ({"agent_licenses": {"inactive_roles": ["boss"]}}, "agent_licenses.inactive_roles.0"),
        ({"agent_licenses": {"named_roles": ["admin", "?"]}}, "agent_licenses.named_roles.1"),
        ({"full_role_management": True}, "full_role_management"),
        ({"licenses_organization": "shut"}, "licenses_organization"),
    ],
)
def test_what_groups_cannot_give(told: dict[str, Any], field: str) -> None:
    assert problems(**told) == [field]


@pytest.mark.requirement("DIR-2")
def test_every_problem_has_its_cause_and_its_cure() -> None:
    told = Rules.model_validate(
        {
            "user_fields": [{"source": "x", "target": "y"}, {"source": "manager", "target": "y"}],
            "site_mappings": [SITE | {"site_id": "?", "group": {"id": "?"}}, MATCHED | {"user_field": ""}],
            "full_role_management": True,
        }
    )
    found = check(told, STRUCTURE)
    assert len(found) > 5
    for each in found:
        assert each.cause.endswith(".")
        assert each.cure.endswith(".")


@pytest.mark.requirement("DIR-8", "DIR-12")
@pytest.mark.parametrize(
    "told",
    [
        {"cap": {"percent": 101}},
        {"cap": {"least": -1}},
        {"every_hours": 169},
        {"leaving": "sometimes"},
        {"kinds": ["robots"]},
        {"shoe_size": 42},
        {"site_mappings": [{"mapping_id": "m", "kind": "moon"}]},
    ],
)
def test_what_has_the_wrong_form_is_refused_at_once(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(told)


def test_custom_fields_of_the_desk_can_be_filled() -> None:
    assert "custom.badge" in user_targets(STRUCTURE)
