from __future__ import annotations

import time

import pytest

from dev.graph import Emulator, Fault
from tests.graph_emulator.bench import HELP, IMMUTABLE, MAIL, TENANT, Bench


def kinds(bench: Bench) -> list[str]:
    assert bench.emulator.settle()
    return [item["changeType"] for item in bench.receiver.items]


def test_what_a_notification_says(bench: Bench) -> None:
    found = bench.subscribe().json()
    bench.emulator.deliver(HELP, MAIL)
    assert bench.emulator.settle()
    (item,) = bench.receiver.items
    rest = bench.rows(f"users/{HELP}/messages")[0]
    path = f"Users/{bench.user.id}/Messages/{rest['id']}"
    assert item == {
        "subscriptionId": found["id"],
        "subscriptionExpirationDateTime": found["expirationDateTime"],
        "changeType": "created",
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": rest["@odata.etag"],
            "id": rest["id"],
        },
        "clientState": "state",
        "tenantId": TENANT,
    }
    assert bench.receiver.urls == ["https://app.contoso.com/notifications?route=1"]


def test_ids_are_immutable_if_the_subscription_was_made_so(bench: Bench) -> None:
    bench.subscribe(IMMUTABLE)
    key = bench.emulator.deliver(HELP, MAIL)
    assert bench.emulator.settle()
    assert bench.receiver.items[0]["resourceData"]["id"] == key


def test_it_comes_within_a_moment_and_changes_of_a_moment_come_together(bench: Bench) -> None:
    bench.subscribe()
    started = time.monotonic()
    bench.deliver(50)
    assert bench.emulator.settle()
    assert time.monotonic() - started < 0.5
    assert len(bench.receiver.items) == 50
    assert len(bench.receiver.bodies) < 25


def test_every_kind_of_change(bench: Bench) -> None:
    bench.subscribe()
    key = bench.emulator.deliver(HELP, MAIL)
    assert kinds(bench) == ["created"]
    bench.emulator.mark_read(HELP, key)
    assert kinds(bench)[1:] == ["updated"]
    bench.emulator.move(HELP, key, "archive")
    assert kinds(bench)[2:] == ["deleted"]
    bench.emulator.mark_read(HELP, key, read=False)
    bench.emulator.move(HELP, key, "inbox")
    assert kinds(bench)[3:] == ["created"]


def test_only_the_kinds_that_were_asked_for(bench: Bench) -> None:
    bench.subscribe(changeType="updated")
    key = bench.emulator.deliver(HELP, MAIL)
    bench.emulator.mark_read(HELP, key)
    assert kinds(bench) == ["updated"]


def test_a_whole_mailbox(bench: Bench) -> None:
    bench.subscribe(resource=f"users/{HELP}/messages", changeType="created")
    bench.emulator.deliver(HELP, MAIL, "junkemail")
    bench.emulator.deliver(HELP, MAIL)
    assert kinds(bench) == ["created", "created"]


def test_what_fails_is_sent_again_later(bench: Bench) -> None:
    bench.subscribe()
    bench.receiver.refuse_with, bench.receiver.refuse_times = 503, 2
    bench.emulator.deliver(HELP, MAIL)
    assert kinds(bench) == []
    bench.emulator.clock.advance(11)
    assert kinds(bench) == []
    bench.emulator.clock.advance(5)
    assert kinds(bench) == []
    bench.emulator.clock.advance(20)
    assert kinds(bench) == ["created"]


def test_after_four_hours_it_is_given_up(bench: Bench) -> None:
    bench.subscribe()
    bench.receiver.refuse_with, bench.receiver.refuse_times = 500, 1_000
    bench.emulator.deliver(HELP, MAIL)
    for _ in range(30):
        assert bench.emulator.settle()
        bench.emulator.clock.advance(900)
    assert bench.emulator.settle()
    attempts = 1_000 - bench.receiver.refuse_times
    assert 10 <= attempts <= 12
    bench.emulator.clock.advance(86_400)
    assert bench.emulator.settle()
    assert 1_000 - bench.receiver.refuse_times == attempts


def test_more_than_three_seconds_is_too_slow_the_first_time(bench: Bench) -> None:
    bench.subscribe()
    bench.receiver.seconds = 3.2
    bench.emulator.deliver(HELP, MAIL)
    assert bench.emulator.settle(timeout=8)
    bench.emulator.clock.advance(11)
    assert bench.emulator.settle(timeout=8)
    assert [item["changeType"] for item in bench.receiver.items] == ["created", "created"]
    statuses = [one["status"] for one in bench.emulator.exchanges if one.get("direction") == "in"]
    assert statuses[-2:] == [0, 202]


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
def test_lifecycle_events(bench: Bench, event: str) -> None:
    found = bench.subscribe().json()
    bench.emulator.send_lifecycle(found["id"], event)
    assert bench.emulator.settle()
    (item,) = bench.receiver.items
    assert (item["lifecycleEvent"], item["subscriptionId"], item["clientState"]) == (event, found["id"], "state")
    assert "changeType" not in item
    assert item["resourceData"] is None
    assert bench.receiver.urls == ["https://app.contoso.com/lifecycle"]


def test_a_subscription_is_lost_with_and_without_a_word(bench: Bench) -> None:
    bench.emulator.remove_subscription(bench.subscribe().json()["id"])
    bench.emulator.deliver(HELP, MAIL)
    assert bench.emulator.settle()
    assert bench.receiver.items == []
    bench.emulator.remove_subscription(bench.subscribe().json()["id"], silently=False)
    assert bench.emulator.settle()
    assert [item["lifecycleEvent"] for item in bench.receiver.items] == ["subscriptionRemoved"]
    assert bench.emulator.subscriptions() == []


def test_dropped_doubled_and_delayed(bench: Bench) -> None:
    bench.subscribe()
    bench.emulator.faults.add(Fault(kind="drop_notifications", times=1))
    bench.deliver(2)
    assert len(kinds(bench)) == 1
    bench.emulator.faults.add(Fault(kind="double_notifications", times=1))
    bench.deliver(1)
    assert len(kinds(bench)) == 3
    bench.emulator.faults.add(Fault(kind="delay_notifications", seconds=600, times=1))
    bench.deliver(1)
    assert len(kinds(bench)) == 3
    bench.emulator.clock.advance(601)
    assert len(kinds(bench)) == 4


def test_a_subscription_vanishes_at_the_next_change(bench: Bench) -> None:
    bench.subscribe()
    bench.emulator.faults.add(Fault(kind="remove_subscription", mailbox=HELP, skip=1))
    bench.deliver(3)
    assert len(kinds(bench)) == 1
    assert bench.emulator.subscriptions() == []


def test_an_expired_subscription_is_silent(bench: Bench) -> None:
    bench.subscribe()
    bench.emulator.clock.advance(7 * 86_400)
    bench.emulator.deliver(HELP, MAIL)
    assert kinds(bench) == []


def test_settling_gives_up_after_its_time(bench: Bench) -> None:
    bench.subscribe()
    bench.receiver.seconds = 0.5
    bench.emulator.deliver(HELP, MAIL)
    assert not bench.emulator.settle(timeout=0.05)
    assert bench.emulator.settle()


def test_a_receiver_that_dies_gives_no_answer() -> None:
    class Dead(BaseException):
        pass

    def die(_url: str, _headers: dict[str, str], _body: bytes) -> tuple[int, str]:
        raise Dead

    emulator = Emulator(die)
    emulator.gateway.dispatcher.put("https://app.contoso.com/", {"x": 1})
    assert emulator.settle()
    assert emulator.exchanges[0]["status"] == 0
