"""The OpenAPI document is complete, and the API does what it says: tried with what schemathesis thinks up."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from requests.adapters import HTTPAdapter
from schemathesis import Case, GenerationMode
from schemathesis.checks import content_type_conformance, not_a_server_error, status_code_conformance
from schemathesis.core.result import Ok
from urllib3 import HTTPResponse

from shared.api import application
from tests.world import ADMIN_KEY, World

EXAMPLES = 12
PARTS = 3
"""Operations are dealt to so many tests, so that they run side by side."""


class ThroughTheHost(HTTPAdapter):
    """Carries the requests of a client into the host, without a socket."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._host = world.host

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        headers = {name: str(value) for name, value in request.headers.items()}
        answer = self._host.http(str(request.method), str(request.url), headers, request.body)
        raw = HTTPResponse(io.BytesIO(answer.body), answer.headers, answer.status, preload_content=False)
        return self.build_response(request, raw)


@pytest.fixture
def session(world: World) -> requests.Session:
    world.connect()
    world.add_mailbox(method="scan")
    made = requests.Session()
    made.mount("http://", ThroughTheHost(world))
    made.headers["X-API-Key"] = ADMIN_KEY
    return made


@pytest.mark.minutes
@pytest.mark.requirement("DESK-2")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_that_schemathesis_thinks_up_breaks_a_route(
    world: World, session: requests.Session, mode: GenerationMode, part: int
) -> None:
    schema = schemathesis.openapi.from_dict(world.get("/openapi.json"))
    tried: set[str] = set()

    def attempt(case: Case[Any]) -> None:
        tried.add(case.operation.label)
        answer = case.call(base_url="http://localhost", session=session, headers={"X-API-Key": ADMIN_KEY})
        checks = [not_a_server_error, status_code_conformance, content_type_conformance]
        case.validate_response(answer, checks=checks)

    for found in islice(schema.get_all_operations(), part, None, PARTS):
        assert isinstance(found, Ok)
        operation = found.ok()
        checked = hypothesis.given(operation.as_strategy(generation_mode=mode))(attempt)
        settled = hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[*hypothesis.HealthCheck],
        )
        settled(checked)()
    assert len(tried) > 15, "of those in this part"


def test_every_route_is_described_to_the_end(world: World) -> None:
    document = world.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            ids.append(operation["operationId"])
            assert operation["description"], name
            assert operation["tags"], name
            assert {"400", "401", "403", "413", "422", "500", "503"} <= operation["responses"].keys(), name
            for status, response in operation["responses"].items():
                wanted = "application/problem+json" if status >= "400" else None
                assert response["content"], (name, status)
                assert wanted is None or wanted in response["content"], (name, status)
            if "{" in path:
                assert "404" in operation["responses"], name
            assert operation["security"], name
    assert len(ids) == len(set(ids))


def test_every_problem_is_listed(world: World) -> None:
    listed = {each["name"]: each["status"] for each in world.get("/problems")["items"]}
    missing = world.api("GET", "/tickets/99").json()
    assert listed[missing["type"].removeprefix("/api/v1/problems#")] == missing["status"]


def test_many_first_requests_at_once_meet_one_application(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "_middleware", [])
    headers = {"X-API-Key": ADMIN_KEY}
    waiting = [world.host.submit_http("GET", "/api/v1/verdicts", headers) for _ in range(20)]
    assert {each.result().status for each in waiting} == {200}
    with ThreadPoolExecutor(8) as pool:
        monkeypatch.setattr(application, "_middleware", [])
        made = list(pool.map(lambda _: application.middleware(), range(8)))
    assert len({id(each) for each in made}) == 1
