"""What is known of people and groups survives the way through the table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory import mirror
from shared.directory.mirror import Known, columns_of, history_of, known_of
from shared.directory.persons import Person
from shared.directory.runs import Totals
from shared.storage.rows import Row

ids = st.uuids().map(str)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
known = st.builds(
    Known,
    object_id=ids,
    properties=st.dictionaries(texts, texts | st.booleans() | st.lists(texts, max_size=3), max_size=4),
    manager=ids,
    groups=st.frozensets(ids, max_size=5),
    gone=st.sampled_from(["", "deleted", "missing"]),
    digest=texts,
    user_id=ids,
    agent_id=ids,
    gives=st.builds(Totals, *[st.integers(0, 9)] * 4),
    serial=st.integers(0, 1000),
    name=texts,
    outcome=texts,
    reason=texts,
)


def through(person: Known, told: dict[str, Any] | None = None) -> Row:
    """The row of a person."""
    return Row("contoso", mirror.PEOPLE + person.object_id, columns_of(person, told or {}))


@given(known)
def test_a_person_is_read_as_they_were_written(person: Known) -> None:
    assert known_of(through(person)) == person


@pytest.mark.parametrize("address", ["smtp:{}@contoso.com", "\U0001f600{}"])
def test_a_person_with_very_much_to_know_fits(address: str) -> None:
    groups = frozenset(str(UUID(int=number)) for number in range(7_000))
    person = Known("ada", {"proxyAddresses": [address.format(number) for number in range(3_000)]}, groups=groups)
    row = through(person)
    assert known_of(row) == person
    assert all(
        len(value.encode("utf-16-le") if isinstance(value, str) else value) <= 64 * 1024
        for value in row.values.values()
        if isinstance(value, str | bytes)
    )


def test_the_last_ten_runs_are_remembered() -> None:
    row = Row("contoso", "p~ada")
    for serial in range(13):
        row.values |= columns_of(Known("ada", serial=serial), {"run": str(serial), "at": f"2026-11-21T{serial:02}"})
    assert [each["run"] for each in history_of(row)] == [str(serial) for serial in range(12, 2, -1)]


def test_a_digest_stands_for_what_a_plan_is_made_of() -> None:
    person = Person("ada", {"mail": "a"}, "grace", frozenset({"desk"}), frozenset({"desk", "all"}))
    others = [
        mirror.digest_of("1", person, ""),
        mirror.digest_of("2", person, ""),
        mirror.digest_of("1", person, "user/agent"),
        mirror.digest_of("1", Person("ada", {"mail": "b"}, "grace", person.groups, person.all_groups), ""),
        mirror.digest_of("1", Person("ada", {"mail": "a"}, "", person.groups, person.all_groups), ""),
        mirror.digest_of("1", Person("ada", {"mail": "a"}, "grace", person.all_groups, person.all_groups), ""),
        mirror.digest_of("1", Person("ada", {"mail": "a"}, "grace", person.groups, person.groups), ""),
        mirror.digest_of("1", Person("ada", {"mail": "a"}, "grace", person.groups, person.all_groups, "deleted"), ""),
    ]
    assert len(set(others)) == len(others)
    assert mirror.digest_of("1", person, "") == others[0]
