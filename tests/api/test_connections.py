"""Connections through the API: made, tried, given another secret; the secret is never seen again."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from tests.api.storage_dump import dump
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World

NEW = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}


@pytest.mark.requirement("CONN-1")
def test_a_connection_is_made_listed_and_read(world: World) -> None:
    answer = world.api("POST", "/connections", NEW)
    assert answer.status == 201
    assert answer.headers["location"] == "/api/v1/connections/contoso"
    made = answer.json()
    assert made["tenant_id"] == TENANT
    assert world.get("/connections")["items"] == [made]
    assert world.get("/connections/contoso") == made


@pytest.mark.requirement("CONN-1")
def test_the_secret_is_nowhere_to_be_seen(world: World, azurite: Azurite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        world.api("POST", "/connections", NEW),
        world.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET}),
        world.api("POST", "/connections", {**NEW, "cloud": "mars"}),
        world.api("POST", "/connections", {**NEW, "client_secret": [CLIENT_SECRET]}),
        world.api("POST", "/connections", {**NEW, "client_secret": CLIENT_SECRET * 50}),
        world.api("POST", "/connections", {**NEW, "client_secret": CLIENT_SECRET + "\n"}),
        world.api("GET", "/connections"),
        world.api("POST", "/connections/contoso/test"),
    ]
    assert {each.status for each in answers} == {200, 201, 422}
    for each in answers:
        assert CLIENT_SECRET.encode() not in each.body
    assert CLIENT_SECRET not in caplog.text
    assert CLIENT_SECRET not in str(dump(azurite, world))


def test_two_connections_of_one_name_have_two_ids(world: World) -> None:
    ids = {world.api("POST", "/connections", NEW).json()["connection_id"] for _ in range(2)}
    assert len(ids) == 2
    assert "contoso" in ids


@pytest.mark.requirement("CONN-1")
def test_a_connection_is_tried(world: World) -> None:
    world.connect()
    assert world.api("POST", "/connections/contoso/test").json()["ok"] is True

    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    refused = world.api("POST", "/connections/contoso/test")
    assert refused.status == 200
    trial = refused.json()
    assert trial["ok"] is False
    assert "AADSTS7000222" in trial["cause"]
    assert "expired" in trial["cure"]


@pytest.mark.requirement("CONN-1")
def test_a_wrong_secret_is_found_and_mended(world: World) -> None:
    world.api("POST", "/connections", {**NEW, "client_secret": "not-the-secret"})
    assert world.api("POST", "/connections/contoso/test").json()["ok"] is False
    changed = world.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET})
    assert changed.status == 200
    assert CLIENT_SECRET not in changed.body.decode()
    assert "sealed" not in changed.body.decode()
    assert world.api("POST", "/connections/contoso/test").json()["ok"] is True


def test_users_are_listed_to_choose_a_mailbox(world: World) -> None:
    world.connect()
    for address in (SUPPORT, "sales@contoso.com", "o'brien@contoso.com"):
        world.emulator.add_mailbox(TENANT, address, display_name=address.partition("@")[0], kind="user")

    def names(query: str) -> list[Any]:
        return [each["name"] for each in world.get(f"/connections/contoso/users{query}")["items"]]

    assert names("") == ["o'brien", "sales", "support"]
    assert names("?starts_with=s") == ["sales", "support"]
    assert names("?starts_with=o'b") == ["o'brien"]
    assert names("?starts_with=x')%20or%20startswith(mail,'s") == []
    assert len(names("?limit=1")) == 1


def test_what_graph_refuses_is_told_with_its_cure(world: World) -> None:
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, roles=("Mail.ReadWrite",))
    world.connect()
    answer = world.api("GET", "/connections/contoso/users")
    assert answer.status == 502
    assert answer.json()["type"] == "/api/v1/problems#graph-failed"
    assert "permission" in answer.json()["cure"]


def test_where_graph_is_busy_the_caller_is_told_when_to_come_back(world: World) -> None:
    world.connect()
    world.emulator.faults.add(Fault(kind="throttle", path="/users", retry_after=90))
    answer = world.api("GET", "/connections/contoso/users")
    assert (answer.status, answer.headers["retry-after"]) == (503, "90")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "two\nlines"),
        ("name", "a\u202eb"),
        ("name", "a\u2028b"),
        ("name", "a\x00b"),
        ("name", 7),
        ("name", None),
        ("tenant_id", "common"),
        ("tenant_id", TENANT + "\n"),
        ("tenant_id", f"{TENANT}/../x"),
        ("client_id", "' or 1 eq 1"),
        ("client_id", ["x"]),
        ("client_secret", "short"),
        ("client_secret", "x" * 501),
        ("client_secret", "tab\tinside-it"),
        ("client_secret", {"$ne": ""}),
        ("client_secret", CLIENT),
        ("cloud", "mars"),
        ("cloud", "local"),
        ("cloud", float("nan")),
        ("sealed_secret", "AQ=="),
        ("connection_id", "!all"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_stored(world: World, azurite: Azurite, field: str, value: Any) -> None:
    world.get("/connections")  # a process looks at the storage's version once
    world.settle()
    before = dump(azurite, world)
    answer = world.api("POST", "/connections", {**NEW, field: value})
    assert answer.status == 422, answer.body
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert dump(azurite, world) == before


def test_changes_are_logged_with_who_and_what(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.connect()
    lines = [json.loads(record.message) for record in caplog.records if record.name == "deskbridge"]
    [line] = [each for each in lines if each["event"] == "api.changed"]
    assert (line["who"], line["what"], line["target"]) == ("key", "connection.created", "contoso")
    assert "tenant_id" in line["fields"]
    assert TENANT not in str(line), "values are in the record of changes alone"
