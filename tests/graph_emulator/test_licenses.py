"""Licenses: what was bought, who has one of his own, who has one through a group."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph.directory.licensing import Sku
from tests.graph_emulator.bench import Bench

ADA, BOB = "ada@contoso.com", "bob@contoso.com"
ROLES = ("User.Read.All", "Organization.Read.All", "LicenseAssignment.ReadWrite.All")
PATH = f"users/{ADA}/assignLicense"
REFUSED = (400, "Request_BadRequest")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.grant(*ROLES)
    for name in (ADA, BOB):
        bench.directory.add_user(name, usageLocation="DE")
    return bench


@pytest.fixture
def sku(bench: Bench) -> Sku:
    return bench.directory.licensing.buy("ENTERPRISEPACK", 2, ["EXCHANGE_S_ENTERPRISE", "TEAMS1"])


def adding(*ids: str, **more: Any) -> dict[str, Any]:
    return {"addLicenses": [{"skuId": key, **more} for key in ids], "removeLicenses": []}


def removing(*ids: str) -> dict[str, Any]:
    return {"addLicenses": [], "removeLicenses": list(ids)}


def states(bench: Bench, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bench.json(f"users/{name}?$select=licenseAssignmentStates")["licenseAssignmentStates"]
    return found


def left(bench: Bench) -> int:
    row = bench.rows("subscribedSkus")[0]
    return int(row["prepaidUnits"]["enabled"] - row["consumedUnits"])


def test_products_and_what_is_left_of_them(bench: Bench, sku: Sku) -> None:
    row = bench.rows("subscribedSkus")[0]
    assert (row["skuId"], row["skuPartNumber"], row["consumedUnits"]) == (sku.id, "ENTERPRISEPACK", 0)
    assert {plan["servicePlanName"] for plan in row["servicePlans"]} == set(sku.plans)
    assert bench.refused("GET", "subscribedSkus?$select=skuId") == (400, "BadRequest")


def test_one_is_assigned_and_taken_away(bench: Bench, sku: Sku) -> None:
    teams = sku.plans["TEAMS1"]
    answer = bench.call("POST", PATH, adding(sku.id, disabledPlans=[teams]))
    assert (answer.status_code, answer.json()["userPrincipalName"]) == (200, ADA)
    assert left(bench) == 1
    found = bench.json(f"users/{ADA}?$select=assignedLicenses")["assignedLicenses"]
    assert found == [{"disabledPlans": [teams], "skuId": sku.id}]
    details = bench.rows(f"users/{ADA}/licenseDetails")[0]
    status = {plan["servicePlanName"]: plan["provisioningStatus"] for plan in details["servicePlans"]}
    assert (status["TEAMS1"], status["EXCHANGE_S_ENTERPRISE"]) == ("Disabled", "Success")
    assert [(s["assignedByGroup"], s["state"], s["error"]) for s in states(bench, ADA)] == [(None, "Active", "None")]
    assert bench.call("POST", PATH, adding(sku.id)).status_code == 200, "again, with all plans"
    assert left(bench) == 1
    assert bench.call("POST", PATH, removing(sku.id)).status_code == 200
    assert (left(bench), states(bench, ADA), bench.rows(f"users/{ADA}/licenseDetails")) == (2, [], [])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (adding("not a guid"), "Edm.Guid"),
        (adding("00000000-0000-0000-0000-000000000000"), "does not correspond to a valid company License"),
        ({"addLicenses": []}, "missing: removeLicenses"),
        (removing("{sku}"), "does not have a corresponding license"),
        (adding("{sku}", disabledPlans=["00000000-0000-0000-0000-000000000000"]), "service plan"),
        ({"addLicenses": [{"skuId": "{sku}"}], "removeLicenses": ["{sku}"]}, "both added and removed"),
    ],
)
def test_bad_requests(bench: Bench, sku: Sku, body: dict[str, Any], message: str) -> None:
    filled = {
        "addLicenses": [{**one, "skuId": one["skuId"].replace("{sku}", sku.id)} for one in body["addLicenses"]],
        **({"removeLicenses": [k.replace("{sku}", sku.id) for k in body["removeLicenses"]]} if len(body) > 1 else {}),
    }
    answer = bench.call("POST", PATH, filled)
    assert (answer.status_code, answer.json()["error"]["code"]) == REFUSED
    assert message in answer.json()["error"]["message"]
    assert left(bench) == 2


def test_nobody_gets_one_without_a_usage_location(bench: Bench, sku: Sku) -> None:
    bench.directory.change(ADA, usageLocation=None)
    answer = bench.call("POST", PATH, adding(sku.id))
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "License assignment cannot be done for user with invalid usage location."
    )


def test_when_none_is_left_nobody_gets_one(bench: Bench, sku: Sku) -> None:
    bench.directory.licensing.assign(bench.directory.add_user("c@contoso.com", usageLocation="DE"), sku)
    bench.directory.licensing.assign(bench.directory.get(BOB), sku)
    answer = bench.call("POST", PATH, adding(sku.id))
    assert answer.status_code == 400
    assert "does not have any available licenses" in answer.json()["error"]["message"]
    bench.directory.delete(BOB)
    assert bench.call("POST", PATH, adding(sku.id)).status_code == 200, "a deleted user holds none"


def test_one_exchange_is_all_or_nothing(bench: Bench, sku: Sku) -> None:
    other = bench.directory.licensing.buy("VISIOCLIENT", 0)
    bench.directory.licensing.assign(bench.directory.get(ADA), sku)
    both = {"addLicenses": [{"skuId": other.id}], "removeLicenses": [sku.id]}
    assert bench.refused("POST", PATH, both) == REFUSED
    assert [state["skuId"] for state in states(bench, ADA)] == [sku.id]
    other.enabled = 1
    assert bench.call("POST", PATH, both).status_code == 200
    assert ([state["skuId"] for state in states(bench, ADA)], sku.held, other.held) == ([other.id], 0, 1)


def test_what_comes_by_a_group_goes_with_the_group(bench: Bench, sku: Sku) -> None:
    group = bench.directory.add_group("Licensed", [ADA])
    bench.directory.licensing.assign_to_group(group, sku)
    assert [(s["assignedByGroup"], s["state"]) for s in states(bench, ADA)] == [(group.id, "Active")]
    answer = bench.call("POST", PATH, removing(sku.id))
    assert answer.status_code == 400
    assert "inherited from a group" in answer.json()["error"]["message"]
    assert bench.call("POST", PATH, adding(sku.id)).status_code == 200
    assert ({s["assignedByGroup"] for s in states(bench, ADA)}, left(bench)) == ({None, group.id}, 1)
    assert bench.call("POST", PATH, removing(sku.id)).status_code == 200, "his own goes, the group's stays"
    bench.directory.remove_members(group.id, ADA)
    assert (states(bench, ADA), left(bench)) == ([], 2)


def test_a_group_with_more_members_than_licenses(bench: Bench, sku: Sku) -> None:
    group = bench.directory.add_group("Licensed")
    bench.directory.licensing.assign_to_group(group, sku)
    names = [bench.directory.add_user(f"u{n}@contoso.com", usageLocation="DE").name for n in range(3)]
    bench.directory.add_members(group.id, *names)
    found = [states(bench, name)[0] for name in names]
    assert [(s["state"], s["error"]) for s in found] == [("Active", "None")] * 2 + [("Error", "CountViolation")]
    assert bench.json(f"users/{names[2]}?$select=assignedLicenses")["assignedLicenses"] == []
    assert left(bench) == 0


def test_groups_in_a_licensed_group_get_nothing(bench: Bench, sku: Sku) -> None:
    inner = bench.directory.add_group("Inner", [ADA])
    bench.directory.licensing.assign_to_group(bench.directory.add_group("Outer", [inner.id]), sku)
    assert states(bench, ADA) == []


def test_permissions(bench: Bench, sku: Sku) -> None:
    bench.grant("User.Read.All")
    assert bench.refused("GET", "subscribedSkus") == (403, "Authorization_RequestDenied")
    assert bench.refused("POST", PATH, adding(sku.id)) == (403, "Authorization_RequestDenied")
    bench.grant("LicenseAssignment.ReadWrite.All")
    assert bench.refused("GET", f"users/{ADA}/licenseDetails") == (403, "Authorization_RequestDenied")
    assert bench.call("POST", PATH, adding(sku.id)).status_code == 200


def test_licenses_wake_a_user_in_delta(bench: Bench, sku: Sku) -> None:
    _, link, _ = bench.round("users/delta?$select=assignedLicenses,licenseAssignmentStates")
    bench.call("POST", PATH, adding(sku.id))
    found = bench.round(link)[0]
    assert [item["assignedLicenses"] for item in found] == [[{"disabledPlans": [], "skuId": sku.id}]]
    assert found[0]["licenseAssignmentStates"][0]["state"] == "Active"
