"""The world of a test: the app in Microsoft's worker runtime, storage, a Microsoft 365 tenant, and a clock.

Everything is real but two stand-ins: the Graph emulator and the clock, which move together.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import QueueServiceClient

from dev.azurite import Azurite
from dev.doors.http_trigger import Response
from dev.graph import Emulator, EmulatorAdapter
from dev.host import Drained, Host
from shared import runtime
from shared.runtime import Runtime
from shared.settings import Settings, from_environment
from tests.held_clock import HeldClock
from tests.io_meter import IoMeter, MeteredAdapter, metered_storage
from tests.planted import LogLookout, Lookout
from tests.posted import Posted

ROOT = Path(__file__).parent.parent
THREADS = 16
ADMIN_KEY = "the-admin-key-of-the-tests"
SECRET_KEY = base64.b64encode(b"k" * 32).decode()
TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
CLIENT_SECRET = "planted-client-secret-Zx81"
SUPPORT = "support@contoso.com"
CALLBACK = "https://desk.contoso.com/auth/callback"


def settings_for(azurite: Azurite) -> dict[str, str]:
    """The app settings of a test run."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": azurite.connection_string,
        "SECRET_KEY": SECRET_KEY,
        "ADMIN_AUTH": "key",
        "ADMIN_KEY": ADMIN_KEY,
        "PUBLIC_URL": "https://desk.contoso.com",
        "REPORT_SCHEDULE": "0 3-59/10 * * * *",
        "SCAN_SCHEDULE": "0 */5 * * * *",
        "RECONCILE_SCHEDULE": "0 7 * * * *",
        "WATCH_SCHEDULE": "0 23 * * * *",
        "RETENTION_SCHEDULE": "0 41 3 * * *",
        "DIRECTORY_SCHEDULE": "0 */15 * * * *",
        "LICENSE_SCHEDULE": "0 17 4 * * *",
        "SIGN_IN_SCHEDULE": "0 37 1 * * *",
        "PYTHON_THREADPOOL_THREAD_COUNT": str(THREADS),
    }


