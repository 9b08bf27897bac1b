"""python3.13 -m dev requirements: each requirement with the tests that prove it.

A test says what it proves by `@pytest.mark.requirement("MAIL-4", ...)`. A requirement without a test is not done.
"""

import argparse
import contextlib
import io
import re
import sys
from collections import defaultdict

import pytest

from dev.bootstrap import ROOT

# What has been built so far: mail to tickets, connections and sign-in, the directory, deployment.
NEEDED = ",".join(
    (
        *(f"CONN-{number}" for number in range(1, 14)),
        *(f"MAIL-{number}" for number in (1, 2, 3, 4, 7, 8, 9, 11, 15)),
        *(f"DIR-{number}" for number in range(1, 16)),
        *("DESK-1", "DESK-2", "DESK-3"),
        *("OPS-1", "OPS-2", "OPS-3", "OPS-5", "OPS-6", "OPS-8", "OPS-9"),
    )
)


class Collector:
    """A pytest plugin that notes every collected test under each requirement it is marked with."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the tests."""
        for item in items:
            test = re.sub(r"\[.*\]$", "", item.nodeid)  # a test with many examples is one test
            for requirement in {str(name) for mark in item.iter_markers("requirement") for name in mark.args}:
                if test not in self.tests[requirement]:
                    self.tests[requirement].append(test)


def main(argv: list[str]) -> int:
    """Print the table; return 1 if a needed requirement has no test, 2 if the tests cannot be collected."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev requirements")
    parser.add_argument("--need", default=NEEDED, help="ids, with commas, that must have a test")
    needed = [name.strip() for name in parser.parse_args(argv).need.split(",") if name.strip()]
    collector, said = Collector(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(ROOT / "tests")], [collector])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        print(said.getvalue(), file=sys.stderr)
        return 2
    print(table(collector.tests, needed))
    return 1 if any(not collector.tests.get(name) for name in needed) else 0


def table(tests: dict[str, list[str]], needed: list[str]) -> str:
    """Return the lines: a requirement, then its tests or what is missing."""
    lines = []
    for name in sorted(set(tests) | set(needed), key=_in_order):
        lines.append(name)
        lines += [f"    {test}" for test in sorted(tests.get(name, ()))] or ["    NO TEST"]
    missing = [name for name in needed if not tests.get(name)]
    lines.append(f"{len(needed) - len(missing)} of {len(needed)} needed requirements have tests")
    return "\n".join(lines)


def _in_order(name: str) -> tuple[str, int]:
    block, _, number = name.partition("-")
    return block, int(number) if number.isdigit() else 0
