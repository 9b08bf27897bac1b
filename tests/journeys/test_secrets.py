"""After a busy day the secrets that were planted are nowhere: in no log line, no answer, nothing that was stored."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests.adapters import BaseAdapter

from dev.azurite import Azurite
from dev.graph import Fault
from shared.subscriptions import client_state
from tests.planted import forms
from tests.vaults import give_identity, open_vault
from tests.world import ADMIN_KEY, CLIENT_SECRET, SECRET_KEY, SUPPORT, World, mail

SECOND_SECRET = "another/planted+secret=Qy92~x"
WRONG_SECRET = "a-wrong-planted-secret-77"
WRONG_KEY = "a-wrong-key-that-somebody-typed"


class Overheard(BaseAdapter):
    """Keeps what passes on its way: whole requests to storage, the tokens of requests to Graph."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner
        self.said: list[bytes] = []
        self.tokens: set[str] = set()

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # passed on as they come
        """Carry one request."""
        kind, _, credential = str(request.headers.get("Authorization", "")).partition(" ")
        if kind == "Bearer":
            self.tokens.add(credential)
        body = request.body or b""
        self.said += [str(request.url).encode(), body if isinstance(body, bytes) else str(body).encode()]
        return self._inner.send(request, **options)

    def close(self) -> None:
        """End the inner adapter."""
        self._inner.close()


def overhear(session: requests.Session, prefix: str) -> Iterator[Overheard]:
    """Listen on each of a session's ways that begins like this."""
    for way, inner in list(session.adapters.items()):
        if way.startswith(prefix):
            heard = Overheard(inner)
            session.mount(way, heard)
            yield heard


def busy_day(world: World) -> list[bytes]:
    """Everything that can go wrong with secrets at hand; returns what the API answered."""
    answers: list[bytes] = []

    def call(method: str, path: str, body: Any = None, *, key: str = ADMIN_KEY) -> Any:
        answer = world.api(method, path, body, key=key)
        answers.append(answer.body + str(answer.headers).encode())
        return answer.json() if answer.body else None

    world.connect()
    mailbox_id = world.add_mailbox()
    world.settle()
    connection = {"name": "Two", "tenant_id": "no guid", "client_id": 7, "client_secret": WRONG_SECRET}
    call("POST", "/connections", connection)
    call("POST", "/connections", {**connection, "more": CLIENT_SECRET})
    call("GET", "/tickets", key=WRONG_KEY)
    call("PUT", "/connections/contoso/secret", {"client_secret": WRONG_SECRET})
    call("POST", "/connections/contoso/test")
    world.emulator.deliver(SUPPORT, mail("While the secret is wrong"))
    world.scan()
    call("PUT", "/connections/contoso/secret", {"client_secret": f"{SECOND_SECRET}\n"})
    call("PUT", "/connections/contoso/secret", {"client_secret": [SECOND_SECRET]})
    call("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET})
    call("POST", "/connections/contoso/test")
    world.emulator.faults.add(Fault(kind="refuse", path=r"\$value", times=1, status=400, error="ErrorInvalidRequest"))
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222, times=1))
    world.emulator.faults.add(Fault(kind="refuse_connection", path="/delta", times=1))
    world.emulator.expire_tokens()
    for raw in (mail("One"), b"", mail("Two")):
        world.emulator.deliver(SUPPORT, raw)
    for _ in range(3):
        world.advance(70)
        world.scan()
    world.emulator.faults.clear()
    call("POST", "/connections/contoso/test")  # where no round was faster, the fault has cost it its sign-in
    for entry in world.journal("&verdict=quarantined"):
        call("POST", f"/journal/{mailbox_id}/{entry['key']}/replay")
    world.rt.queues.put_text("mailbox-sync", '{"mailbox_id": 7}')
    world.advance(3 * 24 * 3600)
    world.host.run_timer("reconcile_subscriptions")
    world.scan()
    for path in ("/connections", "/mailboxes", f"/mailboxes/{mailbox_id}", "/tickets", "/tickets/1", "/journal"):
        call("GET", path)
    for path in ("/subscriptions", "/set-aside", "/health", "/openapi.json"):
        call("GET", path)
    return answers


