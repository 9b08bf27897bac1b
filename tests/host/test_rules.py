"""What the Functions host refuses at its start. The apps are made with Microsoft's decorators, and never run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from dev.doors.errors import HostError
from dev.doors.functions import Function, read_functions
from dev.doors.host_json import HostJson, read_host_json
from dev.doors.protos import RpcFunctionMetadata, RpcRetryOptions
from dev.doors.rules import check_app

ANONYMOUS = func.AuthLevel.ANONYMOUS
SETTINGS = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "SCHEDULE": "0 */5 * * * *"}
HOST_JSON = HostJson(route_prefix="", has_extension_bundle=True)

type Build = Callable[[func.FunctionApp], object]


def functions_of(build: Build) -> list[Function]:
    app = func.FunctionApp(http_auth_level=ANONYMOUS)
    build(app)
    return read_functions(
        RpcFunctionMetadata(
            name=str(function.get_function_name()),
            function_id=str(function.get_function_name()),
            raw_bindings=list(function.get_raw_bindings()),
            retry_options=RpcRetryOptions() if function.get_settings_dict("retry_policy") else None,
        )
        for function in app.get_functions()
    )


def named(name: str) -> Callable[..., None]:
    def function(req: object) -> None:
        del req

    function.__name__ = name
    return function


def route(template: str, name: str = "one", **more: Any) -> Build:
    return lambda app: app.route(route=template, **more)(named(name))


def queue(name: str = "some-queue", **more: Any) -> Build:
    given = {"arg_name": "message", "connection": "AzureWebJobsStorage", **more}
    return lambda app: app.queue_trigger(queue_name=name, **given)(named("one"))


def timer(schedule: str, arg_name: str = "timer") -> Build:
    return lambda app: app.timer_trigger(arg_name=arg_name, schedule=schedule)(named("one"))


def both(first: Build, second: Build) -> Build:
    def build(app: func.FunctionApp) -> None:
        first(app)
        second(app)

    return build


@pytest.mark.parametrize(
    "build",
    [
        route("tickets/{id:int}"),
        route("/{*rest}"),
        queue(),
        queue("UPPER-is-lowered"),
        timer("0 */5 * * * *"),
        timer("*/5 * * * *"),
        timer("%SCHEDULE%"),
        timer("0 30 9 * JUL 1-5"),
        both(route("same", "one", methods=["GET"]), route("same", "two", methods=["POST"])),
    ],
)
def test_sound_apps_are_taken(build: Build) -> None:
    check_app(functions_of(build), HOST_JSON, SETTINGS)


@pytest.mark.parametrize(
    ("build", "cause"),
    [
        (route("admin/users"), "admin"),
        (route("Administration"), "admin"),
        (route("runtimes"), "runtime"),
        (route("a/{x:colour}"), "colour"),
        (route("x", "host"), "its name"),
        (route("x", "_one"), "its name"),
        (route("x", "a" * 129), "its name"),
        (both(route("x", "Same"), route("y", "same")), "upper and lower case"),
        (both(route("t/{id}", "one"), route("T/{number}", "two")), "both answer"),
        (both(route("t", "one", methods=["GET", "POST"]), route("t", "two", methods=["POST"])), "both answer"),
        (route("x", trigger_arg_name="my_request"), "my_request"),
        (timer("0 */5 * * * *", arg_name="my_timer"), "my_timer"),
        (timer("%MISSING%"), "MISSING"),
        (timer("00:05:00"), "App Service plans"),
        (timer("every five minutes"), "NCRONTAB"),
        (timer("0 61 * * * *"), "NCRONTAB"),
        (timer("0 0 0 L * *"), "NCRONTAB"),
        (timer("0 0 0 * * 7"), "weekdays from 0"),
        (timer("0 0 0 1 * 1"), "only one of them"),
        (queue("no_underscores"), "no queue name"),
        (queue("ab"), "no queue name"),
        (queue("%QUEUE%"), "QUEUE"),
        (queue(connection="OtherStorage"), "OtherStorage"),
        (lambda app: app.blob_trigger("blob", "a/b", "AzureWebJobsStorage")(named("one")), "no door for blobTrigger"),
        (
            lambda app: app.retry("fixed_delay", "3", delay_interval="00:00:05")(
                app.queue_trigger("message", "some-queue", "AzureWebJobsStorage")(named("one"))
            ),
            "retry policy",
        ),
    ],
)
def test_unsound_apps_are_refused_with_function_and_cause(build: Build, cause: str) -> None:
    with pytest.raises(HostError, match=r"- functions? ") as refusal:
        check_app(functions_of(build), HOST_JSON, SETTINGS)
    assert cause in str(refusal.value)


def test_everything_is_told_at_once() -> None:
    with pytest.raises(HostError) as refusal:
        check_app(functions_of(both(route("admin", "one"), route("runtime", "two"))), HOST_JSON, SETTINGS)
    assert "function one:" in str(refusal.value)
    assert "function two:" in str(refusal.value)


def test_a_slash_before_the_route_is_refused_where_there_is_a_prefix() -> None:
    with pytest.raises(HostError, match="begins with a slash"):
        check_app(functions_of(route("/x")), HostJson(route_prefix="api"), SETTINGS)


def test_queues_need_the_extension_bundle() -> None:
    with pytest.raises(HostError, match="extensionBundle"):
        check_app(functions_of(queue()), HostJson(has_extension_bundle=False), SETTINGS)


def test_timers_and_http_do_not_need_it() -> None:
    check_app(functions_of(both(timer("0 * * * * *"), route("x", "two"))), HostJson(route_prefix=""), {})


@pytest.mark.parametrize(
    "settings",
    [
        {"AzureWebJobsOther": "UseDevelopmentStorage=true"},
        {"Other": "UseDevelopmentStorage=true"},
        {"Other__queueServiceUri": "https://x.queue.core.windows.net"},
        {"Other__accountName": "x"},
    ],
)
def test_a_connection_is_found_under_all_its_names(settings: dict[str, str]) -> None:
    check_app(functions_of(queue(connection="Other")), HOST_JSON, settings)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"version": "1.0"}',
        '{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}',
        '{"version": "2.0", "extensions": {"queues": {"batchsize": 8}}}',
        '{"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 0}}}',
        '{"version": "2.0", "extensions": {"queues": {"visibilityTimeout": "1 minute"}}}',
        '{"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}}',
        '{"version": "2.0", "extensions": {"http": {"prefix": ""}}}',
    ],
)
def test_a_wrong_host_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(HostError, match=r"host\.json"):
        read_host_json(path)


def test_host_json_has_the_defaults_of_the_real_host(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text('{"version": "2.0"}')
    read = read_host_json(path)
    assert read.route_prefix == "api"
    assert (read.queues.batch_size, read.queues.new_batch_threshold, read.queues.max_dequeue_count) == (16, 8, 5)
    assert (read.queues.visibility_timeout, read.queues.max_polling_interval) == (0, 60)
