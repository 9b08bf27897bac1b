"""`dev run` shows the main job, and notices where it does not hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dev.graph import Fault
from dev.show import PROMISED_SECONDS, Show, Untrue
from tests.dev.conftest import Running
from tests.world import ROOT


@pytest.fixture
def show(running: Running) -> Show:
    return Show(running.emulator, running.desk, running.found.app_url, print)


@pytest.mark.requirement("MAIL-1", "MAIL-2", "MAIL-4", "MAIL-8", "OPS-9")
def test_run_once_shows_it_all_and_ends() -> None:
    within = ["--within", "15"]  # beside other tests; the promise itself is checked where nothing else runs
    command = [sys.executable, "-m", "dev", "run", "--once", *within]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)  # noqa: S603 - our own command
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All of it held." in ended.stdout
    assert ended.stdout.rstrip().endswith("stopped")


def test_a_ticket_that_comes_late_is_not_passed_over(running: Running, show: Show) -> None:
    running.emulator.faults.add(Fault("latency", path="value", seconds=PROMISED_SECONDS))
    try:
        with pytest.raises(Untrue, match="not less than 2"):
            show.three_by_webhook()
    finally:
        running.emulator.faults.clear()


def test_a_mail_found_without_a_scan_is_not_passed_over(
    running: Running, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the silence is none: the mail is announced."""
    monkeypatch.setattr(running.emulator.faults, "add", lambda fault: fault)
    with pytest.raises(Untrue, match="before the scan"):
        show.one_by_scan()
