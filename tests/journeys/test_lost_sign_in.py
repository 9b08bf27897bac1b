"""A connection loses its sign-in, rests, and goes on where it stopped: one alert, nothing lost, nothing doubled."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from dev.graph import Fault
from shared import runtime
from shared.graph.limits import SIGN_IN_CHANGED_PAUSE
from shared.runtime import Runtime
from shared.work import LONGEST_DELAY
from tests.certificates import make_pair
from tests.tampering import Carry, answer, tamper_with_graph
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

ANOTHER_SECRET = "another-planted-secret-Qy92"
BOXES = [f"box{index}@contoso.com" for index in range(10)]


class Hook:
    """Takes alerts. ``answers``: the statuses of the next ones; 200 when there are none left."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = hook.answers.pop(0) if hook.answers else 200
                if status == 200:
                    hook.alerts.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=secret-key-of-the-hook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def desk(world: World, hook: Hook) -> World:
    world.start(ALERT_WEBHOOK_URL=hook.url)
    world.connect()
    return world


def lose(world: World) -> None:
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    world.emulator.expire_tokens()


def state(world: World) -> str:
    return str(world.get("/connections/contoso")["state"])


def mend(world: World) -> None:
    world.emulator.faults.clear()
    assert world.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET}).status == 200
    world.settle()


@pytest.mark.requirement("CONN-9")
def test_ten_mailboxes_that_lose_their_sign_in_at_once_raise_one_alert_and_lose_no_mail(
    desk: World, hook: Hook
) -> None:
    for box in BOXES:
        desk.add_mailbox(box, method="scan")
    desk.settle()
    lose(desk)
    for box in BOXES:
        desk.emulator.deliver(box, mail(f"For {box}", to=box))
    desk.scan()
    assert state(desk) == "needs_sign_in"
    assert [(each["kind"], each["connection_id"]) for each in hook.alerts] == [("connection_lost", "contoso")]
    assert "AADSTS7000222" in hook.alerts[0]["cause"]
    assert hook.alerts[0]["cure"]
    assert any(each["code"] == "connection_lost" for each in desk.get("/health")["issues"])

    desk.meter.start()
    for _ in range(3):
        desk.advance(300)
        desk.scan()
    desk.host.run_timer("reconcile_subscriptions")
    assert desk.meter.count("graph") == 0, "a connection that rests asks nothing"

    mend(desk)
    assert state(desk) == "connected"
    assert sorted(each["subject"] for each in desk.tickets()) == sorted(f"For {box}" for box in BOXES)
    desk.advance(400)
    desk.host.make_visible()
    desk.scan()
    assert len(desk.tickets()) == len(BOXES)
    assert len(hook.alerts) == 1


@pytest.mark.requirement("CONN-9")
def test_two_connections_of_one_app_both_rest(desk: World, hook: Hook) -> None:
    desk.connect()
    names = [each["connection_id"] for each in desk.get("/connections")["items"]]
    for box, name in zip(BOXES, names, strict=False):
        desk.add_mailbox(box, connection_id=name, method="scan")
    desk.settle()
    lose(desk)
    desk.scan()
    assert {each["state"] for each in desk.get("/connections")["items"]} == {"needs_sign_in"}
    assert sorted(each["connection_id"] for each in hook.alerts) == sorted(names)


