"""python3.13 -m dev COMMAND."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev.requirements_table import table
from tests.host.apps import ROOT


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own program


@pytest.mark.parametrize("arguments", [[], ["no-such-command"]])
def test_without_a_command_it_tells_which_there_are(arguments: list[str]) -> None:
    ended = dev(*arguments)
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in ("run", "test", "check", "deliver", "connect", "bench", "requirements"))


def test_it_starts_with_nothing_but_the_standard_library() -> None:
    program = "import sys, json, dev.__main__; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    command = [sys.executable, "-S", "-c", program]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert set(json.loads(ended.stdout)) - sys.stdlib_module_names == {"dev", "__main__"} - sys.stdlib_module_names


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "dev" / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/azurite"]["version"] == "3.35.0"
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_the_table_shows_tests_and_what_is_missing() -> None:
    text = table({"MAIL-10": ["tests/b"], "MAIL-2": ["tests/c", "tests/a"]}, ["MAIL-2", "OPS-1"])
    assert text.splitlines() == [
        "MAIL-2",
        "    tests/a",
        "    tests/c",
        "MAIL-10",
        "    tests/b",
        "OPS-1",
        "    NO TEST",
        "1 of 2 needed requirements have tests",
    ]


def test_a_requirement_without_a_test_fails() -> None:
    ended = dev("requirements", "--need", "NO-SUCH-1")
    assert ended.returncode == 1, ended.stderr
    assert "NO-SUCH-1\n    NO TEST" in ended.stdout


def test_deployment_leaves_development_behind() -> None:
    ignored = Path(ROOT / ".funcignore").read_text().split()
    assert {"dev", "tests", "bench", ".venv", "local.settings*.json"} <= set(ignored)
