"""What the tests of the emulator share: a client of `requests` and `msal`, as an app would have."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msal
import requests

from dev.graph import Emulator, EmulatorAdapter
from dev.graph.directory.state import Directory

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
CLIENT = "66666666-7777-4888-8999-000000000000"
SECRET = "planted"
HELP = "help@contoso.com"
GRAPH = "https://graph.microsoft.com/v1.0"
LOGIN = "https://login.microsoftonline.com"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
MAIL = (
    b"From: Ada <ada@example.com>\r\nTo: help@contoso.com\r\nSubject: Printer\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"It burns.\r\n"
)


class Receiver:
    """The app's webhook: echoes validation tokens, keeps what it is told, fails when told to."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.urls: list[str] = []
        self.validated: list[str] = []
        self.refuse_with = 0
        self.refuse_times = 0
        self.seconds = 0.0
        self.answer_to_validation: tuple[int, str, dict[str, str]] | None = None
        self._lock = threading.Lock()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, dict[str, str]]:
        query = parse_qs(urlsplit(url).query)
        if "validationToken" in query:
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
            self.validated.append(url)
            return self.answer_to_validation or (200, query["validationToken"][0], {"Content-Type": "text/plain"})
        time.sleep(self.seconds)
        with self._lock:
            if self.refuse_times > 0:
                self.refuse_times -= 1
                return self.refuse_with, "", {}
            self.urls.append(url)
            self.bodies.append(json.loads(body))
        return 202, "", {}

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in body["value"]]


class Bench:
    """An emulator with a tenant and a client that has signed in."""

    def __init__(self) -> None:
        self.keeps_the_contract = True  # False in a test whose own client or webhook breaks it on purpose
        self.receiver = Receiver()
        self.emulator = Emulator(self.receiver)
        self.emulator.add_app(tenant_id=TENANT, client_id=CLIENT, secret=SECRET)
        self.user = self.emulator.add_mailbox(TENANT, HELP, display_name="Help Desk", kind="shared")
        self.session = requests.Session()
        self.session.mount("https://", EmulatorAdapter(self.emulator))
        self.token = self.sign_in()["access_token"]

    def sign_in(self, client_id: str = CLIENT, secret: str = SECRET, tenant: str = TENANT) -> dict[str, Any]:
        app = msal.ConfidentialClientApplication(
            client_id, authority=f"{LOGIN}/{tenant}", client_credential=secret, http_client=self.session
        )
        result: dict[str, Any] = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        return result

    @property
    def directory(self) -> Directory:
        return self.emulator.directory(TENANT)

    def grant(self, *roles: str) -> None:
        """Let the app do only this from now on, and sign in anew."""
        self.emulator.change_roles(TENANT, CLIENT, *roles)
        self.token = self.sign_in()["access_token"]

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> requests.Response:
        url = path if path.startswith("https://") else f"{GRAPH}/{path}"
        merged = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.session.request(method, url, json=body, headers=merged, **options)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        return self.call("GET", path, headers=headers)

    def json(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self.get(path, headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, path: str, headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json(path, headers)["value"]
        return found

    def refused(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and code of a refusal, whose body must have the form of Graph's errors."""
        answer = self.call(method, path, body, headers)
        found = answer.json()
        assert set(found) == {"error"}
        assert set(found["error"]) == {"code", "message", "innerError"}
        assert set(found["error"]["innerError"]) == {"date", "request-id", "client-request-id"}
        assert found["error"]["innerError"]["request-id"] == answer.headers["request-id"]
        return answer.status_code, found["error"]["code"]

    def deliver(self, count: int = 1, folder: str = "inbox") -> list[str]:
        """Mails with subjects 0, 1, 2, ...; their immutable ids."""
        return [
            self.emulator.deliver(
                HELP, f"Subject: {i}\r\nMessage-ID: <{i}@example.com>\r\n\r\nText {i}".encode(), folder
            )
            for i in range(count)
        ]

    def subscribe(self, headers: Mapping[str, str] | None = None, **changed: Any) -> requests.Response:
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": "https://app.contoso.com/notifications?route=1",
            "lifecycleNotificationUrl": "https://app.contoso.com/lifecycle",
            "resource": f"users/{self.user.id}/mailFolders('inbox')/messages",
            "expirationDateTime": (self.emulator.clock.now() + timedelta(days=6)).isoformat(),
            "clientState": "state",
            **changed,
        }
        return self.call("POST", "subscriptions", {k: v for k, v in body.items() if v is not None}, headers)

    def round(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[list[dict[str, Any]], str, int]:
        """Walk a delta round to its end: the items, the delta link, the number of pages."""
        items: list[dict[str, Any]] = []
        for pages in range(1, 2000):
            body = self.json(url, headers)
            assert ("@odata.nextLink" in body) != ("@odata.deltaLink" in body)
            items += body["value"]
            if "@odata.deltaLink" in body:
                return items, body["@odata.deltaLink"], pages
            url = body["@odata.nextLink"]
        raise AssertionError("the round does not end")
