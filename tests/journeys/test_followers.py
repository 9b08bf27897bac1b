"""Followers of a ticket: addresses, groups by their own address, groups member by member."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk import handling
from shared.errors import BadInput
from shared.graph import directory as graph
from tests.api.seeding import record
from tests.companies import READS, Company, open_company
from tests.world import CLIENT, TENANT, World

FOLLOWERS = "/tickets/1/followers"


@pytest.fixture
def company(world: World) -> Company:
    """Ada is at the desk, under another address than her tenant's; Bob and eve are not; one ticket."""
    found = open_company(world, groups_as_followers=True)
    found.hire("ada")
    found.run()
    found.tenant.add_user("bob@contoso.com", displayName="Bob", mail="Bob@contoso.com")
    found.tenant.add_user("eve@contoso.com", displayName="Eve", mail=None)
    inner = found.tenant.add_group("Inner", ["bob@contoso.com"])
    people = ["ada@contoso.com", "eve@contoso.com", inner.id]
    unified: dict[str, Any] = {"mail": "Leads@contoso.com", "mailEnabled": True, "groupTypes": ["Unified"]}
    found.groups["Leads"] = found.tenant.add_group("Leads", people, **unified).id
    found.groups["Plain"] = found.tenant.add_group("Plain", ["bob@contoso.com"]).id
    ada = found.users()["Ada"]
    record(world, "Printer broken", sender="grace@example.com")
    assert world.api("PATCH", f"/users/{ada.user_id}", {"address": "ada@desk.example"}).status == 200
    return found


def follow(world: World, status: int = 200, **wanted: Any) -> Any:
    answer = world.api("POST", FOLLOWERS, wanted)
    assert answer.status == status, answer.body
    return answer.json()


@pytest.mark.requirement("DIR-15")
def test_an_address_follows_a_ticket_and_follows_it_no_more(company: Company) -> None:
    world = company.world
    assert follow(world, address="Jo@Contoso.example")["added"] == ["jo@contoso.example"]
    again = follow(world, address="jo@contoso.example")
    assert (again["followers"], again["added"]) == (["jo@contoso.example"], [])
    [said] = [each for each in world.ticket(1)["actions"] if each["kind"] == "system"]
    assert said["text"] == "now follows: jo@contoso.example"
    assert world.api("DELETE", f"{FOLLOWERS}/jo@contoso.example").json()["followers"] == []
    assert world.ticket(1)["followers"] == []
    assert world.ticket(1)["actions"][-1]["text"] == "follows no more: jo@contoso.example"
    assert world.api("DELETE", f"{FOLLOWERS}/jo@contoso.example").status == 404
    told = [each["what"] for each in world.get("/audit?target=1")["items"]]
    assert told == ["ticket.follower_removed", "ticket.follower_added", "ticket.follower_added"]


@pytest.mark.requirement("DIR-15")
def test_a_group_follows_by_its_address(company: Company) -> None:
    world = company.world
    assert world.api("PUT", "/follower-settings", {"connection_id": "contoso"}).status == 200
    found = follow(world, group_id=company.groups["Leads"])
    assert found["added"] == ["leads@contoso.com"]
    plain = follow(world, 422, group_id=company.groups["Plain"])
    assert plain["fields"][0]["field"] == "group_id"
    assert "members" in plain["cure"]


@pytest.mark.requirement("DIR-15")
def test_the_members_of_a_group_follow_one_by_one_up_to_a_limit(company: Company) -> None:
    world, leads = company.world, company.groups["Leads"]
    body: dict[str, Any] = {"group_id": leads, "connection_id": "contoso", "as": "members"}
    found = follow(world, **body)
    assert set(found["added"]) == {"ada@desk.example", "bob@contoso.com"}, "the desk knows Ada by another address"
    assert (found["left_out"], found["more"], found["without_address"]) == (0, False, 1)
    company.tenant.add_members(company.groups["Plain"], "ada@contoso.com")
    short = follow(world, **{**body, "group_id": company.groups["Plain"], "limit": 1})
    assert short["left_out"] == 1
    assert follow(world, 422, **{**body, "limit": 501})["fields"][0]["field"] == "limit"


