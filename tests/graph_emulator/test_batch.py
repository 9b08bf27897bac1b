from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from dev.graph import Fault
from tests.graph_emulator.bench import HELP, MAIL, TENANT, Bench

MESSAGES = f"/users/{HELP}/messages"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
JSON = {"Content-Type": "application/json"}


def step(number: int, method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "method": method, "url": url, **more}


def run(bench: Bench, *steps: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = bench.call("POST", "$batch", {"requests": list(steps)})
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["responses"]}


def test_each_request_has_its_own_answer(bench: Bench) -> None:
    key = bench.emulator.deliver(HELP, MAIL)
    found = run(
        bench,
        step(1, "GET", f"{MESSAGES}/{key}?$select=subject", headers=IMMUTABLE),
        step(2, "GET", f"{MESSAGES}/{key}/$value", headers=IMMUTABLE),
        step(3, "PATCH", f"{MESSAGES}/{key}", headers={**IMMUTABLE, **JSON}, body={"isRead": True}),
        step(4, "GET", "/users/nobody@contoso.com"),
        step(5, "DELETE", f"{MESSAGES}/{key}", headers=IMMUTABLE, dependsOn=["1", "2", "3"]),
    )
    assert [found[str(i)]["status"] for i in range(1, 6)] == [200, 200, 200, 404, 204]
    assert found["1"]["body"]["subject"] == "Printer"
    assert b64decode(found["2"]["body"]) == MAIL
    assert found["4"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert "request-id" in found["1"]["headers"]


def test_what_depends_on_a_failure_fails_too(bench: Bench) -> None:
    found = run(
        bench,
        step(1, "GET", "/users/nobody@contoso.com"),
        step(2, "GET", f"/users/{HELP}", dependsOn=["1"]),
        step(3, "GET", f"/users/{HELP}", dependsOn=["2"]),
        step(4, "GET", f"/users/{HELP}"),
    )
    assert [found[str(i)]["status"] for i in range(1, 5)] == [404, 424, 424, 200]


def test_outlook_is_asked_four_at_a_time(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="latency", seconds=0.02, path="/messages"))
    found = run(bench, *(step(i, "GET", f"{MESSAGES}?$top=1") for i in range(20)))
    assert {one["status"] for one in found.values()} == {200}
    assert bench.emulator.statistics.max_concurrency(HELP) == 4


def test_throttling_strikes_single_requests(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "other@contoso.com")
    bench.emulator.faults.add(Fault(kind="throttle", mailbox="other@contoso.com", retry_after=7))
    found = run(bench, step(1, "GET", MESSAGES), step(2, "GET", "/users/other@contoso.com/messages"))
    assert [found["1"]["status"], found["2"]["status"]] == [200, 429]
    assert found["2"]["headers"]["Retry-After"] == "7"


def test_a_lost_answer_inside_is_504(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="lost_answer", path="/messages"))
    assert run(bench, step(1, "GET", MESSAGES))["1"]["status"] == 504


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [step(i, "GET", "/users") for i in range(21)],
        [step(1, "GET", "/users"), step(1, "GET", "/users")],
        [step(1, "GET", "/users", dependsOn=["2"])],
        [step(1, "GET", "/users", dependsOn=["2"]), step(2, "GET", "/users", dependsOn=["1"])],
        [step(1, "GET", "https://graph.microsoft.com/v1.0/users")],
        [step(1, "GET", "/v1.0/users")],
        [step(1, "PATCH", f"{MESSAGES}/x", body={"isRead": True})],
        [{"id": 1, "method": "GET", "url": "/users"}],
        [{"id": "1", "url": "/users"}],
    ],
)
def test_batches_that_are_refused_as_a_whole(bench: Bench, steps: list[dict[str, Any]]) -> None:
    assert bench.refused("POST", "$batch", {"requests": steps}) == (400, "BadRequest")
