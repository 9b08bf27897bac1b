"""A person with a browser: opens the address that the API gave, signs in at Entra, and comes back to the app."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from dev.graph import EmulatorAdapter
from tests.certificates import make_pair
from tests.world import CALLBACK, CLIENT, CLIENT_SECRET, TENANT, Answer, World

ADA = "ada@contoso.com"
IDENTITY = "99999999-9999-4999-8999-999999999999"
NEW = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "method": "delegated"}


def connect(world: World, name: str = "Desk", **values: Any) -> str:
    """Set up a connection that acts in the name of an account; returns its id."""
    answer = world.api("POST", "/connections", {"name": name, **NEW, **values})
    assert answer.status == 201, answer.body
    return str(answer.json()["connection_id"])


def prove_with(world: World, proof: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the app prove itself with its *secret*, a *certificate* or its *identity*; what to give for a connection."""
    if proof == "secret":
        return {}
    pair = make_pair(world.clock.now())
    app = world.emulator.add_app(
        TENANT, CLIENT, "nobody-knows-this-secret", redirect_uris=(CALLBACK,), certificates=(pair.certificate,)
    )
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://identity.local/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "only-from-this-machine")
    world.emulator.add_identity(TENANT, IDENTITY, trusted_by=app)
    world.start(AZURE_CLIENT_ID=IDENTITY)
    given = {"certificate": pair.both} if proof == "certificate" else {"managed_identity": True}
    return {"client_secret": None, **given}


def begin(world: World, connection_id: str = "desk", agent: str = "") -> Any:
    """Begin a sign-in, of the connection's account or of an agent; the API's answer."""
    whose = f"/agents/{agent}" if agent else ""
    answer = world.api("POST", f"/connections/{connection_id}{whose}/sign-in")
    assert answer.status == 200, answer.body
    return answer.json()


def go_to_entra(world: World, url: str) -> str:
    """Open Entra's page; where it sends the browser."""
    with requests.Session() as browser:
        browser.mount("https://", EmulatorAdapter(world.emulator))
        answer = browser.get(url, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def come_back(world: World, location: str, **changed: str | None) -> Answer:
    """Follow Entra's redirect to the app; ``changed``: parameters that are other ones, None for left out."""
    parts = urlsplit(location)
    asked = {**dict(parse_qsl(parts.query)), **changed}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer = world.host.http("GET", f"{parts.path}?{query}")
    return Answer(answer.status, dict(answer.headers), answer.body)


def sign_in(world: World, connection_id: str = "desk", account: str = ADA) -> Answer:
    """The whole way, by this account; the page at its end."""
    world.emulator.sit_down(account)
    return come_back(world, go_to_entra(world, begin(world, connection_id)["url"]))


def sign_in_agent(world: World, agent: str, connection_id: str = "desk", *, account: str = "") -> Answer:
    """The whole way of an agent, by their own account if no other one is named; the page at its end."""
    world.emulator.sit_down(account or agent)
    return come_back(world, go_to_entra(world, begin(world, connection_id, agent)["url"]))


def token_requests(world: World) -> int:
    """How often Entra was asked for tokens."""
    return world.emulator.statistics.by_template["POST oauth2/v2.0/token"]
