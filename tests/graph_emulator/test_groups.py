"""Groups: their members, groups in groups, and in which ones somebody is."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from tests.graph_emulator.bench import Bench

EVENTUAL = {"ConsistencyLevel": "eventual"}
READ = ("User.Read.All", "Group.Read.All")
ADA, BOB = "ada@contoso.com", "bob@contoso.com"
USER_TYPE, GROUP_TYPE = "#microsoft.graph.user", "#microsoft.graph.group"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.grant(*READ)
    for name in (ADA, BOB):
        bench.directory.add_user(name)
    return bench


def group_id(bench: Bench, name: str, *members: str) -> str:
    return bench.directory.add_group(name, members).id


def test_groups_are_listed_filtered_and_read(bench: Bench) -> None:
    key = group_id(bench, "Agents")
    bench.directory.add_group(
        "All hands", mail="all@contoso.com", mailEnabled=True, securityEnabled=False, groupTypes=["Unified"]
    )
    assert [row["displayName"] for row in bench.rows("groups")] == ["Agents", "All hands"]
    assert [row["id"] for row in bench.rows("groups?$filter=displayName eq 'agents'")] == [key]
    assert len(bench.rows("groups?$filter=startswith(displayName,'A')")) == 2
    found = bench.json(f"groups/{key}?$select=displayName,securityEnabled,mailEnabled,groupTypes,mail,description")
    assert (found["securityEnabled"], found["mailEnabled"], found["groupTypes"]) == (True, False, [])
    assert bench.refused("GET", "groups/00000000-0000-0000-0000-000000000000") == (404, "Request_ResourceNotFound")


def test_members_are_direct_typed_and_paged(bench: Bench) -> None:
    inner = group_id(bench, "Inner", BOB)
    outer = group_id(bench, "Outer", ADA, inner)
    rows = bench.rows(f"groups/{outer}/members?$select=id,displayName")
    assert [(row["@odata.type"], row["displayName"]) for row in rows] == [(USER_TYPE, "ada"), (GROUP_TYPE, "Inner")]
    first = bench.json(f"groups/{outer}/members?$top=1")
    assert len(first["value"]) == 1
    assert [row["id"] for row in bench.rows(first["@odata.nextLink"])] == [inner]
    users = bench.rows(f"groups/{outer}/members/microsoft.graph.user?$count=true", EVENTUAL)
    assert [row["userPrincipalName"] for row in users] == [ADA]


def test_members_of_members_even_in_a_circle(bench: Bench) -> None:
    inner = group_id(bench, "Inner", BOB)
    outer = group_id(bench, "Outer", ADA, inner)
    bench.directory.add_members(inner, outer)
    bench.directory.add_members(outer, outer)
    everybody = bench.rows(f"groups/{outer}/transitiveMembers?$select=id")
    assert {row["@odata.type"] for row in everybody} == {USER_TYPE, GROUP_TYPE}
    assert len(everybody) == 4
    path = f"groups/{outer}/transitiveMembers/microsoft.graph.user?$select=userPrincipalName"
    users = bench.rows(f"{path}&$count=true", EVENTUAL)
    assert [row["userPrincipalName"] for row in users] == [ADA, BOB]


@pytest.mark.parametrize("rest", ["members/microsoft.graph.user", "members?$filter=displayName eq 'ada'"])
def test_members_by_type_or_filter_are_advanced_queries(bench: Bench, rest: str) -> None:
    path = f"groups/{group_id(bench, 'Agents', ADA, BOB)}/{rest}"
    assert bench.refused("GET", path) == (400, "Request_UnsupportedQuery")
    assert bench.refused("GET", path, headers=EVENTUAL) == (400, "Request_UnsupportedQuery")
    found = bench.json(f"{path}{'&' if '?' in path else '?'}$count=true", EVENTUAL)
    assert found["@odata.count"] == len(found["value"]) >= 1


def test_in_which_groups_somebody_is(bench: Bench) -> None:
    inner = group_id(bench, "Inner", ADA)
    outer = group_id(bench, "Outer", inner)
    other = group_id(bench, "Other")
    assert [row["id"] for row in bench.rows(f"users/{ADA}/memberOf")] == [inner]
    assert {row["id"] for row in bench.rows(f"users/{ADA}/transitiveMemberOf")} == {inner, outer}
    answer = bench.call("POST", f"users/{ADA}/checkMemberGroups", {"groupIds": [other, outer]})
    assert answer.json()["value"] == [outer]
    many = {"groupIds": [other] * 21}
    assert bench.refused("POST", f"users/{ADA}/checkMemberGroups", many) == (400, "Request_BadRequest")


def test_objects_by_their_ids(bench: Bench) -> None:
    key, ada = group_id(bench, "Agents"), bench.directory.get(ADA).id
    unknown = "00000000-0000-0000-0000-000000000000"
    answer = bench.call("POST", "directoryObjects/getByIds", {"ids": [unknown, key, ada], "types": ["user", "group"]})
    assert {row["id"]: row["@odata.type"] for row in answer.json()["value"]} == {key: GROUP_TYPE, ada: USER_TYPE}
    users = bench.call("POST", "directoryObjects/getByIds?$select=id", {"ids": [key, ada], "types": ["user"]})
    assert [row["id"] for row in users.json()["value"]] == [ada]
    too_many = {"ids": [ada] * 1_001}
    assert bench.refused("POST", "directoryObjects/getByIds", too_many) == (400, "Request_BadRequest")


def test_who_may_not_read_users_sees_their_ids(bench: Bench) -> None:
    key = group_id(bench, "Agents", ADA)
    bench.grant("GroupMember.Read.All")
    rows = bench.rows(f"groups/{key}/members?$select=id,displayName,mail")
    assert rows == [{"@odata.type": USER_TYPE, "id": bench.directory.get(ADA).id, "displayName": None, "mail": None}]
    bench.grant("GroupMember.Read.All", "User.ReadBasic.All")
    rows = bench.rows(f"groups/{key}/members?$select=displayName,department")
    assert rows == [{"@odata.type": USER_TYPE, "displayName": "ada", "department": None}]


@pytest.mark.parametrize("path", ["groups", "groups/delta", "groups/{key}/members", "groups/{key}/transitiveMembers"])
def test_permissions(bench: Bench, path: str) -> None:
    path = path.replace("{key}", group_id(bench, "Agents"))
    bench.grant("User.Read.All")
    assert bench.refused("GET", path) == (403, "Authorization_RequestDenied")
    bench.grant("GroupMember.Read.All")
    assert bench.get(path).status_code == 200


def test_a_deleted_user_is_no_member_until_restored(bench: Bench) -> None:
    key = group_id(bench, "Agents", ADA, BOB)
    ada = bench.directory.delete(ADA).id
    assert [row["userPrincipalName"] for row in bench.rows(f"groups/{key}/members")] == [BOB]
    bench.directory.restore(ada)
    assert len(bench.rows(f"groups/{key}/members")) == 2


def test_only_groups_of_microsoft_365_go_into_the_bin(bench: Bench) -> None:
    bench.grant("Group.ReadWrite.All")
    team = bench.directory.add_group("Team", [ADA], groupTypes=["Unified"]).id
    plain = group_id(bench, "Plain", ADA)
    for key in (team, plain):
        assert bench.call("DELETE", f"groups/{key}").status_code == 204
    assert [row["id"] for row in bench.rows("directory/deletedItems/microsoft.graph.group")] == [team]
    assert bench.refused("GET", f"directory/deletedItems/{plain}") == (404, "Request_ResourceNotFound")
    assert bench.call("POST", f"directory/deletedItems/{team}/restore").status_code == 200
    assert len(bench.rows(f"groups/{team}/members")) == 1


def test_members_that_cannot_be_read(bench: Bench) -> None:
    key = group_id(bench, "Agents", ADA)
    path = f"groups/{key}/members"
    bench.emulator.faults.add(Fault(kind="no_rows", path=f"{key}/members", times=1))
    assert bench.rows(path) == []
    bench.emulator.faults.add(
        Fault(kind="refuse", path=f"{key}/members", times=1, status=403, error="Authorization_RequestDenied")
    )
    assert bench.refused("GET", path) == (403, "Authorization_RequestDenied")
    assert len(bench.rows(path)) == 1
