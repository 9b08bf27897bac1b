"""What is asked of Entra, and what delta does not watch of it."""

from __future__ import annotations

import pytest

from shared.directory.properties import BASE, PROPERTIES, groups_in_use, selected, unwatched, uses_transitive
from shared.directory.rules import BoardMapping, Criterion, FieldMapping, RoleMapping, Rules, TeamMapping
from tests.directory.examples import DESK, LEADS, STAFF, to_agents, to_site


@pytest.mark.requirement("DIR-10")
def test_what_every_plan_looks_at_is_always_asked_for() -> None:
    assert set(selected(Rules())) == set(BASE)
    assert set(BASE) <= PROPERTIES.keys()


@pytest.mark.requirement("DIR-10")
def test_the_fields_in_use_are_asked_for_and_no_others() -> None:
    rules = Rules(
        user_fields=(FieldMapping(source="department", target="department"),),
        agent_fields=(FieldMapping(source="onPremisesExtensionAttributes.extensionAttribute3", target="office"),),
        site_mappings=(
            to_site(criteria=(Criterion(field="employeeType", operator="empty"),)),
            to_site(kind="organization", mapping_id="o", organization_id="org", field="officeLocation"),
        ),
    )
    asked = set(selected(rules)) - set(BASE)
    assert asked == {"department", "onPremisesExtensionAttributes", "employeeType", "officeLocation"}


@pytest.mark.requirement("DIR-10")
def test_listening_to_all_changes_asks_for_all_that_is_known() -> None:
    asked = selected(Rules(sync_method="all"))
    assert set(asked) == {each.select for each in PROPERTIES.values()}
    assert list(asked) == sorted(asked), "the same question every time"


@pytest.mark.requirement("DIR-10")
def test_what_delta_does_not_watch_is_listed_with_where_it_is_used() -> None:
    rules = Rules(
        user_fields=(FieldMapping(source="licenseAssignmentStates", target="custom.badge"),),
        site_mappings=(
            to_site(name="Head office", criteria=(Criterion(field="licenseAssignmentStates", operator="not_empty"),)),
        ),
    )
    [found] = unwatched(rules)
    assert found.name == "licenseAssignmentStates"
    assert found.used_in == ("the user field custom.badge", "a criterion of the site mapping 'Head office'")
    assert unwatched(Rules()) == []


@pytest.mark.requirement("DIR-10")
def test_the_groups_in_use_are_those_of_all_mappings() -> None:
    rules = Rules(
        site_mappings=(to_agents(DESK), to_site()),
        user_roles=(RoleMapping(group=STAFF, role_id="requester"),),
        teams=(TeamMapping(group=DESK, team_id="first"),),
        boards=(BoardMapping(group=LEADS, board_id="cab"),),
    )
    assert groups_in_use(rules).keys() == {STAFF.id, DESK.id, LEADS.id}
    assert not uses_transitive(rules)
    nested = TeamMapping(group=DESK, team_id="first", transitive=True)
    assert uses_transitive(rules.model_copy(update={"teams": (nested,)}))


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_says_where_it_is_described(name: str) -> None:
    assert PROPERTIES[name].source.startswith("https://")
    assert name.partition(".")[0] == PROPERTIES[name].select
