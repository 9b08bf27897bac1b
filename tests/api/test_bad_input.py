"""Every route against what nobody in their right mind would send: told what is wrong, and nothing stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import azure.functions as func
import pytest
from fastapi.routing import APIRoute

from dev.azurite import Azurite
from shared.api import application
from shared.mail.verdicts import Verdict
from tests.api.seeding import enter, record_with_files
from tests.api.storage_dump import dump
from tests.companies import READS
from tests.world import ADMIN_KEY, CLIENT, TENANT, World

HOSTILE = [
    "' or 1 eq 1",
    "' or '1'='1",
    "!all",
    "!config",
    "..",
    "../..",
    "..%2f..%2fetc",
    ".",
    "a\x00b",
    "\u202e",
    "\u2028",
    "\uff0e\uff0e",
    "x" * 5000,
    "-1",
    "0",
    "1e400",
    "NaN",
    "9" * 5000,
    "٣",
    "{}",
    "<script>",
    "a\r\nX-Evil: 1",
    "null",
    "%2e%2e",
    "98204812799999999~0123456789ab\n",
]


OF_THE_DESK = ("organization", "site", "team", "role", "board", "user", "agent")
SOME_ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def desk(world: World) -> World:
    """A desk with something in every table."""
    world.emulator.change_roles(TENANT, CLIENT, *READS)
    world.connect()
    mailbox = world.add_mailbox(method="scan")
    world.settle()
    record_with_files(world)
    enter(world, mailbox, "Broken", verdict=Verdict.QUARANTINED)
    return world


def operations(world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in world.get("/openapi.json")["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation


def filled(path: str, wrong: str = "", value: str = "") -> str:
    """A path with a proper value for each of its parameters, but for one."""
    proper = {
        "connection_id": "contoso",
        "mailbox_id": "support-contoso-com-000000",
        "mailbox": "support-contoso-com-000000",
        "entry": "98204812799999999~0123456789ab",
        "key": "98204812799999999~0123456789ab",
        "number": "1",
        "action": "2026-11-20T09:30:00.000000Z~0123456789abcd",
        "index": "0",
        **{f"{word}_id": SOME_ID for word in OF_THE_DESK},
        "field_name": "badge",
        "run": "98204812799999999",
        "person": "ada@contoso.com",
        "object_id": SOME_ID,
        "address": "ada@contoso.com",
        "change": "98204812799999999~0123456789ab",
    }
    for name, text in proper.items():
        path = path.replace(f"{{{name}}}", quote(value if name == wrong else text, safe=""))
    assert "{" not in path
    return path


def assert_problem(answer: Any, field: str | None = None) -> None:
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert problem["detail"]
    assert problem["cure"]
    if field is not None:
        assert field in [each["field"] for each in problem["fields"]], problem


@pytest.mark.requirement("DESK-2")
def test_no_hostile_text_in_an_address_reaches_a_row(desk: World, azurite: Azurite) -> None:
    before, tried = dump(azurite, desk), 0
    for method, path, operation in operations(desk):
        proper: dict[str, Any] = {
            "secret": {"client_secret": "planted-secret"},
            "grants": {"items": []},
            "rules": {"rules": {}},
            "check": {"rules": {}},
            "reset": {"to": "clear"},
            "changes": {"users": [SOME_ID]},
            "followers": {"address": "jo@contoso.example"},
            "{mailbox_id}": {"name": "New"},
            "{connection_id}": {"name": "New"},
            "{number}": {"status": "open"},
            "{field_name}": {"label": "New"},
            **{f"{{{word}_id}}": {"name": "New"} for word in OF_THE_DESK},
        }
        body = proper.get(path.rpartition("/")[2], {}) if operation.get("requestBody") and "{" in path else None
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "path":
                continue
            for text in HOSTILE:
                if parameter["schema"].get("type") == "integer" and text == "0" and parameter["name"] == "index":
                    continue
                answer = desk.api(method, filled(path, parameter["name"], text), body)
                if answer.body == b"" and answer.status in (400, 404):
                    continue  # the host itself refused it, as the real one does with a NUL
                routed = answer.status in (422, 400)
                assert_problem(answer, parameter["name"] if routed else None)
                tried += 1
    assert tried > 200
    assert dump(azurite, desk) == before


@pytest.mark.requirement("DESK-2")
def test_no_hostile_text_in_a_query_is_more_than_text(desk: World, azurite: Azurite) -> None:
    before, refused = dump(azurite, desk), 0
    everything = {"tickets": len(desk.tickets()), "journal": len(desk.journal())}
    assert everything == {"tickets": 1, "journal": 1}
    for method, path, operation in operations(desk):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        for name in names:
            for text in HOSTILE:
                answer = desk.api(method, f"{filled(path)}?{name}={quote(text, safe='')}")
                if answer.status == 200 and (name, text) not in (("strict", "0"), ("active", "0")):
                    # Free text to look for: it is compared with, and finds nothing that it is not in.
                    assert name in FREE_TEXT, (path, name, text)
                    found = name == "text" and text.lower() in "broken ada@example.com"
                    assert len(answer.json()["items"]) == found, (name, text)
                elif answer.status not in (200, 404):
                    assert_problem(answer, name)
                    refused += 1
        if names:
            assert_problem(desk.api(method, f"{filled(path)}?no_such_filter=1"), "no_such_filter")
    assert refused > 150
    assert dump(azurite, desk) == before


def raw(world: World, method: str, path: str, body: bytes, kind: str = "application/json") -> Any:
    return world.host.http(method, f"/api/v1{path}", {"X-API-Key": ADMIN_KEY, "Content-Type": kind}, body)


FREE_TEXT = ("requester", "sender", "address", "text", "starts_with", "code", "who", "target", "connection")
"""Queries that look for what they are given."""

BODIES = {
    "nothing": (b"", "application/json", 422),
    "no JSON": (b"{", "application/json", 400),
    "text": (b"hello", "text/plain", 422),
    "a form": (b"name=x", "application/x-www-form-urlencoded", 422),
    "JSON called otherwise": (b'{"name": "x"}', "text/plain", 422),
    "a list": (b"[]", "application/json", 422),
    "null": (b"null", "application/json", 422),
    "a number": (b"1", "application/json", 422),
    "NaN": (b'{"name": NaN, "client_secret": Infinity}', "application/json", 422),
    "no UTF-8": (b'{"name": "\xff\xfe"}', "application/json", 400),
    "half a character": (b'{"name": "\\ud800", "client_secret": "\\ud800"}', "application/json", 422),
    "half a character as a name": (b'{"\\ud800": 1}', "application/json", 422),
    "a NUL": (b'{"name": "\\u0000", "client_secret": "\\u0000 and more"}', "application/json", 422),
    "depth": (b"[" * 100_000 + b"]" * 100_000, "application/json", 400),
    "a huge number": (b'{"name": ' + b"9" * 10_000 + b"}", "application/json", 400),
    "many names": (json.dumps({f"n{index}": 1 for index in range(5_000)}).encode(), "application/json", 422),
    "a long name": (json.dumps({"n" * 100_000: 1}).encode(), "application/json", 422),
    "5 MB": (b'{"name": "' + b"x" * 5_000_000 + b'"}', "application/json", 413),
    "5 MB of anything": (b"\x00" * 5_000_000, "application/octet-stream", 413),
}


def taking_a_body() -> set[tuple[str, str]]:
    """The routes whose functions read a body, whatever their description says."""
    routes = [each for area in application.AREAS for each in area.router.routes]
    found = [each for each in routes if isinstance(each, APIRoute) and each.body_field]
    assert found
    return {(method, route.path) for route in found for method in route.methods or ()}


@pytest.mark.requirement("DESK-2")
@pytest.mark.parametrize("name", BODIES)
def test_no_body_is_too_bad_to_be_told_so(desk: World, azurite: Azurite, name: str) -> None:
    body, kind, status = BODIES[name]
    before, tried = dump(azurite, desk), set[tuple[str, str]]()
    for method, path, operation in operations(desk):
        if not operation.get("requestBody"):
            continue
        tried.add((method, path))
        answer = raw(desk, method, filled(path), body, kind)
        if name in ("nothing", "null") and not operation["requestBody"].get("required"):
            assert answer.status == 200, (path, answer.body)
            continue
        assert answer.status == status, (path, answer.body)
        assert_problem(answer)
        assert len(answer.body) < 20_000
        if status != 413:
            assert json.loads(answer.body)["fields"], path
    assert tried == taking_a_body()
    assert dump(azurite, desk) == before


def test_a_body_where_none_belongs_is_passed_over_or_too_large(desk: World) -> None:
    assert raw(desk, "GET", "/tickets", b"{").status == 200
    assert raw(desk, "GET", "/tickets", b"x" * 5_000_000).status == 413


def test_what_does_not_exist_and_what_cannot_be_done_are_told(desk: World) -> None:
    assert_problem(desk.api("GET", "/nothing/here"))
    assert_problem(desk.api("GET", "/tickets/"))
    assert_problem(desk.api("PATCH", "/tickets/99", {"status": "open"}))
    refused = desk.api("DELETE", "/tickets")
    assert_problem(refused)
    assert (refused.status, refused.headers["allow"]) == (405, "GET")


def test_moments_that_are_none_are_told(desk: World) -> None:
    wrong = [
        "yesterday",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
        "1700000000",
    ]
    for text in [*wrong, "1700000000", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00 01:00"]:
        for path in ("tickets", "journal"):
            for field in ("since", "before"):
                assert_problem(desk.api("GET", f"/{path}?{field}={text}"), field)


def test_a_failure_inside_tells_nothing_of_the_inside(desk: World) -> None:
    row = desk.rt.tables["Desk"].find("desk", "t~9999999998")
    assert row is not None
    row.values["subject"] = None
    row.values["linked"] = "no JSON: a planted secret"
    desk.rt.tables["Desk"].upsert(row)
    answer = desk.api("GET", "/tickets/1")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/api/v1/problems#internal"
    assert b"planted" not in answer.body
    assert b"Traceback" not in answer.body


def test_an_address_that_is_no_utf8_is_told(desk: World) -> None:
    assert desk.api("GET", "/mailboxes/%ff%fe").status == 400
    # The local host refuses it by itself; a host that lets it through meets us.
    request = func.HttpRequest("GET", url="https://desk.contoso.com/api/v1/mailboxes/%ff%fe", body=b"")
    answer = asyncio.run(application.middleware().handle_async(request))
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
