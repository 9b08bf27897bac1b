"""People come from Entra to the desk: the first time all of them, then whoever changed."""

from __future__ import annotations

import pytest

from tests.companies import open_company
from tests.world import World


@pytest.mark.requirement("DIR-1", "DIR-3", "DIR-4")
def test_the_first_import_brings_people_agents_roles_and_managers(world: World) -> None:
    company = open_company(world)
    company.hire("grace", "Desk", "Admins", jobTitle="Head of support")
    company.hire("ada", "Desk", manager="grace", department="Support")
    company.hire("alan", manager="ada")
    run = company.run()
    assert (run.status, run.failure) == ("done", "")
    assert run.counts == {"create": 3}
    users, agents = company.users(), company.agents()
    assert set(users) == {"Grace", "Ada", "Alan"}
    assert set(agents) == {"Grace", "Ada"}
    assert users["Alan"].site == "berlin"
    assert users["Alan"].manager == users["Ada"].user_id
    assert agents["Ada"].line_manager == agents["Grace"].agent_id
    assert [held.role_id for held in agents["Ada"].roles] == ["technician"]
    assert {held.role_id for held in agents["Grace"].roles} == {"technician", "admin"}
    assert [each.team_id for each in agents["Ada"].teams] == ["first"]
    assert users["Grace"].details["title"] == "Head of support"
