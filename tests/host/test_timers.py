"""Timer triggers: when they are due, and what the host remembers of them."""

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobClient, BlobServiceClient

from dev.azurite import Azurite
from dev.doors.timers import next_due, parse_schedule
from tests.host.apps import run_script, write_app

APP = """
runs = []

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", use_monitor=True)
def yearly(timer: func.TimerRequest) -> None:
    runs.append(["yearly", timer.past_due, timer.schedule_status])

@app.timer_trigger(arg_name="timer", schedule="* * * * * *", use_monitor=True)
def often(timer: func.TimerRequest) -> None:
    runs.append(["often", timer.past_due, timer.schedule_status])
"""

WAIT = """
import function_app, time
host.serve()
deadline = time.monotonic() + 10
while not {condition} and time.monotonic() < deadline:
    time.sleep(0.02)
result = function_app.runs
"""


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 */5 * * * *", "2026-11-21T10:02:00", "2026-11-21T10:05:00"),
        ("*/5 * * * *", "2026-11-21T10:02:00", "2026-11-21T10:05:00"),
        ("*/10 * * * * *", "2026-11-21T10:02:05", "2026-11-21T10:02:10"),
        ("0 30 9 * * 1-5", "2026-11-21T10:00:00", "2026-11-23T09:30:00"),
        ("0 0 0 1 1 *", "2026-11-21T10:00:00", "2027-01-01T00:00:00"),
        ("0 0 12 * JUL *", "2026-11-21T10:00:00", "2027-07-01T12:00:00"),
    ],
)
def test_next_due(schedule: str, after: str, due: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_due(schedule, moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_five_fields_begin_at_second_zero() -> None:
    assert parse_schedule("*/5 * * * *") == "0 */5 * * * *"


class Monitored:
    """The app above with real storage."""

    def __init__(self, azurite: Azurite, folder: Path) -> None:
        self._connection = azurite.connection_string
        self._folder = write_app(folder, APP)

    def serve_until(self, condition: str) -> Any:
        settings = {"AzureWebJobsStorage": self._connection}
        return run_script(self._folder, settings, WAIT.format(condition=condition))

    def make_container(self) -> None:
        with contextlib.suppress(ResourceExistsError):
            BlobServiceClient.from_connection_string(self._connection).create_container("azure-webjobs-hosts")

    def status(self, function: str) -> BlobClient:
        name = f"timers/local/Host.Functions.{function}/status"
        return BlobClient.from_connection_string(self._connection, "azure-webjobs-hosts", name)


@pytest.fixture
def monitored(azurite: Azurite, tmp_path: Path) -> Monitored:
    return Monitored(azurite, tmp_path)


def test_a_timer_missed_while_the_host_was_down_runs_at_once_and_late(monitored: Monitored) -> None:
    monitored.make_container()
    last = datetime.now(UTC) - timedelta(days=400)
    missed = {"Last": last.isoformat(), "LastUpdated": last.isoformat(), "Next": (last + timedelta(days=9)).isoformat()}
    monitored.status("yearly").upload_blob(json.dumps(missed), overwrite=True)

    runs = monitored.serve_until("any(run[0] == 'yearly' for run in function_app.runs)")

    _name, past_due, status = next(run for run in runs if run[0] == "yearly")
    assert past_due is True
    assert datetime.fromisoformat(status["Last"]) == last
    monitored.status("yearly").delete_blob()


def test_a_run_is_remembered(monitored: Monitored) -> None:
    started = datetime.now(UTC)
    monitored.serve_until("sum(run[0] == 'often' for run in function_app.runs) >= 2")
    time.sleep(0.2)  # the status is written after the run
    status = json.loads(monitored.status("often").download_blob().readall())
    assert datetime.fromisoformat(status["Last"]) >= started
    assert datetime.fromisoformat(status["Next"]) > datetime.fromisoformat(status["Last"])


def test_a_timer_that_was_not_due_waits(monitored: Monitored) -> None:
    runs = monitored.serve_until("any(run[0] == 'often' for run in function_app.runs)")
    assert {run[0] for run in runs} == {"often"}
    assert not any(past_due for _name, past_due, _status in runs[1:])
