"""Recording: once, in order, whole or not at all."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.desk import PARTITION, TABLE, numbering, people
from shared.desk.message_ids import find_ticket_number
from shared.desk.recording import MAILS_AT_ONCE, Incoming, Recorded, record
from shared.desk.tickets import Body, Defaults, Ticket, get_ticket, list_actions, listed_keys, ticket_key, ticket_of
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage.tables import Change, Row
from tests.desk.incoming import incoming
from tests.world import World


def set_status(rt: Runtime, number: int, status: str) -> None:
    """As an agent would: the ticket and its rows in the lists."""
    row = rt.tables[TABLE].find(PARTITION, ticket_key(number))
    assert row is not None
    before = ticket_of(row)
    after = replace(before, status=status)
    values = {**row.values, "status": status}
    changes = [Change("delete", Row(PARTITION, key)) for key in set(listed_keys(before)) - set(listed_keys(after))]
    changes += [Change("upsert", Row(PARTITION, key, values)) for key in listed_keys(after)]
    rt.tables[TABLE].transact(changes)


def rows_of(rt: Runtime, ticket: Ticket) -> list[str]:
    """The keys of the lists in which a ticket stands."""
    keys = [row.key for row in rt.tables[TABLE].range(PARTITION, low="r~", high="u~", select=["number"])]
    return [key for key in keys if key.endswith(ticket_key(ticket.number)[2:]) and key[0] in "rs"]


@pytest.mark.requirement("DESK-1", "MAIL-9")
def test_a_ticket_begins_with_its_action_its_requester_and_its_defaults(world: World) -> None:
    defaults = Defaults(priority="high", type="request", team="Second line", site="Berlin")
    [recorded] = record(world.rt, [incoming("a", defaults=defaults, automatic="list")])
    ticket = get_ticket(world.rt, 1)
    assert (recorded.outcome, recorded.number) == ("opened", 1)
    assert (ticket.subject, ticket.status, ticket.automatic) == ("About a", "new", True)
    assert (ticket.priority, ticket.type, ticket.team, ticket.site) == ("high", "request", "Second line", "Berlin")
    [(action, body)] = list_actions(world.rt, 1)
    assert (action.key, action.at, action.raw, action.preview) == (
        recorded.action,
        incoming("a").received_at,
        "raw/a.eml",
        "It does not print.",
    )
    assert body == incoming("a").body
    user = people.find_by_address(world.rt, "ADA@example.com")
    assert user is not None
    assert user.user_id == ticket.user_id == action.author_id == recorded.user_id


@pytest.mark.requirement("MAIL-4")
@pytest.mark.parametrize("restarted", [False, True])
def test_recording_again_tells_what_was_recorded_and_changes_nothing(world: World, restarted: bool) -> None:
    things = [incoming("a"), incoming("b", joins="a", joined_by="references"), incoming("c")]
    first = record(world.rt, things)
    rt = world.start() if restarted else world.rt
    rows = list(rt.tables[TABLE].range(PARTITION))
    assert record(rt, things) == first
    assert record(rt, [*things, incoming("d")])[:3] == first
    assert [row.values for row in rt.tables[TABLE].range(PARTITION, low="a~", high="b")][:3] == [
        row.values for row in rows if row.key.startswith("a~")
    ]
    assert numbering.read_last(rt) == 3


@pytest.mark.requirement("MAIL-4")
def test_more_than_fit_a_transaction_keep_their_order_and_join_across_it(world: World) -> None:
    things = [incoming(f"m{index}", sender_address=f"user{index}@example.com") for index in range(MAILS_AT_ONCE + 3)]
    things.append(incoming("reply", joins="m0", joined_by="references"))
    found = record(world.rt, things)
    assert [each.number for each in found] == [*range(1, MAILS_AT_ONCE + 4), 1]
    assert [each.origin for each in found] == [each.origin for each in things]
    assert len(list_actions(world.rt, 1)) == 2


@pytest.mark.requirement("MAIL-4", "MAIL-8")
def test_a_full_transaction_of_replies_that_all_open_their_tickets_again_fits(world: World) -> None:
    count = MAILS_AT_ONCE
    record(world.rt, [incoming(f"t{index}", sender_address=f"user{index}@example.com") for index in range(count)])
    for number in range(1, count + 1):
        set_status(world.rt, number, "closed")
    rt = world.start()
    replies = [
        incoming(f"r{index}", joins=index + 1, joined_by="tag", sender_address=f"new{index}@example.com")
        for index in range(count)
    ]
    world.meter.start()
    assert {each.outcome for each in record(rt, replies)} == {"added"}
    assert sum(1 for call in world.meter.calls if "$batch" in call) == 1
    assert {get_ticket(rt, number).status for number in range(1, count + 1)} == {"open"}


@pytest.mark.requirement("MAIL-8")
def test_a_ticket_that_opens_again_leaves_the_list_of_closed_ones(world: World) -> None:
    record(world.rt, [incoming("a")])
    set_status(world.rt, 1, "closed")
    record(world.rt, [incoming("b", joins=1, joined_by="tag"), incoming("c", joins=1, joined_by="tag")])
    ticket = get_ticket(world.rt, 1)
    assert ticket.status == "open"
    assert sorted(rows_of(world.rt, ticket)) == sorted(listed_keys(ticket)[1:])
    assert len(list_actions(world.rt, 1)) == 3


@pytest.mark.requirement("MAIL-4")
def test_a_copy_is_named_a_duplicate_and_another_mail_of_the_same_id_is_not(world: World) -> None:
    things = [
        incoming("a", message_id="<same@x>", fingerprint="1"),
        incoming("b", message_id="<same@x>", fingerprint="1"),
        incoming("c", message_id="<same@x>", fingerprint="2"),
    ]
    found = record(world.rt, things)
    assert [(each.outcome, each.number) for each in found] == [("opened", 1), ("duplicate", 1), ("opened", 2)]
    later = record(world.start(), [replace(things[0], origin="d"), replace(things[2], origin="e")])
    assert [(each.outcome, each.number) for each in later] == [("duplicate", 1), ("duplicate", 2)]
    assert find_ticket_number(world.rt, "<same@x>") == 1
    assert len(list_actions(world.rt, 1)) == 1


def test_mails_without_an_id_are_never_copies(world: World) -> None:
    things = [incoming("a", message_id="", fingerprint="1"), incoming("b", message_id="", fingerprint="1")]
    assert [each.outcome for each in record(world.rt, things)] == ["opened", "opened"]


def test_what_would_join_a_ticket_that_is_not_there_opens_one(world: World) -> None:
    [recorded] = record(world.rt, [incoming("a", joins=77, joined_by="tag")])
    assert (recorded.outcome, recorded.number) == ("opened", 1)


@pytest.mark.requirement("DESK-1")
def test_actions_of_one_second_stand_in_the_order_of_recording(world: World) -> None:
    things = [incoming("a"), *(incoming(f"b{index}", joins="a", joined_by="references") for index in range(25))]
    record(world.rt, things)
    assert [action.origin for action, _ in list_actions(world.rt, 1)] == [each.origin for each in things]


def test_a_body_too_large_for_a_row_lies_in_a_blob(world: World) -> None:
    text = "".join(f"{index * 7919 % 1_000_003:x} " for index in range(60_000))
    record(world.rt, [incoming("large", body=Body(text, "new", "<p>x</p>", (), ("a note",)))])
    [(_, body)] = list_actions(world.rt, 1)
    assert body == Body(text, "new", "<p>x</p>", (), ("a note",))
    assert world.rt.blobs.get("bodies/large")


@pytest.mark.requirement("DESK-1", "MAIL-4")
def test_several_workers_give_each_number_once_and_lose_nothing(world: World) -> None:
    runtimes = [replace(world.rt, memory={}) for _ in range(4)]

    def work(index: int) -> list[Recorded]:
        rt, found = runtimes[index], []
        for turn in range(5):
            found += record_at_last(rt, [incoming(f"w{index}.{turn}"), incoming("all", message_id="<all@x>")])
        return found

    def record_at_last(rt: Runtime, page: list[Incoming]) -> list[Recorded]:
        """Where the others are too many at the moment, the work is put on its queue again."""
        for _ in range(20):
            with contextlib.suppress(Later):
                return record(rt, page)
        raise AssertionError("it waits for ever")

    with ThreadPoolExecutor(len(runtimes)) as threads:
        found = [each for one in threads.map(work, range(len(runtimes))) for each in one]
    assert len({each for each in found if each.origin == "all"}) == 1
    assert sorted({each.number for each in found}) == list(range(1, 22))
    assert numbering.read_last(world.rt) == 21
