"""Comparisons that a person must pass."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.criteria import LONGEST_PATTERN, described, find_fault, folded, matches, passes
from shared.directory.persons import Person
from shared.directory.rules import Criterion, Operator


def compare(operator: Operator, wanted: str, value: Any) -> bool:
    return passes(Criterion(field="x", operator=operator, value=wanted), Person("ada", {"x": value}))


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    ("operator", "wanted", "value", "passed"),
    [
        ("equals", "IT", "it", True),
        ("equals", "IT", " IT ", True),
        ("equals", "IT", "ITS", False),
        ("equals", "Straße", "STRASSE", True),
        ("equals", "M\u00fcnchen", "Mu\u0308nchen", True),
        ("equals", "IT", None, False),
        ("equals", "true", True, True),
        ("not_equals", "IT", "HR", True),
        ("not_equals", "IT", "it", False),
        ("not_equals", "IT", None, True),
        ("contains", "engine", "Reverse Engineering", True),
        ("contains", "engine", "Sales", False),
        ("not_contains", "engine", "Sales", True),
        ("not_contains", "engine", "Engines", False),
        ("starts_with", "eng", "Engines", True),
        ("starts_with", "gin", "Engines", False),
        ("not_starts_with", "ext-", "EXT-17", False),
        ("not_starts_with", "ext-", "int-17", True),
        ("empty", "", None, True),
        ("empty", "", "  ", True),
        ("empty", "", [], True),
        ("empty", "", False, False),
        ("not_empty", "", "x", True),
        ("not_empty", "", None, False),
        ("matches", "^E.*s$", "Engines", True),
        ("matches", "^e.*s$", "Engines", False),
        ("matches", "(?i)^e.*s$", "Engines", True),
        ("matches", "gin", "Engines", True),
        ("matches", "^$", None, True),
        ("matches", "(", "(", False),
        ("equals", "b@x.example", ["a@x.example", "B@x.example"], True),
        ("not_equals", "b@x.example", ["a@x.example", "b@x.example"], False),
        ("contains", "e5", [{"skuId": "spe_e5"}], True),
    ],
)
def test_operators(operator: Operator, wanted: str, value: Any, passed: bool) -> None:
    assert compare(operator, wanted, value) is passed


@pytest.mark.requirement("DIR-3")
@given(value=st.text(), wanted=st.text())
def test_a_negative_operator_is_the_other_way_round(value: str, wanted: str) -> None:
    pairs: list[tuple[Operator, Operator]] = [
        ("equals", "not_equals"),
        ("contains", "not_contains"),
        ("starts_with", "not_starts_with"),
        ("empty", "not_empty"),
    ]
    for positive, negative in pairs:
        assert compare(positive, wanted, value) != compare(negative, wanted, value)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert folded(text.upper()) == folded(text.upper().lower().upper())


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_hostile_pattern_costs_no_more_than_another(pattern: str) -> None:
    began = time.perf_counter()
    matches(pattern, "a" * 4_000 + "!")
    assert time.perf_counter() - began < 1


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize(
    "pattern",
    ["", "(", "[a", "a" * (LONGEST_PATTERN + 1), r"(?=a)", r"(a)\1", "(a{1000}){1000}", "\ud800"],
)
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    assert find_fault(pattern)
    assert not matches(pattern, "a"), "it passes nobody"


@given(pattern=st.text(max_size=40), value=st.text(max_size=200))
def test_no_pattern_and_no_value_break_it(pattern: str, value: str) -> None:
    assert matches(pattern, value) in {True, False}


def test_half_a_character_in_a_value_is_no_failure() -> None:
    assert matches("^a", "a\ud800")


def test_a_comparison_is_told_in_words() -> None:
    assert described(Criterion(field="department", operator="equals", value="IT")) == "department equals 'IT'"
    assert described(Criterion(field="department", operator="empty")) == "department is empty"
