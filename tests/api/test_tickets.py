"""Tickets through the API: listed by what was asked for, read with their actions, files given out safely."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from shared.clock import to_text
from tests.api.identities import BY_TOKEN, PERSON, signed_in
from tests.api.seeding import EVIL, PNG, record, record_with_files
from tests.api.structure import change, make, make_agent, refused
from tests.world import World


def subjects(world: World, query: str = "") -> list[Any]:
    return [each["subject"] for each in world.get(f"/tickets{query}")["items"]]


@pytest.mark.requirement("DESK-2")
def test_tickets_are_listed_newest_first_by_what_is_asked_for(world: World) -> None:
    record(world, "One", "Two")
    world.advance(3600)
    middle = quote(to_text(world.clock.now()))
    world.advance(3600)
    record(world, "Three", sender="bob@example.com")

    assert subjects(world) == ["Three", "Two", "One"]
    assert subjects(world, "?requester=BOB@example.com") == ["Three"]
    assert subjects(world, "?requester=nobody@example.com") == []
    assert subjects(world, "?status=new") == ["Three", "Two", "One"]
    assert subjects(world, "?status=closed") == []
    assert subjects(world, "?number=2") == ["Two"]
    assert subjects(world, "?number=99") == []
    assert subjects(world, "?number=2&requester=bob@example.com") == []
    assert subjects(world, f"?since={middle}") == ["Three"]
    assert subjects(world, f"?before={middle}") == ["Two", "One"]
    assert subjects(world, f"?number=2&since={middle}") == []
    assert subjects(world, f"?since={middle}&before={middle}") == []


def test_times_are_given_and_taken_with_their_zone(world: World) -> None:
    record(world, "One")
    created = world.get("/tickets")["items"][0]["created_at"]
    assert created.endswith("Z")
    assert subjects(world, f"?since={quote(created)}") == ["One"]
    elsewhere = created.replace("Z", "+00:00")
    assert subjects(world, f"?since={quote(elsewhere)}") == ["One"]
    naive = world.api("GET", f"/tickets?since={created.removesuffix('Z')}")
    assert naive.status == 422
    assert "time zone" in naive.json()["fields"][0]["cause"]


@pytest.mark.requirement("DESK-2")
def test_a_ticket_is_read_with_its_actions_and_its_tag(world: World) -> None:
    [first] = record(world, "Printer")
    world.advance(1)
    record(world, "Still", sender="bob@example.com", joins=first.number)
    ticket = world.get(f"/tickets/{first.number}")
    assert ticket["tag"].startswith(f"[#{first.number}-")
    said = [(each["text"], each["new_text"], each["author_address"]) for each in ticket["actions"]["items"]]
    assert said == [
        ("Printer\n> before", "Printer", "ada@example.com"),
        ("Still\n> before", "Still", "bob@example.com"),
    ]


def test_actions_come_in_pages(world: World) -> None:
    [first] = record(world, "0")
    for index in range(1, 8):
        world.advance(1)
        record(world, str(index), joins=first.number)
    page = world.get(f"/tickets/{first.number}?limit=3")["actions"]
    seen, pages = [each["new_text"] for each in page["items"]], 1
    while page["next"]:
        page = world.get(f"/tickets/{first.number}?limit=3&after={page['next']}")["actions"]
        seen, pages = seen + [each["new_text"] for each in page["items"]], pages + 1
    assert (seen, pages) == ([str(index) for index in range(8)], 3)


@pytest.mark.requirement("DESK-2", "MAIL-15")
def test_pictures_in_html_lead_to_this_api(world: World) -> None:
    recorded = record_with_files(world)
    [action] = world.get(f"/tickets/{recorded.number}")["actions"]["items"]
    picture, page = action["attachments"]
    assert action["html"] == f'<p>Look: <img src="{picture["url"]}"> and <img src="cid:unknown"></p>'
    assert (picture["name"], picture["type"], picture["size"], picture["inline"]) == (
        "logo.png",
        "image/png",
        len(PNG),
        True,
    )
    assert (page["index"], page["inline"], action["notes"]) == (1, False, ["The HTML was cleaned."])

    shown = world.api("GET", picture["url"].removeprefix("/api/v1"))
    assert (shown.status, shown.body, shown.headers["content-type"]) == (200, PNG, "image/png")
    assert shown.headers["content-disposition"].startswith("inline; ")


@pytest.mark.requirement("DESK-2")
def test_a_file_that_means_harm_is_only_ever_saved(world: World) -> None:
    recorded = record_with_files(world)
    action = quote(recorded.action)
    given = world.api("GET", f"/tickets/{recorded.number}/actions/{action}/attachments/1")
    assert (given.status, given.body, given.headers["content-type"]) == (200, EVIL, "application/octet-stream")
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-security-policy"] == "sandbox; default-src 'none'"
    disposition = given.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="a_b__X_ __..html"; ') or disposition.isascii()
    assert "x" not in given.headers
    assert not set(disposition) & set("\r\n")
    assert disposition.count('"') == 2


def test_what_is_not_there_is_not_found(world: World) -> None:
    recorded = record_with_files(world)
    action = quote(recorded.action)
    other = quote("2020-01-01T00:00:00.000000Z~0123456789abcd")
    for path in (
        "/tickets/99",
        f"/tickets/{recorded.number}/actions/{action}/attachments/7",
        f"/tickets/{recorded.number}/actions/{other}/attachments/0",
        f"/tickets/99/actions/{action}/attachments/0",
    ):
        answer = world.api("GET", path)
        assert (answer.status, answer.json()["type"]) == (404, "/api/v1/problems#not-found"), (path, answer.body)
        assert answer.json()["cure"]


@pytest.mark.requirement("DESK-2")
def test_a_ticket_is_assigned_listed_by_its_agent_and_tells_of_it(world: World) -> None:
    record(world, "One", "Two")
    agent = make_agent(world)["agent_id"]
    team = make(world, "teams", name="Night")["team_id"]
    changed = change(world, "tickets", "1", agent=agent, team=team, status="open", priority="urgent", type="request")
    assert (changed["agent"], changed["team"], changed["status"]) == (agent, team, "open")
    assert (changed["priority"], changed["type"]) == ("urgent", "request")
    assert subjects(world, f"?agent={agent}") == ["One"]
    assert subjects(world, f"?agent={agent}&status=closed") == []
    assert subjects(world, "?status=open") == ["One"]
    ticket = world.ticket(1)
    assert (ticket["agent_name"], ticket["team_name"], ticket["site_name"]) == ("Grace Hopper", "Night", "")
    told = ticket["actions"][-1]
    assert (told["kind"], told["author_name"]) == ("system", "key")
    assert told["text"].splitlines()[:3] == ["agent: none → Grace Hopper", "team: none → Night", "status: new → open"]
    assert change(world, "tickets", "1", agent="", team="")["agent"] == ""
    assert subjects(world, f"?agent={agent}") == []
    [latest, *_] = world.get("/audit?target=1")["items"]
    assert (latest["what"], latest["before"], latest["outcome"]) == (
        "ticket.changed",
        {"agent": agent, "team": team},
        "done",
    )


@pytest.mark.requirement("DESK-2")
def test_a_ticket_is_given_to_nobody_who_does_not_work(world: World) -> None:
    record(world, "One")
    agent = make_agent(world)["agent_id"]
    team = make(world, "teams", name="Night")["team_id"]
    change(world, "agents", agent, active=False)
    change(world, "teams", team, active=False)
    for field, value in (("agent", agent), ("team", team)):
        assert "inactive" in refused(world, "PATCH", "/tickets/1", **{field: value})["cause"]
    unknown = "11111111-2222-4333-8444-555555555555"
    for field, value in (("agent", unknown), ("team", unknown), ("status", "lost"), ("priority", "x"), ("type", "")):
        assert refused(world, "PATCH", "/tickets/1", **{field: value})["field"].startswith(field)
    assert len(world.ticket(1)["actions"]) == 1


@pytest.mark.requirement("DESK-2", "OPS-6")
def test_operators_handle_tickets_and_are_named(world: World) -> None:
    record(world, "One")
    world.start(**BY_TOKEN)
    for role, status in (("Reader", 403), ("Operator", 200)):
        answer = world.api("PATCH", "/tickets/1", {"status": "open"}, sign_in=signed_in(world, f"Deskbridge.{role}"))
        assert answer.status == status
    actions = world.api("GET", "/tickets/1", sign_in=signed_in(world, "Deskbridge.Reader")).json()["actions"]["items"]
    assert [(each["author_id"], each["author_name"]) for each in actions[1:]] == [(PERSON, "Grace Hopper")]
