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


@pytest.mark.requirement("OPS-8")
def test_a_deployment_from_github_leaves_what_was_set_as_it_is() -> None:
    """A parameter that is not handed on goes back to its default: sign-in would be switched off, for one."""
    parameters = (ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8")
    wanted = {name for name in re.findall(r"\$\{(\w+)", parameters) if name.startswith("DESKBRIDGE_")}
    job = read(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]["deploy"]
    environment = next(step["env"] for step in job["steps"] if step.get("run") == "azd up --no-prompt")
    given = {name: re.sub(r"\W", "", value.partition(".")[2]) for name, value in environment.items() if "." in value}
    assert wanted - given.keys() == {"DESKBRIDGE_PRINCIPAL_TYPE"}
    assert {name: source for name, source in given.items() if name != source} == {}
    taken_along = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["pipeline"]
    assert {*taken_along["variables"], *taken_along["secrets"]} == wanted - {"DESKBRIDGE_PRINCIPAL_TYPE"}
    assert environment["DESKBRIDGE_ALERT_WEBHOOK_URL"].startswith("${{ secrets.")


@pytest.mark.requirement("OPS-8")
def test_whatever_can_be_set_is_in_the_guide() -> None:
    parameters = (ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8")
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert {name for name in re.findall(r"\$\{(DESKBRIDGE_\w+)", parameters) if f"`{name}`" not in guide} == set()


@pytest.mark.requirement("OPS-8")
def test_what_is_deployed_was_tested_before_by_a_job_that_cannot_deploy() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    assert [step["run"] for step in jobs["test"]["steps"] if "run" in step] == [".ci/run"]
    assert jobs["test"]["permissions"] == {"contents": "read"}
    assert jobs["deploy"]["needs"] == "test"
    assert "azd up --no-prompt" in [step.get("run") for step in jobs["deploy"]["steps"]]