@pytest.mark.requirement("CONN-9")
def test_a_new_secret_that_is_wrong_as_well_wakes_nobody(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    lose(desk)
    desk.scan()
    desk.emulator.faults.clear()
    wrong = {"client_secret": "another-wrong-secret"}
    assert desk.api("PUT", "/connections/contoso/secret", wrong).json()["state"] == "needs_sign_in"
    desk.meter.start()
    desk.scan()
    assert desk.meter.count("graph") == 0
    assert len(hook.alerts) == 1


@pytest.mark.requirement("CONN-9")
def test_a_sign_in_that_is_back_is_noticed_by_the_hourly_look(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    lose(desk)
    desk.emulator.deliver(SUPPORT, mail())
    desk.scan()
    desk.meter.start()
    desk.host.run_timer("watch_connections")
    assert state(desk) == "needs_sign_in"
    assert 0 < desk.meter.count("graph") <= 3, "the probe, and no more"
    desk.emulator.faults.clear()
    desk.host.run_timer("watch_connections")
    desk.settle()
    assert state(desk) == "connected"
    assert len(desk.tickets()) == 1
    assert len(hook.alerts) == 1


@pytest.mark.requirement("CONN-9", "CONN-10")
def test_what_stays_broken_is_told_once_a_day(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    lose(desk)
    desk.scan()
    for _ in range(4 * 24):
        desk.advance(3600)
        desk.host.run_timer("watch_connections")
    desk.settle()
    days = [each["raised_at"][:10] for each in hook.alerts]
    assert len(days) == len(set(days)) == 5


@pytest.mark.requirement("CONN-9")
def test_graph_that_refuses_a_fresh_token_counts_as_a_lost_sign_in(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    desk.emulator.faults.add(Fault(kind="revoke_sign_in", path="/v1.0/"))
    desk.scan()
    assert state(desk) == "needs_sign_in"
    assert len(hook.alerts) == 1


@pytest.mark.requirement("CONN-9")
def test_graph_that_goes_on_refusing_tokens_that_entra_gives_is_told_once(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    desk.emulator.faults.add(Fault(kind="revoke_sign_in", path="/v1.0/"))
    for _ in range(4):
        desk.scan()
        desk.host.run_timer("watch_connections")
        desk.settle()
    assert state(desk) == "needs_sign_in"
    assert len(hook.alerts) == 1
    desk.emulator.faults.clear()
    desk.host.run_timer("watch_connections")
    assert state(desk) == "connected"


@pytest.mark.requirement("CONN-9")
def test_an_alert_that_nobody_takes_is_sent_again_until_somebody_does(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    hook.answers = [500, 302]
    lose(desk)
    desk.scan()
    for _ in range(4):
        desk.advance(3600)
        desk.host.run_timer("watch_connections")
        desk.settle()
    assert hook.answers == []
    assert [each["id"] for each in hook.alerts].count(hook.alerts[0]["id"]) == 1
    assert "secret-key-of-the-hook" not in str(desk.get("/set-aside"))


@pytest.mark.requirement("CONN-9")
def test_an_alert_whose_message_was_lost_is_sent_by_the_hourly_look(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    lose(desk)
    desk.meter.kill_after(None)
    desk.rt.queues.put_text("alerts", "{}")  # the queue is there; the message of the alert is lost below
    desk.host.run_timer("scan_mailboxes")
    while desk.host.step("mailbox-sync"):
        pass
    from azure.storage.queue import QueueClient  # noqa: PLC0415 - only here

    connection = desk.rt.settings.storage_connection.get_secret_value()
    QueueClient.from_connection_string(connection, "alerts").clear_messages()
    desk.advance(3600)
    desk.host.run_timer("watch_connections")
    desk.settle()
    assert hook.alerts[0]["kind"] == "connection_lost"


@pytest.mark.requirement("CONN-9")
def test_a_person_disconnects_and_connects_again(desk: World, hook: Hook) -> None:
    desk.add_mailbox()
    desk.settle()
    assert desk.api("POST", "/connections/contoso/disconnect").json()["state"] == "disconnected"
    desk.emulator.deliver(SUPPORT, mail())
    desk.meter.start()
    desk.scan()
    for timer in ("reconcile_subscriptions", "watch_connections"):
        desk.host.run_timer(timer)
    assert desk.meter.count("graph") == 0
    assert desk.tickets() == []
    assert "connection_off" in {each["code"] for each in desk.get("/health")["issues"]}
    assert desk.api("GET", "/connections/contoso/users").status == 409
    assert desk.api("POST", "/connections/contoso/connect").json()["state"] == "connected"
    desk.settle()
    assert len(desk.tickets()) == 1
    assert hook.alerts == []


@pytest.mark.requirement("CONN-9")
def test_of_two_connections_of_one_app_each_hears_of_its_own_loss(desk: World, hook: Hook) -> None:
    desk.add_mailbox(BOXES[0], method="scan")
    desk.settle()
    second = {"name": "Second", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert desk.api("POST", "/connections", second).status == 201
    desk.add_mailbox(BOXES[1], connection_id="second", method="scan")
    desk.scan()
    assert desk.api("POST", "/connections/contoso/disconnect").status == 200
    lose(desk)
    desk.scan()
    assert (state(desk), desk.get("/connections/second")["state"]) == ("disconnected", "needs_sign_in")
    assert [each["connection_id"] for each in hook.alerts] == ["second"]


def act_as(world: World, process: Runtime) -> None:
    """What is woken from now on is this process."""
    world.rt = process
    runtime.use(process)


@pytest.mark.requirement("CONN-3", "CONN-9")
def test_a_process_that_knows_only_the_secret_of_before_loses_nothing(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()  # its first round is over, and not beside the scan's
    desk.scan()
    old = desk.rt
    new = desk.start(ALERT_WEBHOOK_URL=hook.url)
    desk.emulator.add_app(TENANT, CLIENT, ANOTHER_SECRET)
    desk.emulator.expire_tokens()
    assert desk.api("PUT", "/connections/contoso/secret", {"client_secret": ANOTHER_SECRET}).status == 200
    desk.emulator.deliver(SUPPORT, mail())
    act_as(desk, old)
    before = token_requests(desk)
    desk.scan()
    desk.advance(SIGN_IN_CHANGED_PAUSE + 1)
    desk.scan()
    assert token_requests(desk) >= before + 2, "it asked with the secret of before, and then with the new one"
    assert len(desk.tickets()) == 1
    for process in (old, new):
        act_as(desk, process)
        assert state(desk) == "connected"
        assert desk.get("/health")["issues"] == []
    assert hook.alerts == []


@pytest.mark.requirement("CONN-3", "CONN-9")
def test_who_shares_an_app_with_a_mended_connection_still_hears_of_its_own_loss(desk: World, hook: Hook) -> None:
    second = {"name": "Second", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert desk.api("POST", "/connections", second).status == 201
    desk.add_mailbox(BOXES[0], method="scan")
    desk.add_mailbox(BOXES[1], connection_id="second", method="scan")
    desk.scan()
    desk.emulator.add_app(TENANT, CLIENT, ANOTHER_SECRET)
    desk.emulator.expire_tokens()
    assert desk.api("PUT", "/connections/contoso/secret", {"client_secret": ANOTHER_SECRET}).status == 200
    desk.scan()
    desk.host.make_visible()
    desk.scan()
    assert (state(desk), desk.get("/connections/second")["state"]) == ("connected", "needs_sign_in")
    for _ in range(24):
        desk.advance(3600)
        desk.host.run_timer("watch_connections")
    desk.settle()
    assert [each["connection_id"] for each in hook.alerts] == ["second"] * 2, "at once, and the next day"


@pytest.mark.requirement("CONN-9")
def test_what_a_person_disconnects_while_its_sign_in_is_tried_stays_disconnected(desk: World) -> None:
    lose(desk)
    assert desk.api("POST", "/connections/contoso/test").json()["ok"] is False
    desk.emulator.faults.clear()

    def interrupted(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if "/token" in str(request.url):
            assert desk.api("POST", "/connections/contoso/disconnect").status == 200
        return carry()

    tamper_with_graph(desk, interrupted)
    desk.host.run_timer("watch_connections")
    assert state(desk) == "disconnected"
    assert desk.api("POST", "/connections/contoso/connect").json()["state"] == "connected"


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("where", ["/token", "openid-configuration"])
@pytest.mark.parametrize(
    "given",
    [
        (200, b'{"access_token": "half-a-tok'),
        (200, b"<html>Sign in to the network</html>"),
        (429, b'{"error": "temporarily_unavailable"}'),
        (429, b"<html>Slow down</html>"),
        (408, b""),
        (503, b"<html>Our services are not available</html>"),
    ],
)
def test_what_is_no_answer_of_entra_loses_no_sign_in_and_is_not_logged(
    desk: World, hook: Hook, caplog: pytest.LogCaptureFixture, where: str, given: tuple[int, bytes]
) -> None:
    desk.add_mailbox(method="scan")

    def replaced(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        return answer(request, *given) if where in str(request.url) else carry()

    tamper_with_graph(desk, replaced)
    desk.scan()
    assert state(desk) == "connected"
    assert hook.alerts == []
    assert "half-a-tok" not in caplog.text


@pytest.mark.requirement("CONN-9")
def test_an_alert_that_nobody_takes_does_not_multiply(desk: World, hook: Hook) -> None:
    desk.add_mailbox(method="scan")
    desk.settle()
    lose(desk)
    hook.answers = [500] * 5
    desk.scan()
    desk.advance(LONGEST_DELAY)
    desk.host.run_timer("watch_connections")
    raised = list(desk.rt.tables["Alerts"].range("alerts", high="~"))
    assert desk.rt.queues.length("alerts") == len(raised), "one message each, which is tried again and again"


@pytest.mark.requirement("CONN-12")
def test_a_copy_of_the_data_in_another_environment_does_nothing(desk: World) -> None:
    mailbox_id = desk.add_mailbox()
    desk.settle()
    desk.start(ENVIRONMENT="staging")
    desk.emulator.deliver(SUPPORT, mail())
    desk.meter.start()
    desk.scan()
    for timer in ("reconcile_subscriptions", "watch_connections"):
        desk.host.run_timer(timer)
    desk.api("POST", f"/mailboxes/{mailbox_id}/fetch")
    desk.settle()
    assert desk.meter.count("graph") == 0
    assert desk.tickets() == []
    assert desk.api("PATCH", "/connections/contoso", {"environment": "*"}).status == 200
    desk.scan()
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("CONN-10")
def test_a_secret_near_its_end_is_told_of_once_for_each_warning(desk: World, hook: Hook) -> None:
    ends = desk.clock.now().date().toordinal() + 40
    day = desk.clock.now().date().fromordinal(ends).isoformat()
    given = {"client_secret": CLIENT_SECRET, "secret_ends_on": day}
    assert desk.api("PUT", "/connections/contoso/secret", given).json()["ends_at"].startswith(day)
    told: list[tuple[int, str]] = []
    for passed in range(1, 44):
        desk.advance(86_400)
        for _ in range(2):
            desk.host.run_timer("watch_connections")
        desk.settle()
        told += [(40 - passed, each["kind"]) for each in hook.alerts[len(told) :]]
    assert [left for left, kind in told if kind == "credential_ends"] == [30, 14, 7, 1, 0, -1, -2, -3]
    assert len(told) == 8


@pytest.mark.requirement("CONN-10")
def test_a_certificate_tells_its_own_end(desk: World, hook: Hook) -> None:
    pair = make_pair(desk.clock.now(), days=20)
    desk.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, certificates=(pair.certificate,))
    assert desk.api("PUT", "/connections/contoso/secret", {"certificate": pair.both}).status == 200
    told: list[str] = []
    for _ in range(21):
        desk.host.run_timer("watch_connections")
        desk.advance(86_400)
        desk.settle()
        told += [each["cause"] for each in hook.alerts[len(told) :]]
    expected = ("20 days", "14 days", "7 days", "1 day,", "ended")
    assert len(told) == len(expected)
    assert all(words in cause for words, cause in zip(expected, told, strict=True)), told


@pytest.mark.requirement("CONN-3", "CONN-9")
def test_ten_functions_that_need_a_token_at_once_ask_for_one(desk: World) -> None:
    for box in BOXES:
        desk.add_mailbox(box, method="scan")
    desk.settle()
    before = token_requests(desk)
    desk.start()
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: desk.api("GET", "/connections/contoso/users").status, range(10)))
    assert token_requests(desk) == before + 1


def token_requests(world: World) -> int:
    counted = world.emulator.statistics.by_template
    return sum(count for name, count in counted.items() if name.endswith("oauth2/v2.0/token"))
