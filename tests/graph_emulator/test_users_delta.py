"""Delta rounds over users: what wakes somebody, what is shown, how tokens end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.graph import Fault
from tests.graph_emulator.bench import CLIENT, OTHER_TENANT, SECRET, Bench

DELTA = "users/delta?$select=displayName,jobTitle,department"
THREE = {"Prefer": "odata.maxpagesize=3"}
MINIMAL = {"Prefer": "return=minimal"}
ADA, BOB = "ada@contoso.com", "bob@contoso.com"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """Ada, who has a title, and Bob, who has none; nobody else."""
    bench.directory.delete(bench.user.id)
    bench.directory.purge(bench.user.id)
    bench.directory.add_user(ADA, displayName="Ada", jobTitle="Countess")
    bench.directory.add_user(BOB, displayName="Bob")
    return bench


def named(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in items}


def id_of(bench: Bench, key: str) -> str:
    return bench.directory.get(key).id


def test_a_first_round_has_everybody_and_leaves_out_what_was_never_set(bench: Bench) -> None:
    items, link, pages = bench.round(DELTA)
    assert pages == 1
    assert named(items) == {
        id_of(bench, ADA): {"id": id_of(bench, ADA), "displayName": "Ada", "jobTitle": "Countess"},
        id_of(bench, BOB): {"id": id_of(bench, BOB), "displayName": "Bob"},
    }
    assert bench.round(link)[0] == []


def test_pages_and_the_empty_one_at_the_end(bench: Bench) -> None:
    for number in range(4):
        bench.directory.add_user(f"u{number}@contoso.com")
    items, _, pages = bench.round(DELTA, THREE)
    assert (len(items), len(named(items)), pages) == (6, 6, 3)
    answer = bench.get(DELTA, THREE)
    assert answer.headers["Preference-Applied"] == "odata.maxpagesize=3"
    huge = bench.get(DELTA, {"Prefer": "odata.maxpagesize=5000"})
    assert huge.headers["Preference-Applied"] == "odata.maxpagesize=999"


def test_links_are_opaque_and_carry_the_query(bench: Bench) -> None:
    first = bench.json(DELTA, {"Prefer": "odata.maxpagesize=1"})
    options = parse_qs(urlsplit(first["@odata.nextLink"]).query)
    assert set(options) == {"$skiptoken"}
    _, link, _ = bench.round(first["@odata.nextLink"])
    assert set(parse_qs(urlsplit(link).query)) == {"$deltatoken"}
    bench.directory.change(ADA, jobTitle="Baroness", faxNumber="1")
    assert bench.round(link)[0] == [{"id": id_of(bench, ADA), "displayName": "Ada", "jobTitle": "Baroness"}]
    for url in (first["@odata.nextLink"], link):
        assert bench.get(f"{url}&$select=displayName").status_code == 400


def test_only_what_was_selected_wakes_somebody(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    bench.directory.change(ADA, city="London", usageLocation="GB")
    bench.directory.set_manager(ADA, BOB)
    bench.directory.change(BOB, displayName="Bob")
    items, link, _ = bench.round(link)
    assert items == []
    bench.directory.change(BOB, jobTitle="Builder")
    assert [item["id"] for item in bench.round(link)[0]] == [id_of(bench, BOB)]


def test_license_states_may_be_selected_but_wake_nobody(bench: Bench) -> None:
    _, link, _ = bench.round("users/delta?$select=licenseAssignmentStates,mailboxSettings,displayName")
    bench.directory.change(ADA, licenseAssignmentStates=[{"state": "Active"}])
    items, link, _ = bench.round(link)
    assert items == []
    bench.directory.change(ADA, displayName="Lady Ada")
    assert bench.round(link)[0][0]["licenseAssignmentStates"] == [{"state": "Active"}]


def test_what_is_taken_away_is_null_and_the_minimal_answer_has_only_that(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    bench.directory.change(ADA, jobTitle=None)
    whole = bench.round(link)[0]
    assert whole == [{"id": id_of(bench, ADA), "displayName": "Ada", "jobTitle": None}]
    answer = bench.get(link, MINIMAL)
    assert answer.json()["value"] == [{"id": id_of(bench, ADA), "jobTitle": None}]
    assert answer.headers["Preference-Applied"] == "return=minimal"


def test_many_changes_of_one_are_one_item(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    for title in ("A", "B", "C"):
        bench.directory.change(ADA, jobTitle=title)
    bench.directory.change(ADA, department="D")
    assert bench.json(link, MINIMAL)["value"] == [{"id": id_of(bench, ADA), "jobTitle": "C", "department": "D"}]


def test_deleted_restored_purged(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    ada = bench.directory.delete(ADA).id
    items, link, _ = bench.round(link)
    assert items == [{"id": ada, "@removed": {"reason": "changed"}}]
    bench.directory.restore(ada)
    assert bench.json(link, MINIMAL)["value"] == [{"id": ada, "displayName": "Ada", "jobTitle": "Countess"}]
    _, link, _ = bench.round(link)
    bench.directory.delete(ada)
    bench.directory.purge(ada)
    items, link, _ = bench.round(link)
    assert items == [{"id": ada, "@removed": {"reason": "deleted"}}]
    assert bench.round(link)[0] == []


def test_thirty_days_in_the_bin_end_in_a_removal_for_good(bench: Bench) -> None:
    ada = bench.directory.delete(ADA).id
    bench.emulator.clock.advance(29 * 86_400)
    _, link, _ = bench.round(DELTA)
    bench.emulator.clock.advance(2 * 86_400)
    assert bench.round(link)[0] == [{"id": ada, "@removed": {"reason": "deleted"}}]


def test_a_first_round_may_have_removed_ones(bench: Bench) -> None:
    ada = bench.directory.delete(ADA).id
    assert {"id": ada, "@removed": {"reason": "changed"}} in bench.round(DELTA)[0]


def test_who_leaves_during_a_round_shows_as_removed_and_once_more_in_the_next(bench: Bench) -> None:
    first = bench.json(DELTA, {"Prefer": "odata.maxpagesize=1"})
    bob = bench.directory.delete(BOB).id
    items, link, _ = bench.round(first["@odata.nextLink"])
    assert items == [{"id": bob, "@removed": {"reason": "changed"}}]
    assert bench.round(link)[0] == items


def test_the_manager_is_an_annotation(bench: Bench) -> None:
    bench.directory.set_manager(ADA, BOB)
    ada, bob = id_of(bench, ADA), id_of(bench, BOB)
    items, link, _ = bench.round("users/delta?$select=displayName,manager")
    link_to_bob = {"@odata.type": "#microsoft.graph.user", "id": bob}
    assert named(items)[ada]["manager@delta"] == [link_to_bob]
    assert "manager@delta" not in named(items)[bob]
    bench.directory.set_manager(ADA, ADA)
    items, link, _ = bench.round(link, MINIMAL)
    assert len(items) == 1
    assert set(items[0]) == {"id", "manager@delta"}
    assert {(one["id"], "@removed" in one) for one in items[0]["manager@delta"]} == {(bob, True), (ada, False)}
    bench.directory.set_manager(ADA, None)
    assert bench.round(link)[0][0]["manager@delta"] == [
        {"@odata.type": "#microsoft.graph.user", "id": ada, "@removed": {"reason": "deleted"}}
    ]


def test_a_deleted_manager_is_nobodys_and_nobody_says_so(bench: Bench) -> None:
    bench.directory.set_manager(ADA, BOB)
    _, link, _ = bench.round("users/delta?$select=manager")
    bob = bench.directory.delete(BOB).id
    assert bench.round(link)[0] == [{"id": bob, "@removed": {"reason": "changed"}}]
    assert {"id": id_of(bench, ADA)} in bench.round("users/delta?$select=manager")[0]


def test_an_agent_tells_its_type(bench: Bench) -> None:
    bench.directory.add_user("bot@contoso.com", type_name="agentUser")
    types = [item.get("@odata.type") for item in bench.round(DELTA)[0]]
    assert sorted(map(str, types)) == ["#microsoft.graph.agentUser", "None", "None"]


def test_some_can_be_tracked_by_their_ids(bench: Bench) -> None:
    ada, bob = id_of(bench, ADA), id_of(bench, BOB)
    items, link, _ = bench.round(f"{DELTA}&$filter=id eq '{ada}'")
    assert [item["id"] for item in items] == [ada]
    bench.directory.change(BOB, jobTitle="Builder")
    assert bench.round(link)[0] == []
    assert len(bench.round(f"{DELTA}&$filter=id eq '{ada}' or id eq '{bob}'")[0]) == 2


@pytest.mark.parametrize(
    "options",
    [
        "$expand=manager",
        "$top=5",
        "$orderby=displayName",
        "$count=true",
        "$search=x",
        "$filter=displayName eq 'Ada'",
        "$filter=startswith(id,'a')",
        "$filter=" + " or ".join(["id eq '00000000-0000-0000-0000-000000000000'"] * 51),
        "$select=shoeSize",
        "$select=signInActivity",
        "$deltatoken=nonsense",
        "$skiptoken=bm9uc2Vuc2U",
    ],
)
def test_what_is_refused(bench: Bench, options: str) -> None:
    assert bench.get(f"users/delta?{options}").status_code in (400, 501)


def test_sign_ins_are_refused_by_name(bench: Bench) -> None:
    answer = bench.get("users/delta?$select=id,signInActivity")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith("signInActivity")


def test_from_now_on(bench: Bench) -> None:
    items, link, _ = bench.round(f"{DELTA}&$deltatoken=latest")
    assert items == []
    bench.directory.change(BOB, jobTitle="Builder", city="Rome")
    assert bench.round(link)[0] == [{"id": id_of(bench, BOB), "displayName": "Bob", "jobTitle": "Builder"}]


def test_a_token_lives_seven_days(bench: Bench) -> None:
    first = bench.json(DELTA, {"Prefer": "odata.maxpagesize=1"})
    _, link, _ = bench.round(DELTA)
    bench.emulator.clock.advance(7 * 86_400 - 60)
    bench.round(link)
    bench.emulator.clock.advance(60)
    for url in (link, first["@odata.nextLink"]):
        answer = bench.get(url)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "syncStateNotFound")
        items, _, _ = bench.round(answer.headers["Location"])
        assert {"id": id_of(bench, BOB), "displayName": "Bob"} in items, "the same properties as before"


def test_a_token_expires_in_the_middle_of_a_round(bench: Bench) -> None:
    first = bench.json(DELTA, {"Prefer": "odata.maxpagesize=1"})
    fault = bench.emulator.faults.add(Fault(kind="expire_delta", path="skiptoken", times=1))
    assert bench.get(first["@odata.nextLink"]).status_code == 410
    assert fault.struck == 1
    assert bench.get(first["@odata.nextLink"]).status_code == 200
    bench.emulator.expire_delta()
    assert bench.get(first["@odata.nextLink"]).status_code == 410


def test_a_token_is_of_its_tenant_and_its_kind(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    bench.grant("User.Read.All", "Group.Read.All")
    assert bench.get(link.replace("/users/", "/groups/")).status_code == 400
    bench.emulator.add_app(OTHER_TENANT, CLIENT, SECRET)
    bench.token = bench.sign_in(tenant=OTHER_TENANT)["access_token"]
    assert bench.get(link).status_code == 400


def test_the_basic_permission_leaves_the_rest_out(bench: Bench) -> None:
    _, link, _ = bench.round(DELTA)
    bench.grant("User.ReadBasic.All")
    bench.directory.change(ADA, jobTitle="Baroness")
    assert bench.round(link)[0] == [{"id": id_of(bench, ADA), "displayName": "Ada"}]
    assert {frozenset(item) for item in bench.round(DELTA)[0]} == {frozenset({"id", "displayName"})}


def test_rounds_that_have_nothing_or_lack_a_page(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="no_rows", times=1))
    items, link, pages = bench.round(DELTA)
    assert (items, pages) == ([], 1)
    assert bench.round(link)[0] == [], "who was left out does not come later"
    one = {"Prefer": "odata.maxpagesize=1"}
    bench.emulator.faults.add(Fault(kind="lost_page", skip=1, times=1))
    assert len(bench.round(DELTA, one)[0]) == 1


def test_a_page_that_is_refused_can_be_asked_for_again(bench: Bench) -> None:
    first = bench.json(DELTA, {"Prefer": "odata.maxpagesize=1"})
    for status, error in (
        (404, "Request_ResourceNotFound"),
        (403, "Authorization_RequestDenied"),
        (503, "UnknownError"),
    ):
        bench.emulator.faults.add(Fault(kind="refuse", path="skiptoken", times=1, status=status, error=error))
        assert bench.refused("GET", first["@odata.nextLink"]) == (status, error)
    assert len(bench.json(first["@odata.nextLink"])["value"]) == 1


def test_an_endless_round(bench: Bench) -> None:
    fault = bench.emulator.faults.add(Fault(kind="endless_delta"))
    url, seen, links = DELTA, set(), set()
    for _ in range(20):
        body = bench.json(url)
        seen.add(tuple(item["id"] for item in body["value"]))
        url = body["@odata.nextLink"]
        links.add(url)
    assert (len(seen), len(links), fault.struck) == (1, 20, 20)


def test_an_empty_page_and_one_that_comes_again(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="empty_delta_page", times=1))
    bench.emulator.faults.add(Fault(kind="replay_delta", times=1))
    items, _, pages = bench.round(DELTA, {"Prefer": "odata.maxpagesize=1"})
    assert (len(items), len(named(items)), pages) == (3, 2, 4)


def test_the_rest_comes_in_the_next_round(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="partial_delta", times=1))
    items, link, pages = bench.round(DELTA, {"Prefer": "odata.maxpagesize=1"})
    assert (len(items), pages) == (1, 1)
    assert set(named(items)) | set(named(bench.round(link)[0])) == {id_of(bench, ADA), id_of(bench, BOB)}
