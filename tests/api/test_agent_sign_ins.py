"""The agents of a connection, as the API lists them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.connections import agent_sign_ins
from tests.connections.browser import ADA, connect, sign_in_agent
from tests.world import TENANT, World

BOB = "bob@contoso.com"


@pytest.fixture
def desk(world: World) -> World:
    """Twelve agents who are waited for, and Ada, who signed in."""
    connect(world, method="agents")
    for number in range(12):
        agent_sign_ins.expect(world.rt, "desk", f"x{number:02}@contoso.com")
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    assert sign_in_agent(world, ADA).status == 200
    return world


def walk(world: World, query: str) -> list[list[str]]:
    """The addresses of each page."""
    pages, after = list[list[str]](), ""
    while True:
        page = world.get(f"/connections/desk/agents?{query}{after}")
        pages.append([each["address"] for each in page["items"]])
        if page["next"] is None:
            return pages
        after = f"&after={page['next']}"


@pytest.mark.requirement("CONN-9")
def test_agents_are_listed_by_address_in_pages_and_by_state(desk: World) -> None:
    everybody = [ADA, *(f"x{number:02}@contoso.com" for number in range(12))]
    assert walk(desk, "") == [everybody]
    assert walk(desk, "limit=5") == [everybody[:5], everybody[5:10], everybody[10:]]
    assert walk(desk, "limit=13") == [everybody]
    assert walk(desk, "state=needs_sign_in&limit=6") == [everybody[1:7], everybody[7:]]
    assert walk(desk, "state=connected") == [[ADA]]
    assert walk(desk, "state=disconnected") == [[]]


@pytest.mark.requirement("CONN-9")
def test_agents_belong_to_their_connection(desk: World) -> None:
    connect(desk, "Two", method="agents")
    assert desk.get("/connections/two/agents")["items"] == []
    assert desk.api("GET", f"/connections/two/agents/{ADA}").status == 404
    assert desk.api("DELETE", f"/connections/two/agents/{ADA}").status == 404
    for method, tail in (("GET", ""), ("GET", f"/{ADA}"), ("DELETE", f"/{ADA}"), ("POST", f"/{ADA}/sign-in")):
        assert desk.api(method, f"/connections/nothing/agents{tail}").status == 404
    following = desk.get("/connections/desk/agents?limit=5")["next"]
    assert desk.api("GET", f"/connections/two/agents?limit=5&after={following}").status == 422
    assert desk.api("GET", f"/connections/desk/agents?limit=5&state=connected&after={following}").status == 422


@pytest.mark.requirement("CONN-9")
def test_an_address_is_one_in_whatever_case_it_is_written(desk: World) -> None:
    assert desk.api("DELETE", f"/connections/desk/agents/{ADA.upper()}").json()["address"] == ADA
    assert walk(desk, "state=disconnected") == [[ADA]]


@pytest.mark.parametrize("wrong", ["ada", "ada@contoso", "a b@contoso.com", "' or 1 eq 1@contoso.com"])
def test_what_is_no_address_is_refused(desk: World, wrong: str) -> None:
    path = f"/connections/desk/agents/{wrong.replace(' ', '%20')}"
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/sign-in")):
        answer: Any = desk.api(method, path + tail)
        assert (answer.status, [each["field"] for each in answer.json()["fields"]]) == (422, ["address"])
    assert desk.api("GET", "/connections/desk/agents?state=lost").status == 422
    assert desk.api("GET", f"/connections/desk/agents/{BOB}").status == 404


def test_what_cannot_begin_is_not_waited_for(desk: World) -> None:
    connect(desk, "Wrong", method="agents", tenant_id="99999999-2222-4333-8444-555555555555")
    assert desk.api("POST", f"/connections/wrong/agents/{BOB}/sign-in").status == 409
    assert desk.get("/connections/wrong/agents")["items"] == []
