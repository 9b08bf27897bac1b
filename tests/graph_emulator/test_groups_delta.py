"""Delta rounds over groups: members that come and go, and groups that are too large for a page."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dev.graph.directory.delta_lines import MEMBERS_A_PAGE
from tests.graph_emulator.bench import Bench

DELTA = "groups/delta?$select=displayName,members"
REMOVED = {"reason": "deleted"}
ADA, BOB = "ada@contoso.com", "bob@contoso.com"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.grant("GroupMember.Read.All")
    for name in (ADA, BOB):
        bench.directory.add_user(name)
    return bench


def members(item: dict[str, Any]) -> dict[str, bool]:
    """Who is named, and whether as a member."""
    return {one["id"]: "@removed" not in one for one in item.get("members@delta", [])}


def id_of(bench: Bench, key: str) -> str:
    return bench.directory.get(key).id


def test_members_come_as_ids_with_their_types(bench: Bench) -> None:
    inner = bench.directory.add_group("Inner").id
    outer = bench.directory.add_group("Outer", [ADA, inner]).id
    items, _, _ = bench.round(DELTA)
    found = {item["id"]: item for item in items}
    assert found[inner] == {"id": inner, "displayName": "Inner"}
    assert sorted(found[outer]["members@delta"], key=str) == [
        {"@odata.type": "#microsoft.graph.group", "id": inner},
        {"@odata.type": "#microsoft.graph.user", "id": id_of(bench, ADA)},
    ]


def test_without_a_selection_members_come_and_with_another_they_do_not(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA])
    assert "members@delta" in bench.round("groups/delta")[0][0]
    _, link, _ = bench.round("groups/delta?$select=displayName")
    bench.directory.add_members("Agents", BOB)
    assert bench.round(link)[0] == []
    bench.directory.change("Agents", displayName="Experts")
    assert bench.round(link)[0] == [{"id": id_of(bench, "Experts"), "displayName": "Experts"}]


def test_who_came_and_who_went(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA])
    _, link, _ = bench.round(DELTA)
    bench.directory.remove_members("Agents", ADA)
    bench.directory.add_members("Agents", BOB)
    items, link, _ = bench.round(link)
    assert [members(item) for item in items] == [{id_of(bench, ADA): False, id_of(bench, BOB): True}]
    removed = next(one for one in items[0]["members@delta"] if "@removed" in one)
    assert removed == {"@odata.type": "#microsoft.graph.user", "id": id_of(bench, ADA), "@removed": REMOVED}
    bench.directory.remove_members("Agents", BOB)
    bench.directory.add_members("Agents", BOB)
    assert [members(item) for item in bench.round(link)[0]] == [{id_of(bench, BOB): True}], "the last one counts"


def test_a_first_round_names_who_was_taken_out_before(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA, BOB])
    bench.directory.remove_members("Agents", BOB)
    assert members(bench.round(DELTA)[0][0]) == {id_of(bench, ADA): True, id_of(bench, BOB): False}


def test_nobody_says_that_a_member_was_deleted(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA, BOB])
    _, link, _ = bench.round(DELTA)
    ada = bench.directory.delete(ADA).id
    assert bench.round(link)[0] == []
    assert members(bench.round(DELTA)[0][0]) == {id_of(bench, BOB): True}
    bench.directory.purge(ada)
    assert bench.round(link)[0] == []


def test_who_came_and_was_deleted_at_once_is_not_named(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA])
    _, link, _ = bench.round(DELTA)
    bench.directory.add_members("Agents", BOB)
    bench.directory.delete(BOB)
    assert [members(item) for item in bench.round(link)[0]] == [{}]


def test_groups_are_removed_in_their_ways_and_come_back_with_all_members(bench: Bench) -> None:
    team = bench.directory.add_group("Team", [ADA, BOB], groupTypes=["Unified"]).id
    plain = bench.directory.add_group("Plain").id
    _, link, _ = bench.round(DELTA)
    bench.directory.delete(team)
    bench.directory.delete(plain)
    items, link, _ = bench.round(link)
    assert {item["id"]: item["@removed"]["reason"] for item in items} == {team: "changed", plain: "deleted"}
    bench.directory.restore(team)
    assert members(bench.round(link)[0][0]) == {id_of(bench, ADA): True, id_of(bench, BOB): True}


def test_a_large_group_comes_in_pieces_with_others_in_between(bench: Bench) -> None:
    ids = [bench.directory.add_user(f"u{number}@contoso.com").id for number in range(5 * MEMBERS_A_PAGE + 1)]
    large = bench.directory.add_group("Large", ids).id
    for number in range(40):
        bench.directory.add_group(f"Small {number}", [ADA])
    url, pages = DELTA, []
    while True:
        body = bench.json(url, {"Prefer": "odata.maxpagesize=20"})
        pages.append(body["value"])
        if "@odata.deltaLink" in body:
            break
        url = body["@odata.nextLink"]
    assert max(Counter(item["id"] for item in page).most_common(1)[0][1] for page in pages if page) == 1
    with_large = [number for number, page in enumerate(pages) for item in page if item["id"] == large]
    between = [item["id"] for page in pages[with_large[0] : with_large[-1]] for item in page if item["id"] != large]
    assert len(with_large) == 6
    assert between, "other groups follow before it is complete"
    found = [item for page in pages for item in page]
    assert {item["displayName"] for item in found if item["id"] == large} == {"Large"}
    named = Counter(key for item in found if item["id"] == large for key in members(item))
    assert named == Counter(ids)
    assert len({item["id"] for item in found}) == 41


def test_who_is_taken_out_between_two_pages_is_told_in_the_next_round(bench: Bench) -> None:
    ids = [bench.directory.add_user(f"u{number}@contoso.com").id for number in range(MEMBERS_A_PAGE + 1)]
    bench.directory.add_group("Large", ids)
    first = bench.json(DELTA)
    bench.directory.remove_members("Large", *ids[:3])
    items, link, _ = bench.round(first["@odata.nextLink"])
    told = {key for item in first["value"] + items for key, is_one in members(item).items() if is_one}
    assert told == set(ids)
    assert members(bench.round(link)[0][0]) == dict.fromkeys(ids[:3], False)


def test_changes_of_many_members_come_in_pieces_too(bench: Bench) -> None:
    ids = [bench.directory.add_user(f"u{number}@contoso.com").id for number in range(2 * MEMBERS_A_PAGE)]
    bench.directory.add_group("Large")
    _, link, _ = bench.round(DELTA)
    bench.directory.add_members("Large", *ids)
    items, _, pages = bench.round(link)
    assert pages == 2
    assert {key for item in items for key in members(item)} == set(ids)


def test_the_minimal_answer_has_only_the_members_that_changed(bench: Bench) -> None:
    bench.directory.add_group("Agents", [ADA])
    _, link, _ = bench.round(DELTA)
    bench.directory.add_members("Agents", BOB)
    items, _, _ = bench.round(link, {"Prefer": "return=minimal"})
    assert [set(item) for item in items] == [{"id", "members@delta"}]
    assert members(items[0]) == {id_of(bench, BOB): True}
