"""Believable tenants: the same number gives the same one, and a large one is served fast."""

from __future__ import annotations

import statistics
import time
from collections import Counter

import pytest

from dev.graph.clock import Clock
from dev.graph.directory.population import populate
from dev.graph.directory.state import Directory
from tests.graph_emulator.bench import TENANT, Bench

PAGE = {"Prefer": "odata.maxpagesize=999"}
PROPERTIES = (
    "displayName,givenName,surname,mail,userPrincipalName,accountEnabled,userType,jobTitle,department,companyName,"
    "employeeId,officeLocation,city,country,usageLocation,businessPhones,mobilePhone,assignedLicenses,manager"
)


def tenant(seed: int, users: int = 600, groups: int = 60) -> Directory:
    made = Directory(TENANT, Clock())
    populate(made, seed, users, groups)
    return made


@pytest.fixture(scope="module")
def made() -> Directory:
    return tenant(7)


def everything(made: Directory) -> list[object]:
    users = [(user.id, user.type_name, user.manager, _timeless(user.values)) for user in made.users.values()]
    return [
        users,
        [(group.values["displayName"], [m.id for m in made.members(group.id)]) for group in made.groups.values()],
    ]


def _timeless(values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name not in ("createdDateTime", "licenseAssignmentStates")}


def test_the_same_number_gives_the_same_tenant(made: Directory) -> None:
    assert everything(made) == everything(tenant(7))
    assert everything(made) != everything(tenant(8))


def test_all_kinds_of_accounts_are_there(made: Directory) -> None:
    users = list(made.users.values())
    assert (len(users), len(made.groups)) == (600, 60)
    kinds = Counter(str(user.values.get("userType")) for user in users)
    assert kinds["Guest"] > 10
    assert sum(user.type_name == "agentUser" for user in users) >= 1
    assert sum(bool(user.values.get("isResourceAccount")) for user in users) >= 3
    assert sum(not user.values["accountEnabled"] for user in users) > 30
    staff = [user for user in users if "employeeId" in user.values]
    assert 20 < sum(not user.values.get("assignedLicenses") for user in staff) < len(staff) / 4
    assert sum(bool(user.values.get("onPremisesSyncEnabled")) for user in staff) > len(staff) / 3
    assert max(Counter(user.values["displayName"] for user in users).values()) > 1, "somebody has a namesake"
    assert len({user.name.lower() for user in users}) == len(users), "and an address of his own"
    assert any(not str(user.values["displayName"]).isascii() for user in users)
    assert all(user.name.isascii() for user in users)


def test_everybody_who_works_here_has_a_manager_up_to_the_first(made: Directory) -> None:
    staff = [user for user in made.users.values() if "employeeId" in user.values]
    assert [user.values["jobTitle"] for user in staff if user.manager is None] == ["Chief Executive Officer"]
    depths = []
    for user in staff:
        depth, above = 0, made.manager_of(user)
        while above is not None:
            depth, above = depth + 1, made.manager_of(above)
            assert depth < 20
        depths.append(depth)
    assert 2 < max(depths) < 8


def test_groups_lie_in_groups_and_one_pair_in_a_circle(made: Directory) -> None:
    night, day = made.get("Night shift"), made.get("Day shift")
    assert {group.id for group in made.groups_of(night.id, deep=True)} == {night.id, day.id}
    everybody = made.all_members(made.get("All teams").id)
    assert sum(entry.kind.name == "group" for entry in everybody) > 10
    assert made.members(made.get("Empty").id) == []


@pytest.mark.parametrize(("users", "groups"), [(49, 60), (100_001, 60), (600, 39), (600, 501)])
def test_sizes_have_limits(users: int, groups: int) -> None:
    with pytest.raises(ValueError, match="50 to 100000 users"):
        tenant(1, users, groups)


@pytest.mark.minutes
def test_fifty_thousand_users_are_served_fast(bench: Bench) -> None:
    """Measured in time of the processor, so that others on the machine count little; about half of it is JSON."""
    bench.emulator.recording = False
    bench.grant("User.Read.All", "Group.Read.All")
    made = bench.emulator.populate(TENANT, 7, 50_000, 500)
    assert max(len(made.members(key)) for key in made.groups) == 25_000
    url, seen, seconds = f"users/delta?$select={PROPERTIES}", Counter[str](), []
    while True:
        started = time.thread_time()
        body = bench.json(url, PAGE)
        seconds.append(time.thread_time() - started)
        seen.update(item["id"] for item in body["value"])
        if "@odata.deltaLink" in body:
            break
        url = body["@odata.nextLink"]
    assert len(seen) == 50_001
    assert set(seen.values()) == {1}
    assert statistics.median(seconds) < 0.15
