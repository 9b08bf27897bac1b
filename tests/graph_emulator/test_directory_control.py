"""The directory by remote control."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.graph.wire import Request
from tests.graph_emulator.bench import CLIENT, TENANT, Bench

ADA = "ada@contoso.com"


class Plane:
    def __init__(self, bench: Bench) -> None:
        self.emulator = bench.emulator

    def __call__(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        status, answer = self.send(method, path, **body)
        assert status == 200, answer
        return answer

    def send(self, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        url = f"https://graph.microsoft.com/_control/{path}{'&' if '?' in path else '?'}tenant={TENANT}"
        answer = self.emulator.handle(Request(method, url, {}, json.dumps(body).encode()))
        return answer.status, answer.payload or {}


@pytest.fixture
def plane(bench: Bench) -> Plane:
    bench.grant("User.Read.All", "Group.Read.All", "Organization.Read.All")
    return Plane(bench)


def test_users(bench: Bench, plane: Plane) -> None:
    key = plane("POST", "users", userPrincipalName=ADA, displayName="Ada")["id"]
    plane("PATCH", f"users?key={ADA}", jobTitle="Countess")
    assert bench.json(f"users/{key}")["jobTitle"] == "Countess"
    plane("POST", f"manager?key={ADA}", manager=ADA)
    assert bench.json(f"users/{key}/manager")["id"] == key
    plane("DELETE", f"users?key={ADA}")
    assert bench.get(f"users/{key}").status_code == 404
    plane("POST", f"restore?key={key}")
    assert bench.get(f"users/{key}").status_code == 200
    plane("DELETE", f"users?key={ADA}")
    plane("DELETE", f"bin?key={key}")
    assert bench.get(f"directory/deletedItems/{key}").status_code == 404


def test_groups_and_licenses(bench: Bench, plane: Plane) -> None:
    plane("POST", "users", userPrincipalName=ADA, usageLocation="DE")
    group = plane("POST", "groups", displayName="Agents", members=[ADA])["id"]
    plane("POST", "skus", skuPartNumber="SPE_E3", units=1)
    plane("POST", "licenses?key=Agents", skuPartNumber="SPE_E3")
    assert bench.rows("subscribedSkus")[0]["consumedUnits"] == 1
    plane("POST", f"licenses?key={ADA}", skuPartNumber="SPE_E3")
    plane("DELETE", f"licenses?key={ADA}", skuPartNumber="SPE_E3")
    plane("POST", "members?key=Agents", remove=[ADA])
    assert bench.rows("subscribedSkus")[0]["consumedUnits"] == 0
    plane("PATCH", "groups?key=Agents", displayName="Experts")
    assert bench.json(f"groups/{group}")["displayName"] == "Experts"
    plane("DELETE", "groups?key=Experts")
    assert bench.rows("groups") == []


def test_what_the_app_may_do_limits_and_tokens(bench: Bench, plane: Plane) -> None:
    _, link, _ = bench.round("users/delta")
    plane("POST", "expire", delta=True)
    assert bench.get(link).status_code == 410
    plane("POST", "limit", generosity=10)
    assert bench.emulator.units.generosity == 10
    plane("POST", "roles", client_id=CLIENT, roles=["Mail.Read"])
    assert bench.get("users").status_code == 401, "old tokens are refused, so that new ones are asked for"
    bench.token = bench.sign_in()["access_token"]
    assert bench.get("users").status_code == 403
    assert plane("GET", "statistics")["units"][CLIENT] > 0


def test_a_whole_tenant(plane: Plane) -> None:
    assert plane("POST", "populate", seed=7, users=50, groups=40) == {"users": 51, "groups": 40}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "users?key=nobody", {}),
        ("POST", "users", {"userPrincipalName": ADA, "shoeSize": 40}),
        ("POST", "restore?key=nobody", {}),
        ("POST", "users", {"userPrincipalName": "help@contoso.com"}),
        ("POST", "licenses?key=help@contoso.com", {"skuPartNumber": "none"}),
    ],
)
def test_mistakes_are_told(plane: Plane, method: str, path: str, body: dict[str, Any]) -> None:
    status, answer = plane.send(method, path, **body)
    assert status == 400
    assert answer["error"]
