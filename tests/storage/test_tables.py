"""Rows in ranges, and the limits of the table service that Azurite does not enforce."""

from __future__ import annotations

from typing import Any

import pytest

from shared.storage.rows import Change, Row
from shared.storage.tables import LARGEST_PROPERTY, LARGEST_TRANSACTION, RowChanged, RowExists, RowTooLarge, Table
from tests.world import World

KEYS = ["a", "b", "b~1", "b~2", "c"]


@pytest.fixture
def table(world: World) -> Table:
    return world.rt.tables["Things"]


@pytest.fixture
def filled(table: Table) -> Table:
    table.transact([Change("insert", Row("p", key, {"even": index % 2 == 0})) for index, key in enumerate(KEYS)])
    table.insert(Row("other", "b", {}))
    return table


def keys(table: Table, **wanted: Any) -> list[str]:
    return [row.key for row in table.range("p", **wanted)]


def test_a_table_that_is_not_there_yet_is_empty(table: Table) -> None:
    assert table.find("p", "k") is None
    assert list(table.range("p")) == []
    table.delete("p", "k")


def test_a_range_holds_its_low_and_not_its_high_key(filled: Table) -> None:
    assert keys(filled) == KEYS
    assert keys(filled, low="b", high="c") == ["b", "b~1", "b~2"]
    assert keys(filled, after="b~1") == ["b~2", "c"]
    assert keys(filled, low="b~", high="c", after="b~1") == ["b~2"]


def test_a_range_may_be_filtered_by_a_column(filled: Table) -> None:
    assert keys(filled, where="even eq true", low="b") == ["b~1", "c"]


def test_keys_of_a_range_are_values_and_never_part_of_the_filter(filled: Table) -> None:
    assert list(filled.range("p' or PartitionKey eq 'other")) == []
    assert keys(filled, after="zz' or RowKey gt '") == []


def test_only_chosen_columns_are_read(filled: Table) -> None:
    [row] = filled.range("p", low="a", high="b", select=["even"])
    assert (row.partition, row.key, row.values) == ("p", "a", {"even": True})
    assert next(filled.range("p")).etag


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (2, 1), (4, 2), (5, 3)])
def test_no_page_is_fetched_before_a_row_of_it_is_wanted(
    world: World, filled: Table, limit: int, requests: int
) -> None:
    world.meter.start()
    assert [row.key for row in filled.range("p", limit=limit, page=2)] == KEYS[:limit]
    assert world.meter.count("table") == requests


@pytest.mark.parametrize("value", ["x" * (LARGEST_PROPERTY // 2), b"x" * LARGEST_PROPERTY, "\U0001f600" * 16_384])
def test_a_property_of_64_kib_is_kept_and_one_byte_more_is_refused_before_it_is_sent(
    world: World, table: Table, value: str | bytes
) -> None:
    table.insert(Row("p", "k", {"v": value}))
    found = table.find("p", "k")
    assert found is not None
    assert found["v"] == value
    world.meter.start()
    with pytest.raises(RowTooLarge, match="v has"):
        table.insert(Row("p", "larger", {"v": value + value[:1]}))  # type: ignore[operator]  # of its own kind
    assert world.meter.calls == []


def test_a_row_of_more_than_1_mib_is_refused(world: World, table: Table) -> None:
    values = {f"v{index}": b"x" * 60_000 for index in range(17)}
    table.insert(Row("p", "k", values))
    world.meter.start()
    with pytest.raises(RowTooLarge, match="The row has"):
        table.upsert(Row("p", "k", {**values, "v17": b"x" * 60_000}))
    assert world.meter.calls == []


def test_a_transaction_takes_a_hundred_rows_and_no_more(world: World, table: Table) -> None:
    rows = [Change("insert", Row("p", f"{index:03}", {})) for index in range(LARGEST_TRANSACTION + 1)]
    table.transact(rows[:-1])
    assert len(keys(table)) == 100
    world.meter.start()
    with pytest.raises(RowTooLarge, match="101 rows"):
        table.transact(rows)
    assert world.meter.calls == []


def test_an_insert_is_made_once_and_a_merge_keeps_the_rest(table: Table) -> None:
    row = Row("p", "k", {"a": 1, "b": 2})
    table.insert(row)
    with pytest.raises(RowExists):
        table.insert(Row("p", "k", {}))
    table.merge(Row("p", "k", {"b": 3}))
    found = table.find("p", "k")
    assert found is not None
    assert found.values == {"a": 1, "b": 3}
    with pytest.raises(RowChanged):
        table.merge(row)  # at the version that it was written at first


def test_tables_of_two_installations_are_apart(world: World) -> None:
    world.rt.tables["Things"].insert(Row("p", "k", {}))
    other = world.start(STORAGE_PREFIX="other")
    assert other.tables["Things"].find("p", "k") is None