@pytest.mark.requirement("DIR-15")
@pytest.mark.parametrize(("count", "more"), [(10, False), (11, True)])
def test_of_a_very_large_group_it_is_said_that_there_are_more(
    company: Company, monkeypatch: pytest.MonkeyPatch, count: int, more: bool
) -> None:
    monkeypatch.setattr(graph, "DIRECTORY_PAGE", 2)
    crowd = [company.tenant.add_user(f"crowd{number}@contoso.com").id for number in range(count)]
    company.tenant.add_members(company.group("Crowd"), *crowd)
    body: dict[str, Any] = {"group_id": company.groups["Crowd"], "connection_id": "contoso", "as": "members"}
    found = follow(company.world, **body, limit=4)
    assert (found["left_out"], found["more"]) == (6, more)


@pytest.mark.requirement("DIR-15")
def test_of_a_large_group_a_hundred_follow_where_nothing_else_is_said(company: Company) -> None:
    crowd = [company.tenant.add_user(f"crowd{number}@contoso.com").id for number in range(101)]
    company.tenant.add_members(company.group("Crowd"), *crowd)
    body: dict[str, Any] = {"group_id": company.group("Crowd"), "connection_id": "contoso", "as": "members"}
    found = follow(company.world, **body)
    assert (len(found["added"]), found["left_out"], found["more"]) == (100, 1, False)


@pytest.mark.requirement("DIR-15")
def test_who_joins_a_group_later_follows_by_its_address_and_not_as_a_member(company: Company) -> None:
    world, plain = company.world, company.groups["Plain"]
    body: dict[str, Any] = {"group_id": plain, "connection_id": "contoso", "as": "members"}
    follow(world, **body)
    company.tenant.add_members(plain, "ada@contoso.com")
    company.run()
    assert world.ticket(1)["followers"] == ["bob@contoso.com"]


@pytest.mark.requirement("DIR-15")
def test_groups_follow_only_where_the_connection_allows_it(company: Company) -> None:
    world, leads = company.world, company.groups["Leads"]
    assert follow(world, 422, group_id=leads)["fields"][0]["field"] == "connection_id"
    gone = follow(world, 422, group_id="11111111-2222-4333-8444-555555555555", connection_id="contoso")
    assert gone["fields"][0]["field"] == "group_id"
    assert follow(world, 404, group_id=leads, connection_id="fabrikam")
    assert follow(world, 422)["fields"][0]["field"] == "address"
    world.emulator.change_roles(TENANT, CLIENT, "User.Read.All")
    world.start()
    denied = follow(world, 409, group_id=leads, connection_id="contoso")
    assert "GroupMember.Read.All" in denied["cure"]
    world.emulator.change_roles(TENANT, CLIENT, *READS)
    company.keep()
    refused = follow(world, 409, group_id=leads, connection_id="contoso")
    assert "groups_as_followers" in refused["cure"]
    assert world.api("PUT", "/follower-settings", {"connection_id": "contoso"}).status == 409
    assert world.ticket(1)["followers"] == []


@pytest.mark.requirement("DIR-15")
def test_groups_are_found_by_how_their_name_or_address_begins(company: Company) -> None:
    found = company.world.get("/connections/contoso/groups?starts_with=lea")["items"]
    shown = {"name": "Leads", "address": "Leads@contoso.com", "mail_enabled": True}
    assert found == [{"id": company.groups["Leads"], **shown}]
    assert {each["name"] for each in company.world.get("/connections/contoso/groups")["items"]} >= {"Leads", "Plain"}
    assert company.world.get("/connections/contoso/groups?starts_with=o'h")["items"] == []


@pytest.mark.requirement("DIR-15")
def test_a_ticket_holds_so_many_followers_and_no_more() -> None:
    many = [f"{number:03}@contoso.example" for number in range(handling.MOST_FOLLOWERS)]
    assert len(handling.checked_followers(many)) == handling.MOST_FOLLOWERS
    for too_many in ([*many, "one@more.example"], [f"{'x' * 300}{number}@c.example" for number in range(100)]):
        with pytest.raises(BadInput) as refused:
            handling.checked_followers(too_many)
        assert refused.value.cure
