from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from tests.graph_emulator.bench import CLIENT, HELP, TENANT, Bench


def minutes_left(bench: Bench, body: dict[str, Any]) -> float:
    expires = datetime.fromisoformat(body["expirationDateTime"])
    return (expires - bench.emulator.clock.now()).total_seconds() / 60


def ahead(bench: Bench, minutes: float) -> str:
    return (bench.emulator.clock.now() + timedelta(minutes=minutes)).isoformat()


def test_creation_validates_both_urls(bench: Bench) -> None:
    answer = bench.subscribe()
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["applicationId"], body["clientState"]) == (CLIENT, "state")
    first, second = bench.receiver.validated
    assert first.startswith("https://app.contoso.com/notifications?route=1&validationToken=")
    assert second.startswith("https://app.contoso.com/lifecycle?validationToken=")
    assert " " not in first
    assert "+/%" in unquote(first)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, "", {}), "must respond with 200 OK"),
        ((0, "", {}), "must respond with 200 OK"),
        ((200, "something else", {}), "must exactly match"),
        ((200, "Validation%3A%20Testing", {}), "must exactly match"),
    ],
)
def test_a_url_that_does_not_validate_is_refused(
    bench: Bench, answer: tuple[int, str, dict[str, str]], message: str
) -> None:
    bench.keeps_the_contract = False
    bench.receiver.answer_to_validation = answer
    found = bench.subscribe()
    assert found.status_code == 400
    assert found.json()["error"]["code"] == "ValidationError"
    assert message in found.json()["error"]["message"]
    assert bench.emulator.subscriptions() == []


def test_the_token_must_come_back_as_plain_text(bench: Bench) -> None:
    bench.keeps_the_contract = False
    inner = bench.receiver

    def as_html(url: str, headers: dict[str, str], body: bytes) -> tuple[int, str, dict[str, str]]:
        status, text, _ = inner(url, headers, body)
        return status, text, {"Content-Type": "text/html"}

    bench.emulator.gateway.post._send = as_html
    assert bench.subscribe().status_code == 400


@pytest.mark.parametrize(
    "resource",
    [
        "users/{id}/messages",
        "/users/{id}/messages",
        "users/{upn}/mailFolders('inbox')/messages",
        "/users('{id}')/mailFolders/inbox/messages",
        "users/{id}/mailFolders/{folder}/messages",
    ],
)
def test_forms_of_the_resource(bench: Bench, resource: str) -> None:
    folder = bench.json(f"users/{HELP}/mailFolders/inbox")["id"]
    wanted = resource.format(id=bench.user.id, upn=HELP, folder=folder)
    answer = bench.subscribe(resource=wanted)
    assert answer.status_code == 201, answer.text
    assert answer.json()["resource"] == wanted


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"resource": "users"}, 400),
        ({"resource": "users/nobody@contoso.com/messages"}, 404),
        ({"resource": f"users/{HELP}/mailFolders('Processed')/messages"}, 400),
        ({"resource": f"users/{HELP}/messages?$filter=isRead eq false"}, 501),
        ({"resource": None}, 400),
        ({"changeType": "moved"}, 400),
        ({"changeType": "created,created"}, 400),
        ({"changeType": None}, 400),
        ({"notificationUrl": "http://app.contoso.com/x"}, 400),
        ({"notificationUrl": "ftp://app.contoso.com/x"}, 400),
        ({"lifecycleNotificationUrl": "http://app.contoso.com/x"}, 400),
        ({"clientState": "x" * 129}, 400),
        ({"latestSupportedTlsVersion": "v9"}, 400),
        ({"expirationDateTime": "soon"}, 400),
        ({"expirationDateTime": "2020-01-01T00:00:00Z"}, 400),
        ({"colour": "red"}, 400),
        ({"includeResourceData": True}, 501),
    ],
)
def test_subscriptions_that_are_refused(bench: Bench, changed: dict[str, Any], status: int) -> None:
    assert bench.subscribe(**changed).status_code == status
    assert bench.receiver.validated == []


