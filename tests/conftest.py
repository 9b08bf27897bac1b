"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.azurite import Azurite
from shared import runtime
from tests.world import ROOT, HeardHost, World, settings_for


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One storage emulator for each test process."""
    with Azurite() as started:
        yield started


@pytest.fixture(scope="session")
def host(azurite: Azurite) -> Iterator[HeardHost]:
    """The function app in Microsoft's worker runtime, one for each test process."""
    with HeardHost(ROOT, settings_for(azurite)) as started:
        yield started


@pytest.fixture
def world(azurite: Azurite, host: HeardHost) -> Iterator[World]:
    """A fresh tenant, fresh storage and a fresh start of the app."""
    made = World(azurite, host)
    yield made
    made.close()
    runtime.use(None)


EXCHANGES = ROOT / ".run" / "exchanges" / str(os.getpid())


def pytest_configure(config: pytest.Config) -> None:
    """Every exchange with Graph, of all test processes, is kept in one folder."""
    if not hasattr(config, "workerinput"):
        _remove_old()
        EXCHANGES.mkdir(parents=True)
        os.environ["EXCHANGES_FOLDER"] = str(EXCHANGES)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that the other test processes work beside it."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


def _remove_old() -> None:
    """Recordings of runs that ended are worth nothing after a day."""
    for folder in EXCHANGES.parent.glob("*"):
        if time.time() - folder.stat().st_mtime > 24 * 3600 or not Path(f"/proc/{folder.name}").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """At the end of the whole run, check the exchanges against Graph's published metadata.

    GRAPH_CONTRACT_CHECK names the program that does so; where it is not set there is nothing to check with.
    """
    program = os.environ.get("GRAPH_CONTRACT_CHECK", "")
    logs = sorted(map(str, EXCHANGES.glob("*.jsonl")))
    if hasattr(session.config, "workerinput") or not program or not logs:
        return
    command = [sys.executable, program, "check", "--no-warn", *logs]  # what is wrong is not cut off by what is odd
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a program that the caller names
    report = session.config.get_terminal_writer()
    report.line()
    report.line(f"Contract of Microsoft Graph, {len(logs)} logs:")
    report.line("\n".join((found.stdout + found.stderr).splitlines()[-30:]))
    if found.returncode and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
