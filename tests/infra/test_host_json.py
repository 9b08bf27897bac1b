"""``host.json``: each value has its reason in ``docs/host.md``, and none is one that this host does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.world import ROOT


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each value with its path, as the page writes it."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", str(inner).lower() if isinstance(inner, bool) else str(inner)


@pytest.mark.requirement("OPS-8")
def test_every_value_has_its_reason() -> None:
    page = (ROOT / "docs" / "host.md").read_text(encoding="utf-8")
    told = {name: (value, why) for name, value, why in re.findall(r"^\| `([\w.]+)` \| `(.*?)` \| (.+) \|$", page, re.M)}
    present = dict(leaves(json.loads((ROOT / "host.json").read_text(encoding="utf-8"))))
    assert {name: value for name, (value, _) in told.items()} == present
    assert all(len(why) > 20 for _, why in told.values())


@pytest.mark.requirement("OPS-8")
def test_no_line_of_ours_is_sampled_away() -> None:
    """All telemetry is lines: a rule waits for one of them, and sums of what was left of them would be wrong.

    https://learn.microsoft.com/en-us/azure/azure-monitor/app/sampling-classic-api
    """
    sampling = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["logging"]["applicationInsights"]
    assert {"Trace", "Exception", "Request"} <= {*sampling["samplingSettings"]["excludedTypes"].split(";")}