def test_http_is_allowed_to_this_machine(bench: Bench) -> None:
    assert bench.subscribe(notificationUrl="http://localhost:7071/x").status_code == 201


def test_how_long_it_may_live(bench: Bench) -> None:
    too_long = bench.subscribe(expirationDateTime=ahead(bench, 10_075))
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (400, "ExtensionError")
    assert "10070 minutes" in too_long.json()["error"]["message"]
    short = bench.subscribe(expirationDateTime=ahead(bench, 5)).json()
    assert 44 < minutes_left(bench, short) <= 45
    bench.emulator.clock.advance(46 * 60)
    assert bench.emulator.subscriptions() == []
    assert bench.refused("GET", f"subscriptions/{short['id']}") == (404, "ResourceNotFound")


def test_the_same_one_twice_is_a_conflict(bench: Bench) -> None:
    assert bench.subscribe().status_code == 201
    twin = bench.subscribe(changeType="deleted,created,updated", notificationUrl="https://app.contoso.com/other")
    assert (twin.status_code, twin.json()["error"]["code"]) == (409, "Conflict")
    assert bench.subscribe(changeType="created").status_code == 201


def test_a_mailbox_has_room_for_a_thousand(bench: Bench) -> None:
    first = bench.subscribe()
    one = bench.emulator.subscriptions()[0]
    for number in range(999):
        bench.emulator.gateway.subscriptions.add(
            type(one)(**{**vars(one), "id": str(number), "client_id": str(number)})
        )
    full = bench.subscribe(changeType="created")
    assert (first.status_code, full.status_code) == (201, 403)
    assert "1000" in full.json()["error"]["message"]


def test_renewal(bench: Bench) -> None:
    found = bench.subscribe(expirationDateTime=ahead(bench, 60)).json()
    path = f"subscriptions/{found['id']}"
    renewed = bench.call("PATCH", path, {"expirationDateTime": ahead(bench, 5_000)})
    assert renewed.status_code == 200
    assert 4_999 < minutes_left(bench, renewed.json()) <= 5_000
    moved = bench.call("PATCH", path, {"notificationUrl": "https://app.contoso.com/new"})
    assert moved.json()["notificationUrl"] == "https://app.contoso.com/new"
    assert bench.receiver.validated[-1].startswith("https://app.contoso.com/new?")
    for body in ({"lifecycleNotificationUrl": "https://app.contoso.com/x"}, {"clientState": "x"}):
        assert bench.refused("PATCH", path, body) == (400, "InvalidRequest")
    assert bench.refused("PATCH", path, {"expirationDateTime": ahead(bench, 20_000)}) == (400, "ExtensionError")
    assert bench.call("POST", f"{path}/reauthorize").status_code == 204


def test_an_app_sees_only_its_own(bench: Bench) -> None:
    found = bench.subscribe().json()
    assert [row["id"] for row in bench.rows("subscriptions")] == [found["id"]]
    assert bench.json(f"subscriptions/{found['id']}")["id"] == found["id"]
    other = "77777777-7777-4888-8999-000000000000"
    bench.emulator.add_app(TENANT, other, "x")
    bench.token = bench.sign_in(other, "x")["access_token"]
    assert bench.rows("subscriptions") == []
    assert bench.refused("DELETE", f"subscriptions/{found['id']}") == (404, "ResourceNotFound")


def test_many_are_listed_in_pages(bench: Bench) -> None:
    bench.subscribe()
    one = bench.emulator.subscriptions()[0]
    for number in range(149):
        bench.emulator.gateway.subscriptions.add(
            type(one)(**{**vars(one), "id": f"0{number}", "folder_id": str(number)})
        )
    first = bench.json("subscriptions")
    second = bench.json(first["@odata.nextLink"])
    assert [len(first["value"]), len(second["value"])] == [100, 50]


def test_deletion(bench: Bench) -> None:
    found = bench.subscribe().json()
    assert bench.call("DELETE", f"subscriptions/{found['id']}").status_code == 204
    assert bench.refused("DELETE", f"subscriptions/{found['id']}") == (404, "ResourceNotFound")
