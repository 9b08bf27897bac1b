"""Pages of a round, in any order and repeated, tell the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.told import add_up, ancestors, index, iter_present, manager_of
from shared.graph.directory import GROUP_TYPE

Pages = list[list[dict[str, Any]]]


def person(name: str, **told: Any) -> dict[str, Any]:
    return {"id": name, "accountEnabled": True, **told}


def gone(name: str) -> dict[str, Any]:
    return {"id": name, "@removed": {"reason": "changed"}}


def people(pages: Pages) -> dict[str, dict[str, Any]]:
    """Everybody who is there, by id; nobody twice."""
    found = list(iter_present(pages, index(pages)))
    assert len(found) == len({each["id"] for each in found})
    return {each["id"]: each for each in found}


def test_the_last_word_counts_property_by_property() -> None:
    pages = [[person("ada", jobTitle="Countess", mail="a")], [person("alan")], [{"id": "ada", "jobTitle": "Analyst"}]]
    assert people(pages)["ada"] == person("ada", jobTitle="Analyst", mail="a")


@pytest.mark.parametrize(
    ("pages", "present"),
    [
        ([[person("ada")], [gone("ada")]], set()),
        ([[gone("ada")], [person("ada", mail="new")]], {"ada"}),
        ([[person("ada"), gone("ada"), person("ada")]], {"ada"}),
        ([[gone("ada")], [gone("ada")]], set()),
        ([[], [person("ada")], []], {"ada"}),
    ],
)
def test_who_is_removed_and_comes_back(pages: Pages, present: set[str]) -> None:
    assert people(pages).keys() == present
    assert index(pages).present() == len(present)


def test_whether_accounts_were_told_of() -> None:
    told = index([[person("ada"), {"id": "alan"}, {"id": "eve", "accountEnabled": None}]])
    assert (told.accounts, told.hidden) == (1, 1)


@pytest.mark.parametrize(
    ("item", "manager"),
    [
        ({"id": "ada"}, None),
        ({"id": "ada", "manager@delta": [{"id": "grace"}]}, "grace"),
        ({"id": "ada", "manager@delta": [{"id": "grace", "@removed": {"reason": "deleted"}}]}, ""),
        ({"id": "ada", "manager@delta": [{"id": "old", "@removed": {"reason": "deleted"}}, {"id": "new"}]}, "new"),
    ],
)
def test_the_manager_that_is_told_of(item: dict[str, Any], manager: str | None) -> None:
    assert manager_of(item) == manager


def in_group(group: str, *members: str, kind: str = "#microsoft.graph.user", removed: bool = False) -> dict[str, Any]:
    more = {"@removed": {"reason": "deleted"}} if removed else {}
    told = [{"@odata.type": kind, "id": each, **more} for each in members]
    return {"id": group, "displayName": group.title(), "members@delta": told}


@pytest.mark.requirement("DIR-10")
def test_members_are_added_up_over_all_pages() -> None:
    pages = [
        [in_group("staff", "ada", "alan")],
        [in_group("desk", "ada"), in_group("staff", "grace")],
        [in_group("staff", "alan", removed=True), in_group("all", "staff", kind=GROUP_TYPE)],
    ]
    told = add_up(pages)
    assert {name: dict(moves) for name, moves in told.members.items()} == {
        "ada": {"staff": True, "desk": True},
        "alan": {"staff": False},
        "grace": {"staff": True},
    }
    assert {name: dict(moves) for name, moves in told.children.items() if moves} == {"all": {"staff": True}}
    assert told.names == {"staff": "Staff", "desk": "Desk", "all": "All"}


names = st.sampled_from(["ada", "alan", "grace", "linus", "eve"])


@given(order=st.permutations(range(5)), repeated=st.lists(st.integers(0, 4), max_size=3))
def test_the_order_of_pages_and_their_repetition_change_nothing(order: list[int], repeated: list[int]) -> None:
    """As long as nothing else was said of the same object in between."""
    pages = [[person(name, mail=f"{name}@x")] for name in ("ada", "alan", "grace", "linus", "eve")]
    groups = [[in_group("staff", name)] for name in ("ada", "alan", "grace", "linus", "eve")]
    mixed = [*order, *repeated]
    assert people([pages[each] for each in mixed]) == people(pages)
    assert add_up([groups[each] for each in mixed]) == add_up(groups)


@given(st.dictionaries(names, st.frozensets(names)))
def test_groups_in_groups_end_wherever_circles_are(children: dict[str, frozenset[str]]) -> None:
    above = ancestors(children)
    for parent, nested in children.items():
        for child in nested:
            assert parent in above[child]
            assert above.get(parent, frozenset()) <= above[child]
