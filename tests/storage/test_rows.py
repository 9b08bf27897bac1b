"""From a row to what it holds, whichever version wrote it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shared.storage.rows import Row, fill


@dataclass
class Thing:
    name: str
    size: int = 3
    key: str = ""


def test_columns_fill_the_fields_of_their_names_and_others_are_passed_over() -> None:
    assert fill(Thing, Row("p", "k", {"name": "n", "later": True})) == Thing("n")
    assert fill(Thing, Row("p", "k", {"name": "n", "size": 5})) == Thing("n", 5)


def test_what_is_known_besides_comes_before_a_column() -> None:
    assert fill(Thing, Row("p", "k", {"name": "n", "key": "old"}), key="k") == Thing("n", 3, "k")


def test_a_row_without_what_is_needed_is_an_error() -> None:
    with pytest.raises(TypeError, match="name"):
        fill(Thing, Row("p", "k", {}))


def test_an_absent_value_and_none_are_the_same() -> None:
    row = Row("p", "k", {"a": None, "b": 0})
    assert [row.get(name, "default") for name in "abc"] == ["default", 0, "default"]
