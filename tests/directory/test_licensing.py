"""What is done so that somebody has a product, and what is refused: a table of examples."""

from __future__ import annotations

from typing import Any

import pytest

from shared.directory.licensing import Licensed, Wanted, find_refusal, license_of, licensed_of, outstanding

E5, F3, GROUP, OTHER = "sku-e5", "sku-f3", "group-1", "group-2"


def state(sku: str, group: str | None = None, standing: str = "Active", error: str = "None") -> dict[str, Any]:
    return {"skuId": sku, "assignedByGroup": group, "state": standing, "error": error}


def user(*states: dict[str, Any], country: str | None = "DE") -> Licensed:
    return licensed_of({"usageLocation": country, "licenseAssignmentStates": list(states)})


NOTHING = user()
NOWHERE = user(country=None)
OWN = user(state(E5))
BY_GROUP = user(state(E5, GROUP))
BOTH = user(state(E5), state(E5, GROUP), state(E5, OTHER))
SHORT = user(state(E5, GROUP, "Error", "CountViolation"))


@pytest.mark.requirement("DIR-14")
def test_a_product_is_held_in_several_ways_at_once() -> None:
    [holding] = BOTH.holdings.values()
    assert (holding.direct, holding.groups, holding.active, holding.error) == (True, (GROUP, OTHER), True, "")
    [short] = SHORT.holdings.values()
    assert (short.direct, short.active, short.error) == (False, False, "CountViolation")
    assert (BOTH.held(), SHORT.held()) == (frozenset({E5}), frozenset[str]())


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize(
    ("wanted", "present", "left"),
    [
        (Wanted(assign=(E5,)), NOTHING, Wanted(assign=(E5,))),
        (Wanted(assign=(E5,)), OWN, Wanted()),
        (Wanted(assign=(E5,)), BY_GROUP, Wanted()),
        (Wanted(assign=(E5,)), SHORT, Wanted(assign=(E5,))),
        (Wanted(assign=(E5, F3)), OWN, Wanted(assign=(F3,))),
        (Wanted(assign=(E5,), country="FR"), NOTHING, Wanted(assign=(E5,), country="FR")),
        (Wanted(assign=(E5,), country="DE"), NOTHING, Wanted(assign=(E5,))),
        (Wanted(assign=(E5,), country="FR"), OWN, Wanted()),
        (Wanted(remove=(E5,)), OWN, Wanted(remove=(E5,))),
        (Wanted(remove=(E5,)), NOTHING, Wanted()),
        (Wanted(assign=(F3,), remove=(E5,)), OWN, Wanted(assign=(F3,), remove=(E5,))),
    ],
)
def test_what_is_so_already_is_not_done_again(wanted: Wanted, present: Licensed, left: Wanted) -> None:
    assert outstanding(wanted, present) == left


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize(
    ("left", "present", "free", "says"),
    [
        (Wanted(assign=(E5,)), NOTHING, 1, ""),
        (Wanted(assign=(E5,)), NOTHING, 0, "No unit of Office E5 is left."),
        (Wanted(assign=(E5,)), NOTHING, -2, "No unit of Office E5 is left."),
        (Wanted(assign=(E5,)), NOWHERE, 1, "country"),
        (Wanted(assign=(E5,), country="DE"), NOWHERE, 1, ""),
        (Wanted(remove=(E5,)), OWN, 0, ""),
        (Wanted(remove=(E5,)), BY_GROUP, 0, "Office E5 comes from a group: Staff."),
        (Wanted(remove=(E5,)), BOTH, 0, "comes from a group: Staff, group-2."),
    ],
)
def test_what_cannot_be_done_is_told_with_its_cure(left: Wanted, present: Licensed, free: int, says: str) -> None:
    refusal = find_refusal(left, present, {E5: free}, {E5: "Office E5", GROUP: "Staff"})
    assert (refusal is None) == (not says)
    if refusal:
        assert says in refusal.cause
        assert refusal.cure


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize(
    ("capability", "units", "total", "active"),
    [
        ("Enabled", {"enabled": 10, "warning": 0, "suspended": 0}, 10, True),
        ("Warning", {"enabled": 0, "warning": 5, "suspended": 0}, 5, True),
        ("Suspended", {"enabled": 0, "warning": 0, "suspended": 5}, 0, False),
        ("Deleted", {"enabled": 3}, 0, False),
        ("LockedOut", {}, 0, False),
    ],
)
def test_what_may_still_be_given(capability: str, units: dict[str, int], total: int, active: bool) -> None:
    sku = {"skuId": "ABC", "skuPartNumber": "E5", "consumedUnits": 2, "capabilityStatus": capability}
    found = license_of("contoso", "org", {**sku, "prepaidUnits": units}, "now")
    assert (found.license_id, found.name, found.sku) == ("contoso~abc", "E5", "abc")
    assert (found.total, found.used, found.active) == (total, 2, active)
