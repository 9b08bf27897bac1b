"""All that a measurement needs, each in a process of its own so that none is charged with another's work.

* the app: the functions host of `dev.host`, one process, started as a developer starts it, or two: what HTTP wakes and
  the rest, as on Flex Consumption; nothing measures in it
* storage: Azurite, on disk (in memory it stops for seconds once a minute), and its access log counts requests
* Microsoft 365: the emulator, over HTTPS, in this process, which does nothing else while something is being measured
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.access_log import AccessLog, CountedAzurite
from bench.process_figures import ProcessFigures
from dev.bootstrap import ROOT
from dev.graph import Emulator
from dev.graph.server import Server
from shared.clock import to_text
from shared.connections import store as connections
from shared.connections.safekeeping import Credential
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox
from shared.runtime import Runtime
from shared.settings import from_environment
from shared.work import CareForSubscription, SyncMailbox

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
SECRET = "a-secret-for-measuring-only"  # noqa: S105 - of a tenant that exists only in this process
READY_SECONDS = 60
MANY_REQUESTS = 10_000_000
NEVER = "0 0 0 1 1 *"


class Stack:
    """Storage, tenant and app, started together and empty; ``rt`` looks into the storage from here.

    ``logged``: the storage writes a line for each request, which costs it a third of its speed. ``groups``: of
    functions, each in a process of its own; the first one listens at ``app_url``.
    """

    def __init__(self, *, logged: bool, groups: Sequence[str] = ("all",)) -> None:
        self._groups = groups
        self._scratch = tempfile.TemporaryDirectory(prefix="deskbridge-bench-")
        self._folder = Path(self._scratch.name)
        self._azurite = CountedAzurite(self._folder / "storage", logged=logged)
        self.emulator = Emulator()
        self.emulator.recording = False
        self.emulator.raise_request_limit(MANY_REQUESTS)
        self.emulator.add_app(tenant_id=TENANT, client_id=CLIENT, secret=SECRET)
        self._server = Server(self.emulator, self._folder)
        self.app_url = f"http://127.0.0.1:{_free_port()}"
        self._apps: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start everything and wait until the app listens."""
        self._azurite.__enter__()
        self._server.start()
        settings = self._settings()
        self.rt = Runtime(from_environment(settings))
        credential = Credential("secret", SECRET)
        self.connection = connections.create(
            self.rt, name="Contoso", tenant_id=TENANT, client_id=CLIENT, cloud="local", credential=credential
        )
        for group in self._groups:
            self._start_app(settings, group)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything and leave nothing behind, but the app's last words if something broke."""
        if error is not None:
            print("\n".join(self.app_log.splitlines()[-20:]), file=sys.stderr)
        for app in self._apps:
            app.send_signal(signal.SIGTERM)
        for app in self._apps:
            app.wait(30)
        self._server.stop()
        self.emulator.close()
        self._azurite.stop()
        self._scratch.cleanup()

    @property
    def storage_log(self) -> AccessLog:
        """What the storage was asked for."""
        return self._azurite.access_log

    @property
    def app(self) -> ProcessFigures:
        """What the app's first process takes."""
        return ProcessFigures(self._apps[0].pid)

    @property
    def app_log(self) -> str:
        """What the app has written so far."""
        return "".join(self._log(group).read_text(encoding="utf-8", errors="replace") for group in self._groups)

    @property
    def storage(self) -> ProcessFigures:
        """What the storage's process takes."""
        return ProcessFigures(self._azurite.pid)

    def add_mailboxes(self, count: int, method: str) -> list[Mailbox]:
        """Shared mailboxes in the tenant, set up in the app; one with notifications also has its subscription."""
        made = []
        for number in range(count):
            address = f"support{number or ''}@contoso.com"
            self.emulator.add_mailbox(TENANT, address, display_name=address, kind="shared")
            values: dict[str, str | bool] = {"method": method}
            connection_id = self.connection.connection_id
            made.append(mailboxes.create(self.rt, connection_id=connection_id, address=address, values=values))
        if method == "webhook":
            for mailbox in made:
                self.rt.queues.put(CareForSubscription(mailbox_id=mailbox.mailbox_id, cause="created"))
            self.wait_for(lambda: len(self.emulator.subscriptions()) == count, "the subscriptions")
        return made

    def scan(self, found: Iterable[Mailbox]) -> None:
        """Knock at mailboxes as the five-minute timer does."""
        for mailbox in found:
            noticed_at = to_text(self.rt.clock.now())
            self.rt.queues.put(SyncMailbox(mailbox_id=mailbox.mailbox_id, cause="scan", noticed_at=noticed_at))

    def wait_for(self, condition: Callable[[], bool], what: str, *, timeout: float = 600, every: float = 0.1) -> None:
        """Look again and again; raises TimeoutError."""
        until = time.monotonic() + timeout
        while not condition():
            if any(app.poll() is not None for app in self._apps):
                raise RuntimeError("The app has ended.")
            if time.monotonic() > until:
                raise TimeoutError(f"{what}: not after {timeout:.0f} s")
            time.sleep(every)

    def quiet(self) -> None:
        """Wait until no work is on the queue and none is under way."""
        self.wait_for(lambda: not self.rt.queues.length(SyncMailbox.queue), "an empty queue")

    def _log(self, group: str) -> Path:
        return self._folder / f"{group}.log"

    def _settings(self) -> dict[str, str]:
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": self._azurite.connection_string,
            "SECRET_KEY": base64.b64encode(b"b" * 32).decode(),
            "PUBLIC_URL": self.app_url,
            "SCAN_SCHEDULE": NEVER,
            "RECONCILE_SCHEDULE": NEVER,
            "WATCH_SCHEDULE": NEVER,
            "REPORT_SCHEDULE": NEVER,
            "RETENTION_SCHEDULE": NEVER,
            "DIRECTORY_SCHEDULE": NEVER,
            "LICENSE_SCHEDULE": NEVER,
            "SIGN_IN_SCHEDULE": NEVER,
            "PYTHON_THREADPOOL_THREAD_COUNT": "16",
            "LOCAL_CLOUD_URL": self._server.url,
        }

    def _start_app(self, settings: dict[str, str], group: str) -> None:
        file, log = self._folder / "local.settings.json", self._log(group)
        file.write_text(json.dumps({"IsEncrypted": False, "Values": settings}), encoding="utf-8")
        port = str(_free_port()) if self._apps else self.app_url.rpartition(":")[2]
        command = [sys.executable, "-m", "dev.host", "--port", port, "--settings", str(file), "--group", group]
        environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(self._server.authority), "MALLOC_ARENA_MAX": "2"}
        with log.open("wb") as output:
            app = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self._apps.append(app)
        self.wait_for(lambda: "\nready " in log.read_text(), "the app's start", timeout=READY_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
