"""Walking long lists: everything once, whatever happens meanwhile, and nobody makes up where to go on."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from shared.mail.verdicts import Verdict
from tests.api.seeding import enter, record
from tests.world import World


@pytest.mark.requirement("DESK-2")
def test_a_walk_shows_every_ticket_once_while_new_ones_come(world: World) -> None:
    record(world, *(f"ticket {index}" for index in range(23)))
    seen: list[int] = []
    page = world.get("/tickets?limit=4")
    while True:
        seen += [each["number"] for each in page["items"]]
        if not page["next"]:
            break
        record(world, f"meanwhile {len(seen)}")
        page = world.get(f"/tickets?limit=4&after={page['next']}")
    assert seen == list(range(23, 0, -1))


@pytest.mark.requirement("MAIL-11")
def test_a_walk_shows_every_entry_of_all_journals_once_while_new_ones_come(world: World) -> None:
    world.connect()
    mailboxes = [world.add_mailbox(f"box{index}@contoso.com", method="scan") for index in range(3)]
    names = {enter(world, mailboxes[index % 3], f"mail {index}", age=100 + index).key for index in range(20)}
    seen: list[str] = []
    page = world.get("/journal?limit=3")
    while True:
        seen += [each["key"] for each in page["items"]]
        if not page["next"]:
            break
        enter(world, mailboxes[0], f"meanwhile {len(seen)}")
        page = world.get(f"/journal?limit=3&after={page['next']}")
    assert (len(seen), set(seen)) == (20, names)
    assert seen == sorted(seen)


def test_a_filter_that_few_entries_fit_is_walked_to_its_end(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    for index in range(12):
        enter(world, mailbox, f"mail {index}", age=index, verdict=Verdict.GONE if index % 5 == 4 else Verdict.TICKET)
    assert len(world.journal("&verdict=gone")) == 2
    assert len(world.journal("&text=MAIL 7".replace(" ", "%20"))) == 1
    assert len(world.journal("&sender=Ada@example.com")) == 12


def forged(token: str, position: Any) -> str:
    """The same token with another position in it."""
    payload = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
    return f"{payload}.{token.partition('.')[2]}"


def test_where_to_go_on_cannot_be_made_up(world: World) -> None:
    record(world, *"abcde")
    [first] = record(world, "f")
    for index in range(3):
        world.advance(1)
        record(world, f"more {index}", joins=first.number)
    token = world.get("/tickets?limit=2")["next"]
    of_actions = world.get(f"/tickets/{first.number}?limit=1")["actions"]["next"]
    wrong = [
        f"/tickets?limit=2&after={forged(token, 9)}",
        f"/tickets?limit=2&after={forged(token, '!counter')}",
        f"/tickets?after={token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        f"/tickets?after={of_actions}",
        f"/tickets?status=new&after={token}",
        f"/tickets/1?after={of_actions}",
        f"/tickets/{first.number}?after={token}",
        f"/journal?after={token}",
        f"/set-aside?after={token}",
        "/tickets?after=" + "A" * 2000,
        "/tickets?after=..%2F.",
        "/tickets?after=",
    ]
    for path in wrong:
        answer = world.api("GET", path)
        assert answer.status == 422, path
        assert [each["field"] for each in answer.json()["fields"]] == ["after"], path
    assert world.api("GET", f"/tickets?limit=3&after={token}").status == 200
