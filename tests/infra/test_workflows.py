"""The workflows: every action pinned by its commit, no more permissions than needed, no expression inside a script."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.world import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["deploy.yml", "test.yml"]


@pytest.mark.requirement("OPS-8")
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_say_which_version_that_is(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [each for each in used if not PINNED.fullmatch(each)] == []
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert [line for line in lines if not re.search(r"# v\d+\.\d+\.\d+$", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_do_more_than_it_needs(path: Path) -> None:
    workflow = read(path)
    granted = [workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())]
    allowed = {("contents", "read"), ("id-token", "write")}
    assert {pair for each in granted for pair in each.items()} <= allowed
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_script_holds_what_somebody_else_may_have_written(path: Path) -> None:
    """https://docs.github.com/en/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions"""
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]
    checkouts = [step for step in steps(path) if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_what_is_deployed_was_tested_before() -> None:
    runs = [step.get("run", "") for step in steps(ROOT / ".github" / "workflows" / "deploy.yml")]
    assert runs.index(".ci/run") < runs.index("azd up --no-prompt")
