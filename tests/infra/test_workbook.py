"""The workbook asks for what the app tells: events, and fields of them, that there are."""

from __future__ import annotations

import json
import re

import pytest

from shared.mail.verdicts import Verdict
from tests.world import ROOT

SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py"))
QUERIES = [
    item["content"]["query"]
    for item in json.loads((ROOT / "infra" / "app" / "workbook.json").read_text(encoding="utf-8"))["items"]
    if item["type"] == 3
]


@pytest.mark.requirement("OPS-8")
def test_every_event_and_every_field_of_the_workbook_is_told() -> None:
    assert len(QUERIES) > 5
    for event in {name for query in QUERIES for name in re.findall(r"event\) == '([\w.]+)'", query)}:
        assert f'"{event}"' in SOURCE, event
    verdicts = {f"mails_{verdict}" for verdict in Verdict}
    fields = {name for query in QUERIES for name in re.findall(r"told\.(\w+)", query)}
    unknown = {
        name for name in fields - verdicts - {"event"} if not re.search(rf'"{name}"|\b{name}=|\b{name}:', SOURCE)
    }
    assert unknown == set()


def test_a_field_that_nobody_tells_would_be_found() -> None:
    assert not re.search(r'"mails_lost"|\bmails_lost=|\bmails_lost:', SOURCE)