@pytest.mark.requirement("CONN-1", "CONN-3")
@pytest.mark.parametrize("kept", ["sealed in storage", "in a key vault"])
def test_no_planted_secret_is_found_anywhere(
    azurite: Azurite, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    caplog.set_level(logging.DEBUG)
    if kept == "in a key vault":
        give_identity(monkeypatch)
        open_vault(world)
    [graph] = overhear(world.rt.http, "https://")  # type: ignore[arg-type]  # a world always has one
    storage = list(overhear(world.rt.transport.session, "http://127.0.0.1"))
    answers = busy_day(world)

    assert len(world.tickets()) == 3
    assert len(graph.tokens) >= 2
    planted = {CLIENT_SECRET, SECOND_SECRET, WRONG_SECRET, ADMIN_KEY, WRONG_KEY, SECRET_KEY, "k" * 32, *graph.tokens}
    planted.add(client_state.make(world.rt.keys, world.get("/mailboxes")["items"][0]["mailbox_id"]))
    storage_key = dict(part.split("=", 1) for part in azurite.connection_string.split(";") if "=" in part)["AccountKey"]
    planted.add(storage_key)
    places = {
        "log": [caplog.text.encode(), *(record.getMessage().encode() for record in caplog.records)],
        "api": answers,
        "storage": [said for each in storage for said in each.said],
    }
    assert len(caplog.records) > 20
    assert len(places["storage"]) > 100
    for place, texts in places.items():
        for secret in planted:
            for form in forms(secret):
                found = next((text for text in texts if form in text), None)
                assert found is None, f"{secret[:12]}... as {form[:16]!r} in {place}: {found[:300]!r}"


def test_a_secret_would_be_found_in_the_answers_of_the_webhook_and_of_the_page_after_a_sign_in(world: World) -> None:
    echo = f"/graph/notifications?validationToken={CLIENT_SECRET}"
    assert world.host.http("POST", echo).body == CLIENT_SECRET.encode()
    page = f"/auth/callback?error=access_denied&error_description={CLIENT_SECRET}"
    assert world.host.http("GET", page).status == 400
    assert world.meter.lookout.seen == ["answer to POST /graph/notifications"]
    world.meter.lookout.seen.clear()


def test_a_secret_would_be_found_in_each_form() -> None:
    for text in (SECOND_SECRET, quote(SECOND_SECRET, safe=""), SECOND_SECRET.encode().hex()):
        assert any(form in text.encode() for form in forms(SECOND_SECRET))
    for offset in range(3):
        hidden = base64.b64encode(b"x" * offset + SECOND_SECRET.encode() + b'", "more": 1}')
        assert any(form in hidden for form in forms(SECOND_SECRET)), offset


@pytest.mark.requirement("CONN-3")
def test_a_request_that_is_not_there_for_a_secret_is_looked_through(world: World) -> None:
    """Or the other tests would be green whatever is sent to Graph, or to a vault in another way."""
    vault, body = "https://desk.vault.azure.net/secrets/a", {"value": CLIENT_SECRET}
    signed_in = {"Authorization": "Bearer a.b.c"}
    cases: list[tuple[str, str, dict[str, str]]] = [
        ("PUT", vault, {}),
        ("PATCH", vault, signed_in),
        ("PUT", f"{vault}?note={CLIENT_SECRET}", signed_in),
        ("PUT", "https://graph.microsoft.com/v1.0/me", signed_in),
        ("POST", "https://login.microsoftonline.com/x/oauth2/v2.0/authorize", {}),
    ]
    for count, (method, url, headers) in enumerate(cases, start=1):
        world.meter.overhear("graph", requests.Request(method, url, headers, json=body).prepare())
        assert len(world.meter.lookout.seen) == count, url
    world.meter.overhear("graph", requests.Request("PUT", vault, signed_in, json=body).prepare())
    assert len(world.meter.lookout.seen) == len(cases)
    world.meter.lookout.seen.clear()


@pytest.mark.parametrize("kept", ["sealed in storage", "in a key vault"])
def test_what_holds_a_secret_does_not_show_it(world: World, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    if kept == "in a key vault":
        give_identity(monkeypatch)
        open_vault(world)
    world.connect()
    assert world.api("POST", "/connections/contoso/test").json()["ok"]
    held = [world.rt, world.rt.settings, world.rt.memory, world.rt.keys, world.rt.graph]
    shown = "".join(f"{each!r} {each!s}" for each in held)
    for secret in (CLIENT_SECRET, ADMIN_KEY, SECRET_KEY):
        assert secret not in shown
