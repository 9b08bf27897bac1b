from __future__ import annotations

import pytest

from dev.graph import Fault
from tests.graph_emulator.bench import HELP, IMMUTABLE, Bench

DELTA = f"users/{HELP}/mailFolders/inbox/messages/delta"
TEN = {"Prefer": 'IdType="ImmutableId", odata.maxpagesize=10'}
REMOVED = {"reason": "deleted"}


def test_a_first_round_has_everything_once(bench: Bench) -> None:
    keys = bench.deliver(25)
    items, link, pages = bench.round(f"{DELTA}?$select=subject", TEN)
    assert sorted(item["id"] for item in items) == sorted(keys)
    assert pages == 3
    assert set(items[0]) == {"@odata.type", "@odata.etag", "id", "subject"}
    assert bench.round(link, TEN)[0] == []


def test_items_of_a_page_come_in_no_order_unless_one_is_asked_for(bench: Bench) -> None:
    keys = bench.deliver(20)
    shuffled = [item["id"] for item in bench.round(DELTA, TEN)[0]]
    ordered = [item["id"] for item in bench.round(f"{DELTA}?$orderby=receivedDateTime desc", TEN)[0]]
    assert shuffled not in (keys, keys[::-1])
    assert ordered == keys[::-1]


def test_the_order_that_is_asked_for_holds_in_later_rounds_too(bench: Bench) -> None:
    keys = bench.deliver(6)
    _, link, _ = bench.round(f"{DELTA}?$orderby=receivedDateTime desc", IMMUTABLE)
    for number in (2, 5, 0, 2):
        bench.emulator.mark_read(HELP, keys[number], read=not bench.emulator.message(HELP, keys[number]).is_read)
    assert [item["id"] for item in bench.round(link, IMMUTABLE)[0]] == [keys[5], keys[2], keys[0]]


def test_a_full_last_page_is_followed_by_an_empty_one(bench: Bench) -> None:
    bench.deliver(10)
    first = bench.json(DELTA, TEN)
    assert len(first["value"]) == 10
    last = bench.json(first["@odata.nextLink"], TEN)
    assert last["value"] == []
    assert "@odata.deltaLink" in last


def test_page_sizes(bench: Bench) -> None:
    bench.deliver(30)
    assert len(bench.json(DELTA)["value"]) == 10
    answer = bench.get(DELTA, {"Prefer": "odata.maxpagesize=20"})
    assert len(answer.json()["value"]) == 20
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=20"
    assert len(bench.json(f"{DELTA}?$top=15")["value"]) == 15
    assert bench.get(DELTA, {"Prefer": "odata.maxpagesize=5000"}).headers["Preference-Applied"].endswith("=512")


def test_the_next_round_has_what_changed(bench: Bench) -> None:
    keys = bench.deliver(5)
    _, link, _ = bench.round(f"{DELTA}?$select=isRead", IMMUTABLE)
    bench.emulator.mark_read(HELP, keys[0])
    bench.emulator.move(HELP, keys[1], "Processed")
    bench.emulator.delete(HELP, keys[2])
    new = bench.emulator.deliver(HELP, b"Subject: new\r\n\r\n")
    items, link, _ = bench.round(link, IMMUTABLE)
    found = {item["id"]: item for item in items}
    assert set(found) == {keys[0], keys[1], keys[2], new}
    assert found[keys[0]]["isRead"] is True
    assert found[keys[1]]["@removed"] == found[keys[2]]["@removed"] == REMOVED
    assert set(found[new]) == {"@odata.type", "@odata.etag", "id", "isRead"}
    assert bench.round(link, IMMUTABLE)[0] == []


def test_out_and_back_again(bench: Bench) -> None:
    key = bench.deliver()[0]
    rest = bench.rows(f"users/{HELP}/messages")[0]["id"]
    _, link, _ = bench.round(DELTA, IMMUTABLE)
    bench.emulator.move(HELP, key, "archive")
    bench.emulator.move(HELP, key, "inbox")
    immutable = bench.round(link, IMMUTABLE)[0]
    assert [("@removed" in item, item["id"]) for item in immutable] == [(False, key)]
    moved = bench.rows(f"users/{HELP}/messages")[0]["id"]
    by_rest = {item["id"]: "@removed" in item for item in bench.round(link)[0]}
    assert by_rest == {rest: True, moved: False}


def test_what_leaves_during_a_round_shows_as_removed_and_once_more_in_the_next(bench: Bench) -> None:
    keys = bench.deliver(15)
    first = bench.json(DELTA, TEN)
    for key in keys:
        bench.emulator.move(HELP, key, "archive")
    second = bench.json(first["@odata.nextLink"], TEN)
    assert len(second["value"]) == 5
    assert all(item["@removed"] == REMOVED for item in second["value"])
    again = bench.round(second["@odata.deltaLink"], TEN)[0]
    assert {item["id"] for item in again} == set(keys)


def test_a_page_can_be_asked_for_again(bench: Bench) -> None:
    bench.deliver(25)
    link = bench.json(DELTA, TEN)["@odata.nextLink"]
    assert bench.json(link, TEN) == bench.json(link, TEN)