@dataclass(frozen=True)
class Answer:
    """What the admin API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class HeardHost(Host):
    """The host, with somebody who looks through every answer: of the API, the webhook, the page after a sign-in.

    It looks at no queue that nothing was put on since it was found empty.
    """

    lookout: Lookout | None = None

    def __init__(self, app_folder: Path, settings: Mapping[str, str]) -> None:
        super().__init__(app_folder, settings)
        self.posted = Posted()

    def drain(self, timeout: float = 60) -> Drained:
        """Run messages until none is visible and none runs."""
        drained = self._queues.drain(timeout, self.posted.state)
        self.posted.found(drained.delayed)
        return drained

    def http(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> Response:
        """Send a request through the app, and look through its answer."""
        answer = super().http(method, url, headers, body)
        if self.lookout:
            self.lookout.look(f"answer to {method} {urlsplit(url).path}", answer.body, str(answer.headers))
        return answer


class World:
    """One test's tenant, storage and app. ``meter`` sees every request that the app sends."""

    def __init__(self, azurite: Azurite, host: Host) -> None:
        assert isinstance(host, HeardHost), "somebody must look through the answers"
        self.host, self.meter, self.clock = host, IoMeter(), HeldClock()
        self.emulator = Emulator(send=self._send)
        self.emulator.add_app(tenant_id=TENANT, client_id=CLIENT, secret=CLIENT_SECRET, redirect_uris=(CALLBACK,))
        self._azurite = azurite
        self.always: dict[str, str] = {}
        self._prefix = "t" + uuid.uuid4().hex[:12]
        self.meter.lookout.secrets |= {CLIENT_SECRET, SECRET_KEY, ADMIN_KEY}
        self._heard_before, host.lookout = host.lookout, self.meter.lookout
        self._log_lookout = LogLookout(self.meter.lookout)
        logging.getLogger().addHandler(self._log_lookout)
        self.rt = self.start()

    def start(self, **changed: str) -> Runtime:
        """Start the app's process anew: nothing is remembered. ``changed``: settings that differ, beside ``always``."""
        environment = {**settings_for(self._azurite), "STORAGE_PREFIX": self._prefix, **self.always, **changed}
        http = requests.Session()
        http.mount("https://", MeteredAdapter(EmulatorAdapter(self.emulator), self.meter, "graph"))
        storage = RequestsTransport(
            session=metered_storage(self._azurite.ports, self.meter, self.host.posted), session_owner=False
        )
        found: Settings = from_environment(environment)
        self.rt = Runtime(found, self.clock, http=http, transport=storage)
        runtime.use(self.rt)
        return self.rt

    def close(self) -> None:
        """Leave nothing on the queues, and the exchanges with Graph where they are checked."""
        self.meter.kill_after(None)
        self.emulator.settle()
        self.host.lookout = self._heard_before
        logging.getLogger().removeHandler(self._log_lookout)
        self._clear_queues()
        folder = os.environ.get("EXCHANGES_FOLDER")
        if folder:
            self.emulator.write_exchanges(Path(folder) / f"{self._prefix}.jsonl")
        self.emulator.close()
        assert self.meter.lookout.seen == [], "a planted secret was written"

    def _clear_queues(self) -> None:
        service = QueueServiceClient.from_connection_string(self._azurite.connection_string)
        for queue in self.host.posted.still_open():
            for name in (queue, f"{queue}-poison"):
                with contextlib.suppress(ResourceNotFoundError):
                    service.get_queue_client(name).clear_messages()
        self.host.posted.forget()

    def advance(self, seconds: float) -> None:
        """Let time pass, for the app and for Graph."""
        self.clock.advance(seconds)
        self.emulator.clock.advance(seconds)

    def sleep_until_morning(self) -> None:
        """Let it be six o'clock UTC: for what counts days, so that none begins in the middle of it."""
        now = self.clock.now()
        self.advance((timedelta(days=1, hours=6) - timedelta(hours=now.hour, minutes=now.minute)).total_seconds())

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = ADMIN_KEY,
        sign_in: dict[str, str] | None = None,
    ) -> Answer:
        """Call the admin API; ``path`` behind ``/api/v1``; ``sign_in``: headers instead of the key."""
        headers = dict(sign_in) if sign_in is not None else {"X-API-Key": key} if key is not None else {}
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            headers["Content-Type"] = "application/json"
        answer = self.host.http(method, f"/api/v1{path}", headers, content)
        return Answer(answer.status, dict(answer.headers), answer.body)

    def get(self, path: str) -> Any:
        """Read from the admin API; anything but 200 fails the test."""
        answer = self.api("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def connect(self, **credential: Any) -> str:
        """Connect the tenant, as an admin would; returns the id. ``credential``: instead of a client secret."""
        body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "cloud": "global"}
        answer = self.api("POST", "/connections", {**body, **(credential or {"client_secret": CLIENT_SECRET})})
        assert answer.status == 201, answer.body
        return str(answer.json()["connection_id"])

    def add_mailbox(self, address: str = SUPPORT, *, connection_id: str = "contoso", **values: Any) -> str:
        """Make a mailbox in the tenant and set it up, as an admin would; returns its id."""
        self.emulator.add_mailbox(TENANT, address, display_name=address.split("@", maxsplit=1)[0], kind="shared")
        answer = self.api("POST", "/mailboxes", {"connection_id": connection_id, "address": address, **values})
        assert answer.status == 201, answer.body
        return str(answer.json()["mailbox_id"])

    def settle(self, timeout: float = 240, patience: float = 2.5) -> Drained:
        """Wait until Graph has told all it has to tell, and all work is done.

        ``timeout``: seconds that one piece of work may take where others use the machine, too. Work that is hidden for
        longer than ``patience`` seconds stays where it is.
        """
        until = time.monotonic() + patience
        while True:
            before = time.monotonic()
            self.emulator.settle()
            drained = self.host.drain(timeout)
            shown = self.host.posted.next_shown(before)
            if not drained.delayed or shown is None or shown > until:
                return drained
            time.sleep(max(0.0, shown - time.monotonic()))

    def scan(self, timeout: float = 60) -> Drained:
        """Let the five-minute timer come round."""
        self.host.run_timer("scan_mailboxes")
        return self.settle(timeout)

    def tickets(self, query: str = "") -> list[Any]:
        """All tickets that the API lists, newest first."""
        return self._walk(f"/tickets?limit=500{query}")

    def journal(self, query: str = "") -> list[Any]:
        """All journal entries that the API lists, newest first."""
        return self._walk(f"/journal?limit=500{query}")

    def ticket(self, number: int) -> Any:
        """A ticket with its actions."""
        found = self.get(f"/tickets/{number}")
        return {**found, "actions": found["actions"]["items"]}

    def _walk(self, path: str) -> list[Any]:
        found, after = [], ""
        while True:
            page = self.get(path + after)
            found += page["items"]
            if not page.get("next"):
                return found
            after = f"&after={page['next']}"

    def _send(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        parts = urlsplit(url)
        answer = self.host.http("POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers, body)
        return answer.status, answer.body.decode()


def mail(  # the parts of a mail, each by name
    subject: str = "Printer broken",
    *,
    sender: str = "Ada Lovelace <ada@example.com>",
    to: str = SUPPORT,
    text: str = "It does not print.",
    message_id: str | None = None,
    **headers: str,
) -> bytes:
    """A plain mail as bytes; further headers by name, with ``_`` for ``-``."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
    message["Message-ID"] = message_id or f"<{uuid.uuid4()}@example.com>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()
