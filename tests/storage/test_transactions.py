"""Transactions as the table service takes and answers them."""

from __future__ import annotations

from typing import Literal

import pytest

from shared.storage.rows import Change, Row
from shared.storage.tables import RowChanged, RowExists, Table
from shared.storage.transactions import TransactionRefused, decode, encode
from tests.world import World

ODD_KEYS = ["o'clock", "100%", "a b", "ä-ö", "(x)", "a'b''c", "+&=", "..", "{'}", "\U0001f600"]
ODD_TEXTS = ["", "\r\n--changeset_x--\r\n", "Ł\u2028\x00", '"}', "\U0001f600", "x" * 32_000]


@pytest.fixture
def table(world: World) -> Table:
    return world.rt.tables["Things"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_row_of_any_key_is_written_found_changed_and_deleted(table: Table, key: str) -> None:
    table.insert(Row("o'p", key, {"n": 1}))
    table.merge(Row("o'p", key, {"m": 2}))
    table.upsert(Row("o'p", "other", {}))
    found = table.find("o'p", key)
    assert found is not None
    assert found.values == {"n": 1, "m": 2}
    table.transact([Change("delete", Row("o'p", key))])
    assert table.find("o'p", key) is None
    assert table.find("o'p", "other") is not None


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_comes_back_as_it_was(table: Table, text: str) -> None:
    table.insert(Row("p", "k", {"text": text}))
    assert _read(table)["text"] == text


def test_every_kind_of_value_comes_back_as_it_was(table: Table) -> None:
    values = {"s": "x", "i": -(2**31), "f": 2.0, "yes": True, "no": False, "b": bytes(range(256)), "empty": b""}
    table.insert(Row("p", "k", {**values, "absent": None}))
    found = _read(table).values
    assert found == values
    assert {name: type(value) for name, value in found.items()} == {name: type(v) for name, v in values.items()}


@pytest.mark.parametrize("value", [2**31, object(), ["a"], float("nan")])
def test_a_value_that_a_row_does_not_hold_is_refused_before_it_is_sent(table: Table, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        table.insert(Row("p", "k", {"x": value}))


def test_each_row_gets_its_own_new_etag(table: Table) -> None:
    rows = [Row("p", str(number), {"n": number}) for number in range(100)]
    table.transact([Change("insert", row) for row in rows])
    for row in rows:
        found = table.find("p", row.key)
        assert found is not None
        assert found.etag == row.etag


def test_a_refused_transaction_says_which_change_and_changes_nothing(table: Table) -> None:
    table.insert(Row("p", "there", {"n": 1}))
    with pytest.raises(RowExists) as refused:
        table.transact([Change("upsert", Row("p", "new", {})), Change("insert", Row("p", "there", {"n": 2}))])
    assert refused.value.index == 1
    assert table.find("p", "new") is None


@pytest.mark.parametrize("kind", ["merge", "replace"])
def test_a_row_that_changed_meanwhile_is_not_overwritten(table: Table, kind: str) -> None:
    row = Row("p", "k", {"n": 1})
    table.insert(row)
    table.upsert(Row("p", "k", {"n": 2}))
    with pytest.raises(RowChanged):
        table.transact([Change("merge" if kind == "merge" else "replace", row)])
    assert _read(table)["n"] == 2


def test_a_row_that_is_gone_is_not_made_again(table: Table) -> None:
    table.upsert(Row("p", "other", {}))
    with pytest.raises(RowChanged):
        table.merge(Row("p", "k", {"n": 1}))


def test_no_key_can_end_its_url_or_its_request() -> None:
    row = Row("p')/x", "k\r\nX: y", {"v": "\r\n\r\n--batch_b"}, "etag")
    body = encode("http://account/Things", [Change("replace", row)], "b").decode()
    assert "PATCH http://account/Things(PartitionKey='p%27%27%29%2Fx',RowKey='k%0D%0AX%3A%20y') HTTP/1.1\r\n" in body
    assert body.startswith("--batch_b\r\n")
    assert body.count("\r\n--batch_b") == 1


def test_an_answer_that_says_no_reason_is_still_a_refusal() -> None:
    head = (
        b"--batchresponse_1\r\nContent-Type: x\r\n\r\n--changesetresponse_1\r\nContent-Type: application/http\r\n\r\n"
    )
    body = head + b"HTTP/1.1 500 Internal Server Error\r\n\r\n\r\n--changesetresponse_1--\r\n--batchresponse_1--\r\n"
    with pytest.raises(TransactionRefused) as refused:
        decode(body)
    assert refused.value.status_code == 500


@pytest.mark.requirement("OPS-8")
@pytest.mark.parametrize("kind", ["upsert", "replace", "merge"])
def test_what_another_version_keeps_in_a_row_stays(table: Table, kind: Literal["upsert", "replace", "merge"]) -> None:
    table.insert(Row("p", "k", {"known": "1", "of_tomorrow": "x"}))
    table.transact([Change(kind, Row("p", "k", {"known": "2"}, _read(table).etag))])
    assert _read(table).values == {"known": "2", "of_tomorrow": "x"}
    assert b"PUT " not in encode("http://account/Things", [Change(kind, Row("p", "k", {}))], "b")


def _read(table: Table) -> Row:
    found = table.find("p", "k")
    assert found is not None
    return found
