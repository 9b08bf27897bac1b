"""Which agents a run reads: those whom it is about; all of them only to find out who somebody new is."""

from __future__ import annotations

import re

import pytest
import requests

from shared.desk import agents, keeping, people
from shared.desk.agents import Agent
from shared.desk.people import User
from shared.directory import looking, runs
from tests.companies import Company, die_while_applying, open_company, open_staffed
from tests.io_meter import Killed
from tests.tampering import Carry, body_of
from tests.world import World


def listings(company: Company) -> int:
    """How often the desk was gone through since the meter was started."""
    return sum(call.startswith("table GET") and call.endswith("Desk()") for call in company.world.meter.calls)


def agents_read(company: Company) -> set[str]:
    """Agents (ids) of whom the row was read since the meter was started."""
    reads = (each for each in company.world.meter.calls if each.startswith("table GET"))
    return {found for each in reads for found in re.findall(r"RowKey='agent~([^']+)'", each)}


@pytest.fixture
def company(world: World) -> Company:
    """Grace and Ada, who are agents; Alan, who is none; and many other agents."""
    made = open_staffed(world)
    for number in range(20):
        made.hire(f"clerk{number}", "Desk")
    made.run()
    world.meter.start()
    assert made.run().pieces == 0
    return made


@pytest.mark.requirement("DIR-10")
def test_an_hour_reads_the_agents_whom_it_is_about_and_no_others(company: Company) -> None:
    quiet, ada = listings(company), company.agents()["Ada"].agent_id
    company.tenant.change("ada@contoso.com", jobTitle="Countess")
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.meter.start()
    assert company.run().counts == {"update": 2}
    assert (listings(company), agents_read(company)) == (quiet, {ada})
    assert company.agents()["Ada"].details["title"] == "Countess"


@pytest.mark.requirement("DIR-11")
def test_a_look_at_one_person_goes_through_no_agents(company: Company) -> None:
    for name, outcome in (("ada", "unchanged"), ("alan", "unchanged")):
        looking.what_would_happen(company.world.rt, company.connection_id, f"{name}@contoso.com")
        company.world.meter.start()
        seen = looking.what_would_happen(company.world.rt, company.connection_id, f"{name}@contoso.com")
        assert seen.entry.outcome == outcome
        assert not [call for call in company.world.meter.calls if "agent~" in call and call.endswith("Desk()")]
        assert len(agents_read(company)) == (name == "ada")


@pytest.mark.requirement("DIR-7", "DIR-10")
def test_whoever_becomes_an_agent_in_an_hour_is_the_one_by_hand_who_has_their_address(world: World) -> None:
    company = open_company(world, agent_matching=("address",))
    company.hire("alan")
    company.run()
    for number, name in enumerate(("alan", "edsger")):
        keeping.create(world.rt, agents.KIND, Agent(f"a{number}", f"u{number}", "By hand", f"{name}@contoso.com"))
    company.tenant.add_members(company.group("Desk"), company.tenant.get("alan@contoso.com").id)
    company.hire("edsger", "Desk")
    assert company.run().counts == {"update": 1, "create": 1}
    assert {each.agent_id: each.name for each in company.agents().values()} == {"a0": "Alan", "a1": "Edsger"}


@pytest.mark.requirement("DIR-2", "DIR-7")
def test_an_agent_of_whom_the_mirror_was_never_told_is_known_after_a_run_that_was_given_up(world: World) -> None:
    company = open_company(world, agent_matching=("address",))
    keeping.create(world.rt, people.KIND, User("u1", "Ada", "ada@contoso.com"))
    keeping.create(world.rt, agents.KIND, Agent("a1", "u1", "By hand", "ada@contoso.com"))
    ada = company.hire("ada")
    company.run()
    company.tenant.add_members(company.group("Desk"), ada)
    _die_between_desk_and_mirror(company)
    assert company.agents()["Ada"].origin.endswith(ada)
    assert company.agents()["Ada"].roles
    state = runs.get_head(world.rt, company.connection_id).state
    state.give_up(world.rt.clock.now(), "Something that cannot be mended.", "Run again.")
    runs.save(world.rt, company.connection_id, state)
    company.tenant.remove_members(company.group("Desk"), ada)
    company.run()
    assert company.agents()["Ada"].roles == (), "her group gave them, and she has left it"


def _die_between_desk_and_mirror(company: Company) -> None:
    """Kill the next run when it has changed an agent at the desk, and the mirror does not know it yet."""
    world, agent = company.world, f"RowKey='{agents.KIND.prefix}".encode()

    def die(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        answer = carry()
        if b"Desk(" in body_of(request) and agent in body_of(request):
            raise Killed
        return answer

    world.advance(3600)
    die_while_applying(company, die)
