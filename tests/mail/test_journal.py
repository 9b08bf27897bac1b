"""The journal: every mail, newest first, of one mailbox or of all of them as one list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import batched

import pytest

from shared.clock import to_text
from shared.errors import NotFound
from shared.mail import journal, ledger, mailboxes
from shared.mail.journal import Wanted, list_entries
from shared.mail.verdicts import Verdict
from shared.runtime import Runtime
from shared.storage.rows import Change
from tests.world import World

RECEIVED = datetime(2026, 11, 21, 10, tzinfo=UTC)
COUNT = 9


@pytest.fixture
def boxes(world: World) -> list[str]:
    """Two mailboxes whose mails came in turn, a second apart; every third one is in quarantine."""
    made = [
        mailboxes.create(world.rt, connection_id="c", address=f"{name}@contoso.com", values={}).mailbox_id
        for name in ("support", "sales")
    ]
    for place, box in enumerate(made):
        state = mailboxes.get_head(world.rt, box)[1]
        numbers = range(place, 2 * COUNT, 2)
        page = [ledger.new_entry(box, f"id{each}", RECEIVED + timedelta(seconds=each)) for each in numbers]
        for number, entry in zip(numbers, page, strict=True):
            entry.subject, entry.sender = f"Printer {number}", f"user{number % 4}@example.com"
        ledger.claim(world.rt, box, state, page)
        for number, entry in zip(numbers, page, strict=True):
            entry.conclude(Verdict.QUARANTINED if number % 3 == 0 else Verdict.TICKET)
        ledger.finish(world.rt, box, state, page)
    return made


def walk(rt: Runtime, wanted: Wanted, limit: int = 4) -> list[int]:
    found: list[int] = []
    past = ""
    while True:
        page = list_entries(rt, wanted, past=past, limit=limit)
        assert len(page.entries) <= limit
        found += [int(entry.message_id.removeprefix("id")) for _, entry in page.entries]
        if page.next is None:
            return found
        past = page.next


@pytest.mark.requirement("MAIL-11")
@pytest.mark.parametrize("limit", [1, 4, 18, 100])
def test_mails_of_all_mailboxes_are_one_list_in_the_order_of_time(world: World, boxes: list[str], limit: int) -> None:
    assert len(boxes) == 2
    assert walk(world.rt, Wanted(), limit) == list(range(2 * COUNT - 1, -1, -1))


@pytest.mark.requirement("MAIL-11")
def test_filters_are_met_together(world: World, boxes: list[str]) -> None:
    everything = range(2 * COUNT - 1, -1, -1)
    assert walk(world.rt, Wanted(mailbox_id=boxes[1])) == [n for n in everything if n % 2]
    assert walk(world.rt, Wanted(verdict="quarantined")) == [n for n in everything if n % 3 == 0]
    assert walk(world.rt, Wanted(sender="USER1@example.com")) == [n for n in everything if n % 4 == 1]
    assert walk(world.rt, Wanted(text="PRINTER 1")) == [17, 16, 15, 14, 13, 12, 11, 10, 1]
    assert walk(world.rt, Wanted(text="user3@", verdict="quarantined")) == [15, 3]
    assert walk(world.rt, Wanted(verdict="own")) == []


@pytest.mark.requirement("MAIL-11")
def test_times_bound_the_list_from_both_sides(world: World, boxes: list[str]) -> None:
    assert boxes
    since, before = (to_text(RECEIVED + timedelta(seconds=each)) for each in (4, 9))
    assert walk(world.rt, Wanted(since=since, before=before), 2) == [8, 7, 6, 5, 4]


@pytest.mark.requirement("MAIL-11")
def test_a_search_that_finds_little_ends_its_page_early_and_loses_nothing(
    world: World, boxes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST_LOOKED_AT", 5)
    page = list_entries(world.rt, Wanted(sender="user2@example.com", mailbox_id=boxes[0]), limit=50)
    assert page.next is not None
    assert walk(world.rt, Wanted(sender="user2@example.com")) == [14, 10, 6, 2]


def test_a_page_costs_one_request_a_mailbox_and_the_list_of_them(world: World, boxes: list[str]) -> None:
    world.meter.start()
    list_entries(world.rt, Wanted(), limit=4)
    assert world.meter.count("table") == 1 + len(boxes)


@pytest.mark.requirement("MAIL-11")
def test_a_search_that_finds_nothing_costs_few_requests_however_small_its_page(world: World, boxes: list[str]) -> None:
    box = boxes[0]
    older = [ledger.new_entry(box, f"old{each}", RECEIVED - timedelta(seconds=each)) for each in range(1, 601)]
    for page in batched(older, 100, strict=True):
        world.rt.tables[mailboxes.TABLE].transact([Change("insert", entry.row(box)) for entry in page])
    world.meter.start()
    assert walk(world.rt, Wanted(mailbox_id=box, sender="nobody@example.com"), limit=1) == []
    assert world.meter.count("table") <= 5, "the mailbox, and 200 rows a request"


def test_the_journal_of_a_mailbox_that_is_not_there_is_not_found(world: World) -> None:
    assert list_entries(world.rt, Wanted()).entries == []
    with pytest.raises(NotFound):
        list_entries(world.rt, Wanted(mailbox_id="nobody"))
