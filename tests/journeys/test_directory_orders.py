"""Whatever the order in which Graph tells of people, and however often: the desk is the same in the end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.azurite import Azurite
from dev.host import Host
from shared.directory import rounds, runs, schedule
from shared.directory.rules import RoleMapping
from shared.directory.spool import Spool
from tests.companies import Company, open_company, picture_of
from tests.world import World

PEOPLE = 9
Page = list[dict[str, Any]]


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def pages_of(company: Company) -> tuple[list[Page], list[Page]]:
    """A round as Graph would tell it, in many small pages: managers in a circle, everybody told of in two halves, the
    last two with the same address; a group in a group.
    """
    people: list[Page] = []
    for number in range(PEOPLE):
        name, address = f"person{number}", f"person{min(number, PEOPLE - 2)}@contoso.com"
        told = {"displayName": name.title(), "userPrincipalName": f"{name}@contoso.com", "userType": "Member"}
        manager = {"@odata.type": "#microsoft.graph.user", "id": id_of((number + 1) % PEOPLE)}
        people.append([{"id": id_of(number), "accountEnabled": True, **told}])
        people.append([{"id": id_of(number), "mail": address, "manager@delta": [manager]}])
    desk, admins = company.group("Desk"), company.group("Admins")
    groups = [[_in_group(desk, id_of(number))] for number in range(0, PEOPLE, 2)]
    groups.append([_in_group(admins, id_of(0)), _in_group(admins, id_of(2))])
    groups += [[_in_group(admins, company.group("Seconds"), "group")], [_in_group(company.group("Seconds"), id_of(4))]]
    return people, groups


def _in_group(group: str, member: str, kind: str = "user") -> dict[str, Any]:
    return {"id": group, "members@delta": [{"@odata.type": f"#microsoft.graph.{kind}", "id": member}]}


def take_in(company: Company, people: list[Page], groups: list[Page]) -> None:
    """A run that has read these pages goes on."""
    rt, connection_id = company.world.rt, company.connection_id
    run, head = runs.new_run(rt.clock.now(), "run", "asked"), runs.get_head(rt, connection_id)
    spool, wanted, state = Spool(rt, connection_id, run.run_id), rounds.asked(head.rules), head.state
    for number, page in enumerate(people, start=1):
        spool.put("users", number, page)
    for number, page in enumerate(groups, start=1):
        spool.put("groups", number, page)
    state.begin(run)
    state.phase, state.users_full, state.groups_full = "plan", True, True
    state.user_pages, state.group_pages = len(people), len(groups)
    state.next_asked_users, state.next_asked_groups = wanted.users_key, wanted.groups_key
    state.next_users_link = state.next_groups_link = "of this round"
    runs.save(rt, connection_id, state, runs.writing(connection_id, run))
    schedule.knock(rt, connection_id, "asked")
    company.world.settle()
    assert company.last_run().status == "done", company.last_run().failure


_expected: dict[str, Any] = {}


@pytest.mark.requirement("DIR-1", "DIR-10")
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 2**32), repeats=st.integers(0, 6), rounds_=st.integers(1, 2))
def test_the_order_of_pages_their_repetition_and_whole_rounds_again(
    azurite: Azurite, host: Host, seed: int, repeats: int, rounds_: int
) -> None:
    world, chance = World(azurite, host), Random(seed)  # noqa: S311 - repeatable on purpose
    company = open_company(world)
    admins = RoleMapping(group=company.named("Admins"), role_id="admin", transitive=True)
    company.keep(agent_roles=(*company.rules().agent_roles[:1], admins))
    people, groups = pages_of(company)
    if not _expected:
        take_in(company, people, groups)
        _expected.update(picture_of(company))
        assert len(_expected["users"]) == PEOPLE - 2, "of two with one address none comes in"
        having = {name: {held.role_id for held in each.roles} for name, each in _expected["agents"].items()}
        assert {name for name in having if "admin" in having[name]} == {"Person0", "Person2", "Person4"}
    for _ in range(rounds_):
        mixed = [[*pages, *chance.choices(pages, k=repeats)] for pages in (people, groups)]
        for pages in mixed:
            chance.shuffle(pages)
        take_in(company, *mixed)
    assert picture_of(company) == _expected
    world.close()
