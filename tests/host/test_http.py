"""HTTP triggers: through Microsoft's worker, in process and over a socket."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.host.apps import ROOT, run_script, write_app

APP = """
import asyncio, json, logging, os, time

def described(req: func.HttpRequest) -> str:
    return json.dumps({
        "method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
        "headers": dict(req.headers), "body": req.get_body().decode(),
    })

@app.route(route="echo/{id:int?}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(described(req), mimetype="application/json")

@app.route(route="later/{*rest}", methods=["GET"])
async def later(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.01)
    logging.info("a line of\\nan async function")
    return func.HttpResponse(req.route_params.get("rest", "nothing"))

@app.route(route="shadow/{id}", methods=["GET"])
def a_shadow(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("a_shadow")

@app.route(route="shadow/export", methods=["GET"])
def b_shadow(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("b_shadow")

@app.route(methods=["GET"])
def raises(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("not for the client")

@app.route(methods=["GET"])
def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None

@app.route(methods=["GET"])
def exits(req: func.HttpRequest) -> func.HttpResponse:
    raise SystemExit(3)

@app.route(methods=["GET"])
def sniffed(req: func.HttpRequest) -> str:
    return '{"body": "whole", "status": 418, "headers": {"X-Kind": "teapot"}}'

@app.route(methods=["GET"])
def text(req: func.HttpRequest) -> str:
    return "text"

@app.route(methods=["GET"])
def overstates(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"X-One": "a", "Content-Length": "99", "Connection": "y"})

@app.route(methods=["GET"])
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("x")
    response.headers.add("Set-Cookie", 'one="a b"; Path=/; HttpOnly; SameSite=Strict; Max-Age=60')
    response.headers.add("Set-Cookie", "two=2; Secure")
    response.headers.add("X-Twice", "first")
    response.headers.add("X-Twice", "last")
    return response

@app.route(methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("in")

@app.route(methods=["GET"])
def sleeps(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.3)
    return func.HttpResponse(os.environ["WEBSITE_HOSTNAME"])

runs = []

@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    runs.append([timer.past_due, timer.schedule_status])

@app.route(methods=["GET"])
def ran(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(runs))
"""

SETTINGS = {"SCHEDULE": "0 0 0 1 1 *", "PYTHON_THREADPOOL_THREAD_COUNT": "8"}


class Served:
    """The app above, served by `python -m dev.host` in a process of its own."""

    def __init__(self, folder: Path, schedule: str) -> None:
        write_app(folder, APP)
        settings = folder / "local.settings.json"
        settings.write_text(json.dumps({"IsEncrypted": False, "Values": {**SETTINGS, "SCHEDULE": schedule}}))
        command = [sys.executable, "-m", "dev.host", "--port", "0", "--app", str(folder), "--settings", str(settings)]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)  # noqa: S603  # ours
        deadline = time.monotonic() + 30
        while "ready http" not in self.log.read_text():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        self.url = self.log.read_text().split("ready ")[1].split()[0]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=10)

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def raw(self, request: bytes) -> bytes:
        with socket.create_connection(self.address, timeout=10) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    started = Served(tmp_path_factory.mktemp("app"), "* * * * * *")
    yield started
    assert started.stop() == 0


def test_a_request_reaches_the_function_as_the_real_host_passes_it(served: Served) -> None:
    response, content = served.send("POST", "/echo/7?a=1&a=2&empty=&b=%20x", "hello", {"X-Some-Thing": "Value"})
    told = json.loads(content)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert told["url"] == f"{served.url}/echo/7?a=1&a=2&empty=&b=%20x"
    assert told["params"] == {"a": "1,2", "b": " x"}
    assert told["route"] == {"id": "7"}
    assert told["headers"]["x-some-thing"] == "Value"
    assert told["body"] == "hello"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/echo", 200),
        ("GET", "/ECHO/", 200),
        ("GET", "/echo/x", 404),
        ("PUT", "/echo", 404),
        ("HEAD", "/echo", 404),
        ("GET", "/unknown", 404),
        ("GET", "/raises", 500),
        ("GET", "/nothing", 500),
        ("GET", "/keyed", 401),
        ("GET", "/a%00b", 400),
        ("GET", "/", 200),
        ("GET", "/admin/nothing", 404),
        ("GET", "/later/%2e%2e/echo", 200),
    ],
)
def test_statuses(served: Served, method: str, path: str, status: int) -> None:
    assert served.send(method, path)[0].status == status


def test_a_failed_function_says_nothing_to_the_client(served: Served) -> None:
    assert served.send("GET", "/raises")[1] == b""
    assert "ValueError: not for the client" in served.log.read_text()


def test_the_first_function_by_name_wins(served: Served) -> None:
    assert served.send("GET", "/shadow/export")[1] == b"a_shadow"


def test_text_is_sniffed_for_a_whole_response(served: Served) -> None:
    response, content = served.send("GET", "/sniffed")
    assert (response.status, content, response.headers["x-kind"]) == (418, b"whole", "teapot")
    assert served.send("GET", "/text")[1] == b"text"


def test_repeated_headers_collapse_and_cookies_do_not(served: Served) -> None:
    response, _content = served.send("GET", "/cookies")
    assert response.headers.get_all("x-twice") == ["last"]
    assert response.headers.get_all("set-cookie") == [
        "one=a%20b; max-age=60; path=/; samesite=strict; httponly",
        "two=2; secure",
    ]


def test_the_server_counts_the_body_itself(served: Served) -> None:
    response, content = served.send("GET", "/overstates")
    assert (response.headers["content-length"], content) == ("1", b"x")
    assert response.headers["connection"] is None


def test_a_body_of_20_megabytes(served: Served) -> None:
    body = "x" * 20_000_000
    assert json.loads(served.send("POST", "/echo", body)[1])["body"] == body


def test_connections_are_kept(served: Served) -> None:
    connection = served.connect()
    for number in range(3):
        connection.request("GET", f"/later/{number}")
        assert connection.getresponse().read() == str(number).encode()
    connection.close()


def test_log_lines_tell_function_and_invocation(served: Served) -> None:
    served.send("GET", "/later")
    line = next(line for line in served.log.read_text().splitlines() if "a line of" in line)
    assert " INFO    later " in line


def test_sys_exit_ends_one_invocation_only(served: Served) -> None:
    connection = served.connect()
    connection.request("GET", "/exits")
    time.sleep(0.1)
    assert served.send("GET", "/text")[1] == b"text"
    connection.close()


def test_requests_run_side_by_side(served: Served) -> None:
    connections = [served.connect() for _ in range(6)]
    started = time.monotonic()
    for connection in connections:
        connection.request("GET", "/sleeps")
    hosts = {connection.getresponse().read().decode() for connection in connections}
    assert time.monotonic() - started < 6 * 0.3 / 2
    assert hosts == {served.url.removeprefix("http://")}


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /text HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
        (b"GET /text HTTP/1.1\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /text HTTP/1.1\r\nConnection: close\r\n\r\n", b"200"),
    ],
)
def test_requests_that_are_none(served: Served, request_text: bytes, status: bytes) -> None:
    answer = served.raw(request_text)
    assert answer.split(b" ")[1] == status
    assert b"connection: close" in answer


def test_a_client_that_hangs_up_harms_nobody(served: Served) -> None:
    assert served.raw(b"POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort") == b""
    assert served.send("GET", "/text")[1] == b"text"


def test_timers_run_by_schedule(served: Served) -> None:
    deadline = time.monotonic() + 5
    while not (runs := json.loads(served.send("GET", "/ran")[1])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert runs[0][0] is False


def test_the_admin_api_lists_runs_and_tells(served: Served) -> None:
    assert json.loads(served.send("GET", "/admin/host/status")[1])["state"] == "Running"
    listed = {function["name"] for function in json.loads(served.send("GET", "/admin/functions")[1])}
    assert {"echo", "tick"} <= listed


@pytest.mark.parametrize(
    ("name", "body", "content_type", "status"),
    [
        ("tick", '{"input": ""}', "application/json", 202),
        ("TICK", "{}", "application/json", 202),
        ("tick", '{"input": ""}', "text/plain", 415),
        ("tick", "{", "application/json", 400),
        ("tick", "[]", "application/json", 400),
        ("unknown", "{}", "application/json", 404),
        ("echo", "{}", "application/json", 400),
    ],
)
def test_functions_are_started_by_hand(served: Served, name: str, body: str, content_type: str, status: int) -> None:
    path = f"/admin/functions/{name}"
    assert served.send("POST", path, body, {"Content-Type": content_type})[0].status == status


def in_process(folder: Path, script: str) -> Any:
    return run_script(write_app(folder, APP), SETTINGS, script)


def test_the_same_without_a_socket(tmp_path: Path) -> None:
    answer = in_process(
        tmp_path, "answer = host.http('POST', '/echo/3?x=y', {'A': 'b'}, 'body')\nresult = answer.json()"
    )
    assert answer["url"] == "http://localhost/echo/3?x=y"
    assert (answer["route"], answer["body"], answer["headers"]["a"]) == ({"id": "3"}, "body", "b")


def test_a_timer_is_run_now(tmp_path: Path) -> None:
    first, second = in_process(
        tmp_path,
        "import function_app\nfor past_due in (False, True):\n    host.run_timer('tick', past_due)\n"
        "result = function_app.runs",
    )
    assert first[0] is False
    assert second[0] is True
    assert set(second[1]) == {"Last", "LastUpdated", "Next"}


def test_with_a_master_key_the_host_asks_for_it(tmp_path: Path) -> None:
    script = """
    host.stop()
    host = Host(Path(sys.argv[1]), json.loads(sys.argv[2]), master_key="secret")
    key = {"x-functions-key": "secret"}
    result = [
        host.http("GET", "/keyed").status,
        host.http("GET", "/keyed", {"x-functions-key": "wrong"}).status,
        host.http("GET", "/keyed", key).status,
        host.http("GET", "/keyed?code=secret").status,
        host.http("GET", "/admin/functions").status,
        host.http("GET", "/admin/functions", key).status,
    ]
    """
    assert in_process(tmp_path, script) == [401, 401, 200, 200, 401, 200]


def test_settings_are_environment_variables_until_the_end(tmp_path: Path) -> None:
    script = (
        "import os\nbefore = os.environ.get('SCHEDULE')\nhost.stop()\nresult = [before, os.environ.get('SCHEDULE')]"
    )
    assert in_process(tmp_path, script) == [SETTINGS["SCHEDULE"], None]


def test_what_http_wakes_can_run_apart_from_the_rest(tmp_path: Path) -> None:
    source = """
    @app.route(methods=["GET"])
    def by_http(req: func.HttpRequest) -> str:
        return "here"

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    def by_timer(timer: func.TimerRequest) -> None:
        pass
    """
    script = """
    groups = {"all": host, **{name: Host(Path(sys.argv[1]), {}, group=name) for name in ("http", "background")}}
    result = {name: [sorted(one.functions), one.http("GET", "/by_http").status] for name, one in groups.items()}
    """
    assert run_script(write_app(tmp_path, source), {}, script) == {
        "all": [["by_http", "by_timer"], 200],
        "http": [["by_http"], 200],
        "background": [["by_timer"], 404],
    }
