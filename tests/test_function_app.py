"""The app's functions: taken by Microsoft's runtime, legal for the host, and each reachable."""

import json
import re

import pytest

from dev.doors.host_json import read_host_json
from dev.doors.routes import Route
from dev.doors.rules import http_route
from dev.host import Host
from shared.settings import Settings
from shared.work import KINDS
from tests.world import ROOT

# Read by the host or by Microsoft's worker, not by our code.
NOT_OURS = {"FUNCTIONS_WORKER_RUNTIME", "MALLOC_ARENA_MAX", "PYTHON_THREADPOOL_THREAD_COUNT"}
# Set by Azure, or only where a managed identity replaces the connection string.
NOT_LOCAL = {
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "AZURE_CLIENT_ID",
    "WEBSITE_HOSTNAME",
    "WEBSITE_AUTH_ENABLED",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_SKU",
    "WEBSITE_POD_NAME",
}


def routes(host: Host) -> dict[str, Route]:
    host_json = read_host_json(ROOT / "host.json")
    return {f.name: http_route(f, host_json) for f in host.functions.values() if f.kind == "httpTrigger"}


def sample_path(template: str) -> str:
    """Return a path that a template matches."""
    return re.sub(r"\{[^}]*\}", lambda match: "7" if ":int" in match[0] else "some", template)


def first_match(host: Host, method: str, path: str) -> str | None:
    return next((name for name, route in routes(host).items() if route.match(method, path) is not None), None)


def test_no_route_hides_another(host: Host) -> None:
    for name, route in routes(host).items():
        for method in route.methods:
            assert first_match(host, method, sample_path(route.template)) == name


def test_every_http_function_names_its_methods(host: Host) -> None:
    assert [name for name, route in routes(host).items() if not route.methods] == []


def test_every_kind_of_work_wakes_a_function_and_its_poison_another(host: Host) -> None:
    queues = sorted(str(f.trigger["queueName"]) for f in host.functions.values() if f.kind == "queueTrigger")
    assert queues == sorted([*KINDS, *(f"{queue}-poison" for queue in KINDS)])


def test_timers_are_monitored_and_their_schedules_are_settings(host: Host) -> None:
    timers = [function for function in host.functions.values() if function.kind == "timerTrigger"]
    assert timers
    for timer in timers:
        assert re.fullmatch(r"%[A-Z_]+%", str(timer.trigger["schedule"])), timer.name
        assert timer.trigger["useMonitor"] is True, timer.name
        assert not timer.trigger.get("runOnStartup"), timer.name


def test_the_example_settings_are_those_that_are_read(host: Host) -> None:
    values = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    in_triggers = {name for f in host.functions.values() for name in re.findall(r"%(\w+)%", json.dumps(f.trigger))}
    read = {str(field.alias) for field in Settings.model_fields.values()} - NOT_LOCAL
    assert set(values) == read | in_triggers | NOT_OURS
    assert all(isinstance(value, str) for value in values.values())


def test_a_slice_ends_well_before_the_host_ends_the_function() -> None:
    hours, minutes, seconds = map(int, json.loads((ROOT / "host.json").read_text())["functionTimeout"].split(":"))
    with pytest.raises(ValueError, match="SLICE_SECONDS"):
        Settings.model_validate(
            {"SECRET_KEY": "A" * 43 + "=", "SLICE_SECONDS": str((hours * 60 + minutes) * 60 + seconds - 60)}
        )
