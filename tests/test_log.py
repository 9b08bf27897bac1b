"""Log lines: one JSON object each, bound fields in them, secrets out of them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from shared import log


@pytest.fixture(autouse=True)
def _every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="deskbridge")


def lines(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [json.loads(record.getMessage()) for record in caplog.records]


def test_bound_fields_are_in_every_line_of_their_block_and_in_no_other(caplog: pytest.LogCaptureFixture) -> None:
    with log.bound(mailbox_id="a", attempt=1), log.bound(attempt=2):
        log.info("inside", number=7)
    log.warning("outside")
    assert lines(caplog) == [
        {"event": "inside", "mailbox_id": "a", "attempt": 2, "number": 7},
        {"event": "outside"},
    ]


@pytest.mark.parametrize(
    "name", ["client_secret", "SECRET_KEY", "access_token", "Authorization", "X-Client_State", "admin_key", "api_key"]
)
def test_a_secret_is_left_out_at_any_depth(caplog: pytest.LogCaptureFixture, name: str) -> None:
    with log.bound(**{name: "planted"}):
        log.info("x", before={"name": "n", name: "planted"}, after={"deeper": {name: {"value": "planted"}}})
    assert "planted" not in caplog.text
    assert lines(caplog)[0]["before"] == {"name": "n", name: "***"}


def test_a_long_value_is_cut_and_a_line_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log.info("x", text="a\nb\u2028c" + "d" * 10_000, inner={"text": "e" * 10_000})
    [line] = lines(caplog)
    assert len(line["text"]) < 600
    assert len(line["inner"]["text"]) < 600
    assert len(caplog.records[0].getMessage().splitlines()) == 1


def test_whatever_a_field_holds_a_line_is_written(caplog: pytest.LogCaptureFixture) -> None:
    log.debug("x", half="\ud800", thing=object(), raw=b"\xff", none=None)
    assert lines(caplog)[0]["event"] == "x"


@pytest.mark.requirement("OPS-8")
def test_a_failure_is_told_in_the_line_and_not_in_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """Microsoft's worker sends what a formatter makes of a record: a trace behind the line would spoil its JSON."""
    try:
        try:
            "Grace's salary".encode("ascii").index(b"?")
        except ValueError as why:
            raise KeyError("Grace's salary") from why
    except KeyError as error:
        log.error("x", failure=error)
    sent = logging.Formatter().format(caplog.records[0])
    line = json.loads(sent)
    assert line["failure"] == "KeyError from ValueError"
    assert line["at"][-1].startswith("test_log.py:")
    assert "salary" not in sent


def test_lines_below_the_level_are_not_written(caplog: pytest.LogCaptureFixture) -> None:
    log.set_level("WARNING")
    log.info("x")
    log.warning("y")
    assert [line["event"] for line in lines(caplog)] == ["y"]
