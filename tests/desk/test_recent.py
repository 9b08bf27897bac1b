"""What a process remembers of what it recorded: it spares requests, and never decides anything wrongly."""

from __future__ import annotations

from shared.desk import PARTITION, TABLE
from shared.desk.message_ids import find_ticket_number
from shared.desk.recent import MOST_REMEMBERED, Recent
from shared.desk.recording import record
from shared.desk.tickets import get_ticket, ticket_key
from shared.storage.tables import Row
from tests.desk.incoming import incoming
from tests.world import World


def test_an_answer_to_a_fresh_mail_costs_one_request(world: World) -> None:
    record(world.rt, [incoming("a")])
    world.meter.start()
    number = find_ticket_number(world.rt, "<a@example.com>")
    record(world.rt, [incoming("b", joins=number)])
    assert len(world.meter.calls) == 1
    assert number == 1


def test_a_ticket_that_another_worker_changed_meanwhile_is_read_again(world: World) -> None:
    record(world.rt, [incoming("a")])
    row = world.rt.tables[TABLE].find(PARTITION, ticket_key(1))
    assert row is not None
    world.rt.tables[TABLE].merge(Row(PARTITION, ticket_key(1), {"team": "Second line"}))
    [recorded] = record(world.rt, [incoming("b", joins=1)])
    assert recorded.outcome == "added"
    assert get_ticket(world.rt, 1).team == "Second line"


def test_what_is_oldest_is_forgotten_first() -> None:
    recent = Recent()
    for number in range(MOST_REMEMBERED + 1):
        recent.note({str(number): number}, {number: Row("p", str(number))})
        recent.note({"again": -1}, {})
    assert recent.find_number("0") is None
    assert recent.find_row(0) is None
    assert recent.find_row(1) is not None
    assert recent.find_number("again") == -1
    assert recent.find_number("no") is None
