"""Lists of tickets: newest first, whole, and never more rows than a bounded number a request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.desk import PARTITION, TABLE, listing, people
from shared.desk.listing import Wanted, find_ticket, list_tickets
from shared.desk.recording import record
from shared.desk.tickets import get_ticket, listed_keys, ticket_key, ticket_values
from shared.runtime import Runtime
from shared.storage.tables import Change, Row
from tests.desk.incoming import incoming
from tests.world import World

COUNT = 12


@pytest.fixture
def desk(world: World) -> Runtime:
    """Twelve tickets, a minute apart, by Ada and by Ben in turn; every third one is closed."""
    for number in range(1, COUNT + 1):
        address = "ada@example.com" if number % 2 else "ben@example.com"
        record(world.rt, [incoming(f"m{number}", sender_address=address)])
        if number % 3 == 0:
            _close(world.rt, number)
        world.advance(60)
    return world.rt


def _close(rt: Runtime, number: int) -> None:
    before = get_ticket(rt, number)
    after = replace(before, status="closed")
    rt.tables[TABLE].delete(PARTITION, listed_keys(before)[1])
    rt.tables[TABLE].transact([Change("upsert", Row(PARTITION, k, ticket_values(after))) for k in listed_keys(after)])


def walk(rt: Runtime, wanted: Wanted, limit: int = 5) -> list[int]:
    found: list[int] = []
    behind: int | None = None
    while True:
        page = list_tickets(rt, wanted, behind=behind, limit=limit)
        assert len(page.tickets) <= limit
        found += [ticket.number for ticket in page.tickets]
        if page.next is None:
            return found
        behind = page.next


@pytest.mark.requirement("DESK-2")
@pytest.mark.parametrize("limit", [1, 5, 12, 50])
def test_pages_of_any_size_hold_every_ticket_once_newest_first(desk: Runtime, limit: int) -> None:
    assert walk(desk, Wanted(), limit) == list(range(COUNT, 0, -1))


@pytest.mark.requirement("DESK-2")
def test_filters_are_met_together(desk: Runtime) -> None:
    ada = people.find_by_address(desk, "ada@example.com")
    assert ada is not None
    assert walk(desk, Wanted(status="closed")) == [12, 9, 6, 3]
    assert walk(desk, Wanted(user_id=ada.user_id)) == [11, 9, 7, 5, 3, 1]
    assert walk(desk, Wanted(user_id=ada.user_id, status="closed")) == [9, 3]
    assert walk(desk, Wanted(status="pending")) == []
    assert walk(desk, Wanted(user_id="nobody")) == []


@pytest.mark.requirement("DESK-2")
@pytest.mark.parametrize(("since", "before"), [(1, 13), (4, 9), (1, 5), (12, 13), (5, 5)])
def test_times_bound_a_list_from_both_sides(desk: Runtime, since: int, before: int) -> None:
    created = {number: get_ticket(desk, number).created_at for number in range(1, COUNT + 1)}
    wanted = Wanted(since=created[since], before=created.get(before, "2199-01-01T00:00:00.000000Z"))
    assert walk(desk, wanted, 3) == list(range(before - 1, since - 1, -1))
    closed = [number for number in range(before - 1, since - 1, -1) if number % 3 == 0]
    assert walk(desk, replace(wanted, status="closed"), 3) == closed


@pytest.mark.requirement("DESK-2")
def test_one_number_is_found_if_it_fits(desk: Runtime) -> None:
    assert [ticket.number for ticket in find_ticket(desk, 3, Wanted(status="closed"))] == [3]
    assert find_ticket(desk, 4, Wanted(status="closed")) == []
    assert find_ticket(desk, 99, Wanted()) == []


@pytest.mark.requirement("DESK-2")
def test_a_page_costs_a_bounded_number_of_requests(world: World, desk: Runtime) -> None:
    for wanted, most in ((Wanted(), 1), (Wanted(status="new"), 1), (Wanted(before="2199-01-01T00:00:00Z"), 6)):
        world.meter.start()
        list_tickets(desk, wanted, limit=5)
        assert world.meter.count("table") <= most, (wanted, world.meter.calls)


@pytest.mark.requirement("DESK-2")
def test_a_filter_that_fits_little_ends_its_page_early_and_loses_nothing(
    desk: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 4)
    ada = people.find_by_address(desk, "ada@example.com")
    assert ada is not None
    assert list_tickets(desk, Wanted(user_id=ada.user_id, status="closed"), limit=5).next is not None
    assert walk(desk, Wanted(user_id=ada.user_id, status="closed")) == [9, 3]


def test_an_empty_desk_has_an_empty_list(world: World) -> None:
    assert list_tickets(world.rt, Wanted(before="2199-01-01T00:00:00Z")).tickets == []
    assert world.rt.tables[TABLE].find(PARTITION, ticket_key(1)) is None
