"""Handling tickets: each change whole with its action, nothing lost to whoever changes it at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from requests import PreparedRequest, Response

from shared.desk import PARTITION, TABLE, agents, handling
from shared.desk.agents import Agent
from shared.desk.handling import Author, Handled, describe
from shared.desk.listing import Wanted, list_tickets
from shared.desk.recording import MAILS_AT_ONCE, record
from shared.desk.tickets import Defaults, Ticket, get_ticket, list_actions
from shared.errors import NotFound
from shared.runtime import Runtime
from tests.desk.incoming import incoming
from tests.kill import kill_after
from tests.tampering import Carry, body_of, tamper_with_storage
from tests.world import World

BY = Author("Grace", "object")


def of_agent(rt: Runtime, agent: str) -> list[int]:
    return [ticket.number for ticket in list_tickets(rt, Wanted(agent=agent), limit=500).tickets]


def said(rt: Runtime, number: int) -> list[str]:
    return [body.text for action, body in list_actions(rt, number) if action.kind == "system"]


@pytest.mark.requirement("DESK-2")
def test_a_change_is_an_action_and_moves_the_ticket_in_its_lists(world: World) -> None:
    rt = world.rt
    rt.tables[TABLE].transact(agents.changes(None, Agent("a1", "u1", "Ada", "")))
    record(rt, [incoming("a"), incoming("b")])
    changed = handling.change(rt, 1, by=BY, agent="a1", status="open", priority="high")
    assert get_ticket(rt, 1) == changed
    assert (changed.agent, changed.status, changed.priority) == ("a1", "open", "high")
    assert of_agent(rt, "a1") == [1]
    assert [each.number for each in list_tickets(rt, Wanted(status="new")).tickets] == [2]
    [(_, _), (action, body)] = list_actions(rt, 1)
    assert (action.kind, action.author_name, action.author_id) == ("system", "Grace", "object")
    assert body.text == "agent: none → Ada\nstatus: new → open\npriority: normal → high"
    handling.change(rt, 1, by=BY, agent="")
    assert of_agent(rt, "a1") == []
    assert said(rt, 1)[1:] == ["agent: Ada → none"]


def test_what_is_as_it_should_be_is_not_changed_again(world: World) -> None:
    record(world.rt, [incoming("a")])
    first = handling.change(world.rt, 1, by=BY, status="open")
    assert handling.change(world.rt, 1, by=BY, status="open") == first
    assert len(said(world.rt, 1)) == 1
    with pytest.raises(NotFound):
        handling.change(world.rt, 99, by=BY, status="open")


def test_a_change_is_told_in_words() -> None:
    ticket = Ticket(1, "Printer", "new", "u", "Ada", "ada@example.com", "", "", team="t1", agent="a1")
    after = replace(ticket, team="", agent="a2", status="open", updated_at="later")
    assert (
        describe(ticket, after, {"a1": "Ada", "t1": "Night"})
        == "agent: Ada → a2\nteam: Night → none\nstatus: new → open"
    )


@pytest.mark.requirement("DESK-1", "DESK-2")
def test_changes_at_once_and_mail_meanwhile_all_arrive(world: World) -> None:
    record(world.rt, [incoming("a")])
    runtimes = [replace(world.rt, memory={}) for _ in range(4)]
    work = [
        lambda: handling.change(runtimes[0], 1, by=BY, priority="high"),
        lambda: handling.change(runtimes[1], 1, by=BY, type="request"),
        lambda: handling.change(runtimes[2], 1, by=BY, agent="a1"),
        lambda: record(runtimes[3], [incoming("b", joins=1, joined_by="tag")]),
    ]
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(one) for one in work]:
            each.result()
    ticket = get_ticket(world.rt, 1)
    assert (ticket.priority, ticket.type, ticket.agent) == ("high", "request", "a1")
    assert len(list_actions(world.rt, 1)) == 5
    record(world.rt, [incoming("c", joins=1, joined_by="tag")])
    assert get_ticket(world.rt, 1).agent == "a1", "what this process remembered of it was out of date"


@pytest.mark.requirement("DIR-9")
def test_the_open_tickets_of_an_agent_are_released_in_slices(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handling, "RELEASED_AT_ONCE", 3)
    rt = world.rt
    _give(rt, 8)
    handling.change(rt, 3, by=BY, status="closed")
    handling.change(rt, 5, by=BY, agent="a2")
    behind, slices = None, 0
    while True:
        released = handling.unassign(rt, "a1", by=BY, behind=behind)
        behind, slices = released.next, slices + 1
        if behind is None:
            break
    assert (of_agent(rt, "a1"), of_agent(rt, "a2"), slices) == ([3], [5], 3)
    assert [said(rt, number)[-1] for number in (1, 2, 4)] == ["agent: a1 → none"] * 3
    assert handling.unassign(rt, "a1", by=BY).count == 0
    assert len(said(rt, 1)) == 1


def _give(rt: Runtime, count: int) -> None:
    """Tickets that begin with the agent a1."""
    record(rt, [incoming(f"m{index}", defaults=Defaults(agent="a1")) for index in range(count)])


@pytest.mark.requirement("DIR-9")
@pytest.mark.parametrize("meanwhile", [{"agent": "a2"}, {"status": "closed"}], ids=str)
def test_what_is_given_to_another_or_closed_while_it_is_released_stays_so(world: World, meanwhile: Handled) -> None:
    """Between the list and the ticket, a person was faster: what the list said of it is not true any more."""
    rt = world.rt
    _give(rt, 1)
    overtaken = list[str]()

    def overtake(request: PreparedRequest, carry: Carry) -> Response:
        if not overtaken and b"system" in body_of(request):
            overtaken.append("once")
            handling.change(rt, 1, by=BY, **meanwhile)
        return carry()

    tamper_with_storage(world, overtake)
    assert handling.unassign(rt, "a1", by=BY).count == 0
    assert overtaken
    ticket = get_ticket(rt, 1)
    assert (ticket.agent, ticket.status) == (meanwhile.get("agent", "a1"), meanwhile.get("status", "new"))


@pytest.mark.requirement("DIR-9")
def test_a_release_may_die_after_any_request_and_is_done_by_the_next(world: World) -> None:
    for after in range(1, 40):
        _give_again(world.rt)
        died = kill_after(world, after, _release)
        world.start()
        _release(world)
        assert of_agent(world.rt, "a1") == []
        for number in (1, 2, 3):
            assert said(world.rt, number).count("agent: a1 → none") == after, "each release told once"
        if not died:
            return
    raise AssertionError("it was killed at every step and never came through")


def _release(world: World) -> None:
    handling.unassign(world.rt, "a1", by=BY)


def _give_again(rt: Runtime) -> None:
    if not list_tickets(rt, Wanted()).tickets:
        record(rt, [incoming(f"m{index}") for index in range(3)])
    for number in (1, 2, 3):
        handling.change(rt, number, by=BY, agent="a1")


def test_the_fullest_recording_fits_into_one_transaction(world: World) -> None:
    """Ten closed tickets of agents open again, by mails of ten strangers."""
    rt = world.rt
    _give(rt, MAILS_AT_ONCE)
    for number in range(1, MAILS_AT_ONCE + 1):
        handling.change(rt, number, by=BY, status="closed")
    strangers = [
        incoming(f"r{number}", joins=number, joined_by="tag", sender_address=f"stranger{number}@example.com")
        for number in range(1, MAILS_AT_ONCE + 1)
    ]
    record(replace(rt, memory={}), strangers)
    assert {get_ticket(rt, number).status for number in range(1, MAILS_AT_ONCE + 1)} == {"open"}
    assert len([*rt.tables[TABLE].range(PARTITION, low="g~", high="g\x7f")]) == MAILS_AT_ONCE