def test_the_filter_by_time_goes_on_in_later_rounds(bench: Bench) -> None:
    old = bench.deliver(3)
    bench.emulator.clock.advance(3600)
    since = bench.emulator.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    new = bench.deliver(2)
    items, link, _ = bench.round(f"{DELTA}?$filter=receivedDateTime ge {since}", IMMUTABLE)
    assert sorted(item["id"] for item in items) == sorted(new)
    bench.emulator.mark_read(HELP, old[0])
    bench.emulator.mark_read(HELP, new[0])
    assert [item["id"] for item in bench.round(link, IMMUTABLE)[0]] == [new[0]]


def test_a_filter_gives_at_most_five_thousand(bench: Bench) -> None:
    for _ in range(5_010):
        bench.emulator.deliver(HELP, b"Message-ID: <x@y>\r\n\r\n")
    many = {"Prefer": "odata.maxpagesize=512"}
    assert len(bench.round(f"{DELTA}?$select=id&$filter=receivedDateTime ge 2000-01-01T00:00:00Z", many)[0]) == 5_000
    assert len(bench.round(f"{DELTA}?$select=id", many)[0]) == 5_010


def test_the_kind_of_change_can_be_chosen(bench: Bench) -> None:
    keys = bench.deliver(2)
    _, link, _ = bench.round(f"{DELTA}?changeType=created", IMMUTABLE)
    bench.emulator.mark_read(HELP, keys[0])
    new = bench.emulator.deliver(HELP, b"\r\n")
    assert [item["id"] for item in bench.round(link, IMMUTABLE)[0]] == [new]


@pytest.mark.parametrize(
    "options",
    [
        "$search=x",
        "$skip=1",
        "$count=true",
        "$orderby=subject",
        "$orderby=receivedDateTime asc",
        "$filter=isRead eq false",
        "$filter=receivedDateTime le 2026-01-01T00:00:00Z",
        "$filter=receivedDateTime ge 2026-01-01T00:00:00Z and receivedDateTime gt 2026-01-01T00:00:00Z",
        "$filter=receivedDateTime ge 2026-01-01",
        "$deltatoken=latest",
        "$deltatoken=nonsense",
        "$skiptoken=bm9uc2Vuc2U",
        "changeType=moved",
        "$select=colour",
    ],
)
def test_other_options_are_refused(bench: Bench, options: str) -> None:
    assert bench.get(f"{DELTA}?{options}").status_code in (400, 501)


def test_links_are_not_to_be_added_to_or_carried_elsewhere(bench: Bench) -> None:
    bench.deliver(15)
    first = bench.json(DELTA, TEN)
    _, link, _ = bench.round(DELTA, TEN)
    for url in (first["@odata.nextLink"], link):
        assert bench.get(f"{url}&$select=subject").status_code == 400
        assert bench.get(url.replace("/inbox/", "/archive/")).status_code == 400


def test_an_expired_token_is_answered_with_410_and_where_to_begin_again(bench: Bench) -> None:
    bench.deliver(15)
    first = bench.json(DELTA, TEN)
    _, link, _ = bench.round(DELTA, TEN)
    bench.emulator.expire_delta(HELP)
    for url in (first["@odata.nextLink"], link):
        answer = bench.get(url, TEN)
        assert answer.status_code == 410
        assert answer.json()["error"]["code"] == "syncStateNotFound"
        assert len(bench.round(answer.headers["Location"], TEN)[0]) == 15


def test_a_token_expires_in_the_middle_of_a_round(bench: Bench) -> None:
    bench.deliver(35)
    bench.emulator.faults.add(Fault(kind="expire_delta", path="skiptoken", skip=1, times=1))
    second = bench.json(bench.json(DELTA, TEN)["@odata.nextLink"], TEN)
    assert bench.get(second["@odata.nextLink"], TEN).status_code == 410
    assert bench.get(second["@odata.nextLink"], TEN).status_code == 200


def test_an_endless_round_has_a_new_link_and_the_same_page_each_time(bench: Bench) -> None:
    bench.deliver(3)
    fault = bench.emulator.faults.add(Fault(kind="endless_delta"))
    url, seen, links = DELTA, set(), set()
    for _ in range(20):
        body = bench.json(url, IMMUTABLE)
        seen.add(tuple(item["id"] for item in body["value"]))
        url = body["@odata.nextLink"]
        links.add(url)
    assert (len(seen), len(links), fault.struck) == (1, 20, 20)


def test_an_empty_page_in_between(bench: Bench) -> None:
    keys = bench.deliver(15)
    bench.emulator.faults.add(Fault(kind="empty_delta_page", times=2))
    items, _, pages = bench.round(DELTA, TEN)
    assert sorted(item["id"] for item in items) == sorted(keys)
    assert pages == 4


def test_a_partial_round_brings_the_rest_in_the_next(bench: Bench) -> None:
    keys = bench.deliver(25)
    bench.emulator.faults.add(Fault(kind="partial_delta", times=1))
    first, link, pages = bench.round(DELTA, TEN)
    assert (len(first), pages) == (10, 1)
    second = bench.round(link, TEN)[0]
    assert sorted(item["id"] for item in first + second) == sorted(keys)


def test_both_ways_to_write_the_path(bench: Bench) -> None:
    bench.deliver(2)
    folder = bench.json(f"users/{HELP}/mailFolders/inbox")["id"]
    for path in ("mailFolders('inbox')/messages/delta()", f"mailFolders/{folder}/messages/microsoft.graph.delta()"):
        assert len(bench.rows(f"users/{bench.user.id}/{path}")) == 2
