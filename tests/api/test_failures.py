"""What the API says when something it needs is away, and what becomes of changes made at the same time."""

from __future__ import annotations

import json

import pytest

from tests.world import ADMIN_KEY, World

NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a;"
)


@pytest.mark.requirement("DESK-2")
def test_where_storage_is_away_the_caller_is_told_when_to_come_back(world: World) -> None:
    world.start(AzureWebJobsStorage=NOWHERE)
    answer = world.api("GET", "/health")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "/api/v1/problems#busy"
    assert "127.0.0.1" not in answer.body.decode()


def test_a_missing_setting_is_named(world: World) -> None:
    world.start(AzureWebJobsStorage="")
    answer = world.api("GET", "/tickets")
    assert answer.status == 500
    assert answer.json()["type"] == "/api/v1/problems#misconfigured"
    assert "AzureWebJobsStorage" in answer.json()["cure"]


def test_two_changes_at_the_same_time_are_both_kept(world: World) -> None:
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    headers = {"X-API-Key": ADMIN_KEY, "Content-Type": "application/json"}
    changes = [{"type": "question"}, {"done_folder": "Done"}, {"priority": "high"}, {"name": "Front door"}] * 3
    waiting = [
        world.host.submit_http("PATCH", f"/api/v1/mailboxes/{mailbox}", headers, json.dumps(change))
        for change in changes
    ]
    assert {each.result().status for each in waiting} == {200}
    shown = world.get(f"/mailboxes/{mailbox}")
    shown.pop("progress")
    assert (shown["type"], shown["done_folder"], shown["priority"], shown["name"]) == (
        "question",
        "Done",
        "high",
        "Front door",
    )
    assert world.get("/mailboxes")["items"] == [shown]
