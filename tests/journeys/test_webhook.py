"""The webhook: what it believes, what it answers, how few rounds it makes of many notifications."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from azure_functions_runtime.utils.threadpool import get_threadpool_executor

from shared.subscriptions import client_state
from shared.subscriptions.knocking import knocker
from tests.world import SUPPORT, TENANT, THREADS, World, mail

URL = "/graph/notifications"


def item(world: World, mailbox_id: str, **changed: Any) -> dict[str, Any]:
    """A notification as Graph sends it."""
    return {
        "subscriptionId": "f394e11b-d503-450b-b963-50e8f7ad3d7b",
        "subscriptionExpirationDateTime": "2026-11-28T11:50:04+00:00",
        "tenantId": TENANT,
        "clientState": client_state.make(world.rt.keys, mailbox_id),
        "changeType": "created",
        "resource": "Users/x/Messages/y",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": "y"},
        **changed,
    }


def post(world: World, items: list[Any], url: str = URL) -> int:
    return world.host.http("POST", url, {"Content-Type": "application/json"}, json.dumps({"value": items})).status


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("url", [URL, "/graph/lifecycle"])
@pytest.mark.parametrize("token", ["Validation: a+b%20c/=?&x", "<script>alert(1)</script>", "é ü"])
def test_the_handshake_echoes_the_decoded_token_as_plain_text(world: World, url: str, token: str) -> None:
    world.meter.start()
    answer = world.host.http("POST", f"{url}?validationToken={quote(token, safe='')}")
    assert (answer.status, answer.body.decode()) == (200, token)
    assert answer.headers["content-type"].startswith("text/plain")
    assert world.meter.calls == []


@pytest.mark.requirement("OPS-1")
def test_what_is_not_ours_is_dropped_counted_and_answered_like_the_rest(world: World) -> None:
    good, bad = item(world, "box-1"), item(world, "box-2", clientState="box-2.0000")
    assert post(world, [good, bad, item(world, "box-3", clientState=None), "no object", good]) == 202
    assert knocker(world.rt).refused == 2
    assert knocker(world.rt).put_count == 1
    assert world.rt.queues.length("mailbox-sync") == 1


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"value": 7}', '{"value": {}}', "\x00", '{"value": ' + "[" * 5000]
)
def test_what_graph_would_not_send_is_refused(world: World, body: str) -> None:
    assert world.host.http("POST", URL, {"Content-Type": "application/json"}, body).status == 400
    assert world.rt.queues.length("mailbox-sync") == 0


@pytest.mark.requirement("OPS-1")
def test_a_lifecycle_item_without_change_type_and_data_is_understood(world: World) -> None:
    lifecycle = item(world, "box-1", lifecycleEvent="subscriptionRemoved", resourceData=None)
    del lifecycle["changeType"], lifecycle["resource"]
    assert post(world, [lifecycle], "/graph/lifecycle") == 202
    assert world.rt.queues.length("subscription-care") == 1
    assert world.rt.queues.length("mailbox-sync") == 1


@pytest.mark.requirement("OPS-1")
def test_a_storage_that_is_away_is_answered_with_503_so_that_graph_sends_again(world: World) -> None:
    world.start(AzureWebJobsStorage=_nowhere())
    assert post(world, [item(world, "box-1")]) == 503


def _nowhere() -> str:
    key = "a2V5"
    return f"AccountName=x;AccountKey={key};QueueEndpoint=http://127.0.0.1:9/x;TableEndpoint=http://127.0.0.1:9/x"


@pytest.mark.requirement("OPS-1")
def test_rounds_that_hold_all_threads_of_the_worker_do_not_hold_the_webhook_up(world: World) -> None:
    threads, done = get_threadpool_executor(), threading.Event()
    assert threads is not None
    rounds = [threads.submit(done.wait) for _ in range(THREADS)]
    try:
        body = json.dumps({"value": [item(world, "box-1")]})
        waiting = world.host.submit_http("POST", URL, {"Content-Type": "application/json"}, body)
        assert waiting.result(timeout=30).status == 202
        assert not any(each.done() for each in rounds)
    finally:
        done.set()


@pytest.mark.requirement("OPS-1", "MAIL-3")
def test_a_hail_of_notifications_makes_about_two_rounds_a_mailbox(world: World) -> None:
    world.connect()
    boxes = [f"box{index}@contoso.com" for index in range(10)]
    ids = [world.add_mailbox(box, method="scan") for box in boxes]
    for box in boxes:
        world.emulator.deliver(box, mail(to=box))
    world.settle()
    world.start()
    items = [item(world, mailbox_id) for mailbox_id in ids]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda index: post(world, [items[index % 10]]), range(200)))
    assert set(statuses) == {202}
    knocks = knocker(world.rt)
    assert knocks.put_count + knocks.spared == 200
    assert knocks.put_count <= 40
    world.settle()
    assert len(world.tickets()) == 10


@pytest.mark.requirement("MAIL-3")
def test_a_mail_that_arrives_while_its_mailbox_is_busy_is_taken_next(world: World) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()
    for index in range(30):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        if index % 10 == 0:
            world.host.drain()
    world.settle()
    world.settle()
    assert len(world.tickets()) == 30
