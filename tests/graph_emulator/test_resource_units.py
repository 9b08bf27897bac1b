"""The limits of the directory, on a clock that stands still unless it is pushed."""

from __future__ import annotations

import pytest

from dev.graph.clock import Clock
from dev.graph.resource_units import ResourceUnits, Spender, cost_of
from dev.graph.wire import GraphError, Request
from tests.graph_emulator.bench import CLIENT, TENANT, Bench

ADA = "ada@contoso.com"


@pytest.mark.parametrize(
    ("path", "base", "cost"),
    [
        ("users", 2, 2),
        ("users?$select=id", 2, 1),
        ("users?$select=id&$expand=manager", 2, 2),
        ("users?$top=19", 2, 1),
        ("users?$top=20", 2, 2),
        ("users/delta?$select=id", 1, 1),
        ("groups/x/members", 3, 3),
        ("groups/x/transitiveMembers?$select=id&$top=5", 5, 3),
        ("directoryObjects/getByIds", 5, 5),
        ("directoryObjects/getByIds?$select=id", 5, 2),
    ],
)
def test_what_a_request_costs(path: str, base: int, cost: int) -> None:
    assert cost_of(Request("GET", f"https://graph.microsoft.com/v1.0/{path}"), base) == cost


@pytest.mark.parametrize(("users", "units"), [(49, 3_500), (50, 5_000), (500, 5_000), (501, 8_000)])
def test_large_tenants_may_spend_more(users: int, units: int) -> None:
    assert Spender(CLIENT, TENANT, users).units == units


def test_every_answer_says_what_it_cost(bench: Bench) -> None:
    assert bench.get("users").headers["x-ms-resource-unit"] == "2"
    assert "x-ms-throttle-limit-percentage" not in bench.get("users").headers
    assert "x-ms-resource-unit" not in bench.get("users/help@contoso.com/messages").headers
    assert bench.emulator.units.spent[CLIENT] == 4


def test_over_the_limit_it_says_how_long_to_wait(bench: Bench) -> None:
    units = bench.emulator.units
    units.spend(Spender(CLIENT, TENANT, 1), 3_498 - 698)
    answer = bench.get("users")
    assert answer.headers["x-ms-throttle-limit-percentage"] == "0.80"
    units.spend(Spender(CLIENT, TENANT, 1), 698)
    answer = bench.get("users")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TooManyRequests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.headers["x-ms-throttle-scope"] == f"Tenant_Application/ReadWrite/{CLIENT}/{TENANT}"
    assert answer.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert units.highest_share[CLIENT] > 0.99
    bench.emulator.clock.advance(10)
    assert bench.get("users").status_code == 200


def test_who_does_not_wait_waits_longer() -> None:
    clock, who = Clock(), Spender(CLIENT, TENANT, 1)
    units = ResourceUnits(clock)
    units.spend(who, 3_500)
    for _ in range(3):
        clock.advance(6)
        with pytest.raises(GraphError):
            units.spend(who, 3_000)
    clock.advance(10)
    units.spend(who, 3_000)


def test_writes_have_a_quota_of_their_own(bench: Bench) -> None:
    bench.directory.add_user(ADA)
    bench.grant("User.ReadWrite.All")
    units = bench.emulator.units
    for _ in range(3_000):
        units.spend(Spender(CLIENT, TENANT, 1), 1, write=True)
    assert bench.get("users").headers["x-ms-throttle-limit-percentage"] == "0.86"
    answer = bench.call("PATCH", f"users/{ADA}", {"jobTitle": "Countess"})
    assert answer.status_code == 429
    assert answer.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    assert int(answer.headers["Retry-After"]) > 100
    bench.emulator.clock.advance(150)
    assert bench.call("PATCH", f"users/{ADA}", {"jobTitle": "Countess"}).status_code == 204


def test_questions_are_no_writes(bench: Bench) -> None:
    bench.directory.add_user(ADA)
    bench.grant("User.Read.All", "GroupMember.Read.All")
    for _ in range(3_000):
        bench.emulator.units.spend(Spender(CLIENT, TENANT, 1), 0, write=True)
    assert bench.call("POST", f"users/{ADA}/checkMemberGroups", {"groupIds": []}).status_code == 200


def test_sign_ins_may_be_asked_for_ten_times_a_minute(bench: Bench) -> None:
    bench.grant("User.Read.All", "AuditLog.Read.All")
    path = "users?$select=signInActivity"
    assert [bench.get(path).status_code for _ in range(11)] == [200] * 10 + [429]
    assert bench.get("users").status_code == 200
    bench.emulator.clock.advance(60)
    assert bench.get(path).status_code == 200


def test_a_load_test_may_raise_the_limits(bench: Bench) -> None:
    bench.emulator.units.generosity = 100
    bench.emulator.units.spend(Spender(CLIENT, TENANT, 1), 100_000)
    assert bench.get("users").status_code == 200
