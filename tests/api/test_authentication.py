"""Who gets in, and who does not: nobody, unless it is certain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.api.authentication import identify
from shared.errors import Misconfigured, Unauthorized
from shared.runtime import Runtime
from shared.settings import from_environment
from tests.world import ADMIN_KEY, SECRET_KEY, World

SETTINGS = {"SECRET_KEY": SECRET_KEY, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def addresses(world: World) -> Iterator[tuple[str, str]]:
    """Each method and path of the API."""
    for path, operations in world.get("/openapi.json")["paths"].items():
        for method in operations:
            yield method.upper(), path.removeprefix("/api/v1")


def assert_refused(answer: Any) -> None:
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("ApiKey ")
    problem = json.loads(answer.body)
    assert (problem["status"], problem["type"]) == (401, "/api/v1/problems#unauthorized")
    assert problem["cure"]


@pytest.mark.requirement("DESK-2")
@pytest.mark.parametrize("key", [None, "", "wrong", ADMIN_KEY[:-1], ADMIN_KEY + "x", ADMIN_KEY.upper(), "é☃"])
def test_every_route_refuses_a_missing_or_wrong_key(world: World, key: str | None) -> None:
    for method, path in [*addresses(world), ("GET", "/openapi.json"), ("GET", "/no/such/route"), ("POST", "/docs")]:
        assert_refused(world.api(method, path, key=key))


def test_a_stranger_is_refused_before_the_body_is_read(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    assert world.host.http("POST", "/api/v1/connections", headers, b"{" * 5_000_000).status == 401


@pytest.mark.parametrize("key", ["", "anything"])
def test_without_a_configured_key_nobody_gets_in(world: World, key: str) -> None:
    world.start(ADMIN_KEY="")
    assert_refused(world.api("GET", "/health", key=key))


def test_the_mode_for_developers_lets_everybody_in(world: World) -> None:
    world.start(ADMIN_AUTH="dev", ADMIN_KEY="")
    assert world.api("GET", "/health", key=None).status == 200


def test_the_mode_for_developers_is_refused_in_azure() -> None:
    with pytest.raises(Misconfigured, match="ADMIN_AUTH"):
        from_environment({**SETTINGS, "ADMIN_AUTH": "dev", "WEBSITE_INSTANCE_ID": "abc"})
    slipped_through = from_environment({**SETTINGS, "ADMIN_AUTH": "dev"}).model_copy(update={"instance_id": "abc"})
    with pytest.raises(Unauthorized):
        identify(Runtime(slipped_through), {})


def test_key_and_token_are_asked_for_in_the_openapi_document(world: World) -> None:
    document = world.get("/openapi.json")
    schemes = document["components"]["securitySchemes"]
    assert (schemes["key"]["type"], schemes["key"]["in"], schemes["key"]["name"]) == ("apiKey", "header", "X-API-Key")
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"] == [{"key": []}, {"bearer": []}], f"{method} {path}"


def test_no_cache_keeps_an_answer(world: World) -> None:
    answers = [world.api("GET", path) for path in ("/health", "/tickets", "/nothing", "/openapi.json")]
    for headers in [each.headers for each in (*answers, world.api("GET", "/health", key="wrong"))]:
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("private, no-store", "nosniff")
