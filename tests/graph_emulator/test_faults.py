"""Faults and limits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests

from dev.graph import Fault
from dev.graph.faults import Kind
from tests.graph_emulator.bench import CLIENT, HELP, IMMUTABLE, SECRET, TENANT, Bench

MESSAGES = f"users/{HELP}/messages"


def statuses(bench: Bench, count: int, path: str = MESSAGES) -> list[int]:
    return [bench.get(path).status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "ApplicationThrottled"),
        ("unavailable", 503, "serviceNotAvailable"),
        ("timeout", 504, "UnknownError"),
    ],
)
def test_refusals_on_demand(bench: Bench, kind: Kind, status: int, code: str) -> None:
    bench.emulator.faults.add(Fault(kind=kind, times=1))
    assert bench.refused("GET", MESSAGES) == (status, code)
    assert statuses(bench, 1) == [200]


def test_retry_after_in_its_three_forms(bench: Bench) -> None:
    def header(value: int | str | None) -> str | None:
        bench.emulator.faults.clear()
        bench.emulator.faults.add(Fault(kind="throttle", retry_after=value))  # type: ignore[arg-type]  # all three forms
        return bench.get(MESSAGES).headers.get("Retry-After")

    assert header(7) == "7"
    assert header(None) is None
    bench.emulator.clock.advance(86_400)
    until = parsedate_to_datetime(str(header("date")))
    assert (until - bench.emulator.clock.now()).total_seconds() <= 2


def test_a_chosen_refusal(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="refuse", status=423, error="ErrorMailboxMoveInProgress"))
    assert bench.refused("GET", MESSAGES) == (423, "ErrorMailboxMoveInProgress")


def test_which_requests_a_fault_strikes(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "other@contoso.com")
    bench.emulator.faults.add(Fault(kind="unavailable", method="GET", path=r"/messages\?\$top=1$", mailbox=HELP))
    assert bench.get(f"{MESSAGES}?$top=1").status_code == 503
    assert bench.get(f"{MESSAGES}?$top=2").status_code == 200
    assert bench.get("users/other@contoso.com/messages?$top=1").status_code == 200
    by_id = Fault(kind="timeout", mailbox=bench.user.id)
    bench.emulator.faults.add(by_id)
    assert bench.get(f"{MESSAGES}?$top=2").status_code == 504
    assert by_id.struck == 1


def test_skip_times_and_probability(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="unavailable", skip=2, times=2))
    assert statuses(bench, 6) == [200, 200, 503, 503, 200, 200]
    bench.emulator.faults.clear()
    half = bench.emulator.faults.add(Fault(kind="unavailable", probability=0.5, seed=3))
    assert 60 < sum(status == 503 for status in statuses(bench, 200)) < 140
    assert half.struck == sum(one["status"] == 503 for one in bench.emulator.exchanges[-200:])


def test_an_answer_is_lost_after_the_deed(bench: Bench) -> None:
    key = bench.deliver()[0]
    bench.emulator.faults.add(Fault(kind="lost_answer", method="POST", path="/move$", times=1))
    with pytest.raises(requests.ConnectionError):
        bench.call("POST", f"{MESSAGES}/{key}/move", {"destinationId": "archive"}, IMMUTABLE)
    assert len(bench.emulator.messages(HELP, "archive")) == 1


def test_a_refused_connection_does_nothing(bench: Bench) -> None:
    key = bench.deliver()[0]
    bench.emulator.faults.add(Fault(kind="refuse_connection", method="POST", times=1))
    with pytest.raises(requests.ConnectionError):
        bench.call("POST", f"{MESSAGES}/{key}/move", {"destinationId": "archive"}, IMMUTABLE)
    assert len(bench.emulator.messages(HELP)) == 1


def test_a_slow_answer_runs_into_the_clients_timeout(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="latency", seconds=0.05))
    with pytest.raises(requests.ReadTimeout):
        bench.call("GET", MESSAGES, timeout=(1, 0.01))
    assert bench.call("GET", MESSAGES, timeout=1).status_code == 200


def test_faults_reach_the_sign_in(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="unavailable", path="/oauth2/v2.0/token$", times=1))
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    url = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    body = {**form, "scope": "https://graph.microsoft.com/.default"}
    away = bench.session.post(url, data=body)
    assert (away.status_code, away.json()["error_codes"]) == (503, [90033])
    bench.emulator.faults.add(Fault(kind="revoke_sign_in", path="/oauth2/", code=90033, times=1))
    assert bench.session.post(url, data=body).json()["error"] == "temporarily_unavailable"
    assert bench.session.post(url, data=body).status_code == 200


def test_a_fifth_request_at_once_is_turned_away(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "other@contoso.com")
    bench.emulator.faults.add(Fault(kind="latency", seconds=0.15))
    ready = threading.Barrier(9)

    def ask(address: str) -> tuple[str, int, str | None]:
        ready.wait()
        answer = bench.get(f"users/{address}/messages")
        return address, answer.status_code, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(9) as pool:
        found = list(pool.map(ask, [HELP] * 5 + ["other@contoso.com"] * 4))
    mine = sorted(status for address, status, _ in found if address == HELP)
    assert mine == [200, 200, 200, 200, 429]
    assert {status for address, status, _ in found if address != HELP} == {200}
    assert all(wait for _, status, wait in found if status == 429)
    assert bench.emulator.statistics.max_concurrency(HELP) == 5


def test_ten_thousand_requests_in_ten_minutes(bench: Bench) -> None:
    bench.emulator.raise_request_limit(20)
    assert statuses(bench, 25) == [200] * 20 + [429] * 5
    bench.emulator.clock.advance(300)
    assert statuses(bench, 1) == [429]
    bench.emulator.clock.advance(301)
    assert statuses(bench, 3) == [200] * 3
    assert bench.get("users").status_code == 200


def test_requests_that_are_turned_away_count_too(bench: Bench) -> None:
    bench.emulator.raise_request_limit(5)
    statuses(bench, 5)
    bench.emulator.clock.advance(500)
    assert statuses(bench, 5) == [429] * 5
    bench.emulator.clock.advance(200)
    assert statuses(bench, 1) == [429]


def test_the_figures(bench: Bench) -> None:
    before = bench.emulator.statistics.requests_total
    bench.get(MESSAGES)
    bench.get("users/nobody@contoso.com")
    found = bench.emulator.statistics
    assert found.requests_total == before + 2
    assert found.by_template["GET users/{user}/messages"] == 1
    assert found.by_template["GET users/{user}"] == 1
    assert found.by_status[404] == 1


def test_other_hosts_cannot_be_reached(bench: Bench) -> None:
    with pytest.raises(requests.ConnectionError):
        bench.session.get("https://example.com/")


def test_recording_can_be_switched_off(bench: Bench) -> None:
    bench.emulator.recording = False
    before = len(bench.emulator.exchanges)
    bench.get(MESSAGES)
    assert len(bench.emulator.exchanges) == before
