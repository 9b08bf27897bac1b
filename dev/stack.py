"""Everything that a local run consists of, started together: storage, a Microsoft 365 tenant, and the app.

Azurite and the functions host are processes of their own; the Graph emulator is served from this one. The storage lies
on disk while the stack runs and begins empty, because the emulator's mailboxes begin empty, too.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from dev import local_settings
from dev.azurite import Azurite
from dev.bootstrap import ROOT
from dev.desk_api import DeskApi
from dev.doors.settings import read_local_settings
from dev.graph import Emulator
from dev.graph.server import Server
from dev.local_settings import write_private
from dev.tenant import CLIENT, CLIENT_SECRET, SUPPORT, TENANT

USUAL_PORT = 7071  # that of Core Tools
FOLDER = ROOT / ".run" / "stack"
ADDRESS_FILE = ROOT / ".run" / "stack.json"
READY_SECONDS = 60
STOP_SECONDS = 30
MANY_REQUESTS = 10_000_000
_LOOPBACK = "localhost,127.0.0.1"


class StackError(RuntimeError):
    """The stack could not be started, or has ended; the message says why and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where a running stack is. Written to `.run/stack.json`, readable by its owner only."""

    pid: int
    app_url: str
    admin_key: str
    graph_url: str
    authority: str
    """The CA file that the emulator's certificate is signed with."""
    storage: str
    """The connection string of Azurite."""
    connection_id: str
    log: str
    """What the app writes."""

    def save(self, path: Path = ADDRESS_FILE) -> None:
        """Tell others where the stack is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def find(cls, path: Path = ADDRESS_FILE) -> Self | None:
        """The stack that runs in this checkout, None if there is none."""
        try:
            found = cls(**json.loads(path.read_text(encoding="utf-8")))
            os.kill(found.pid, 0)
        except (FileNotFoundError, ValueError, TypeError, ProcessLookupError):
            return None
        except PermissionError:  # alive, and somebody else's
            pass
        return found


class Stack:
    """Starts everything on entering, ends it on leaving. `say` is told of each step; `port` 0 takes a free one."""

    def __init__(self, folder: Path, settings: Path, say: Callable[[str], None], port: int = 0) -> None:
        self.folder, self._settings, self._say = folder, settings, say
        self.app_url = f"http://127.0.0.1:{choose_port(port)}"
        self._exits = contextlib.ExitStack()
        self._app: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start; raises StackError, AzuriteError."""
        with contextlib.ExitStack() as undo:  # what has been started is ended if the rest fails
            undo.enter_context(_only_one(self.folder))
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self._azurite = undo.enter_context(Azurite(self.folder / "storage"))
            self._say("storage: Azurite")
            self._start_graph(undo)
            self._say(f"Microsoft 365: Graph emulator at {self._server.url}")
            undo.callback(self._stop_app)
            self._start_app()
            self._say(f"app: functions host at {self.app_url}")
            self._exits = undo.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        """End everything: the app first, so that it finds its storage until its end."""
        self._exits.close()

    def connect(self) -> Addresses:
        """Connect the tenant and one mailbox, as an admin would, and wait until Graph's notifications are on."""
        self.desk = DeskApi(self.app_url, self._admin_key())
        asked = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
        connection_id = str(self.desk.post("/connections", {**asked, "cloud": "local"})["connection_id"])
        add_mailbox(self.desk, connection_id, SUPPORT)
        return Addresses(
            pid=os.getpid(),
            app_url=self.app_url,
            admin_key=self._admin_key(),
            graph_url=self._server.url,
            authority=str(self._server.authority),
            storage=self._azurite.connection_string,
            connection_id=connection_id,
            log=str(self._log),
        )

    def check(self) -> None:
        """Raise StackError if the app has ended."""
        if self._app is None or self._app.poll() is not None:
            raise StackError(f"The app has ended. Its last words:\n{self.log_tail()}")

    def _start_graph(self, undo: contextlib.ExitStack) -> None:
        self.emulator = Emulator()
        undo.callback(self.emulator.close)
        self.emulator.recording = False  # it would keep every mail a second time
        self.emulator.raise_request_limit(MANY_REQUESTS)  # a folder of thousands is delivered at once
        self.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
        self.emulator.add_mailbox(TENANT, SUPPORT, "Support", "shared")
        self._server = Server(self.emulator, self.folder).start()
        undo.callback(self._server.stop)

    def _start_app(self) -> None:
        port = self.app_url.rpartition(":")[2]
        command = [sys.executable, "-m", "dev.host", "--port", port, "--settings", str(self._settings)]
        with self._log.open("wb") as log:
            self._app = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle
            )
        until = time.monotonic() + READY_SECONDS
        while "\nready " not in self._log.read_text(errors="replace"):
            self.check()
            if time.monotonic() > until:
                raise StackError(f"The app was not ready after {READY_SECONDS} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def _stop_app(self) -> None:
        if self._app is None or self._app.poll() is not None:
            return
        self._app.send_signal(signal.SIGTERM)
        try:
            self._app.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._app.kill()
            self._app.wait()

    def _environment(self) -> dict[str, str]:
        """These win over local.settings.json, which stays as it is."""
        return {
            **os.environ,
            "AzureWebJobsStorage": self._azurite.connection_string,
            "PUBLIC_URL": self.app_url,
            "LOCAL_CLOUD_URL": self._server.url,
            "REQUESTS_CA_BUNDLE": str(self._server.authority),
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), _LOOPBACK])),
            "PYTHONUNBUFFERED": "1",
        }

    def _admin_key(self) -> str:
        return read_local_settings(self._settings).get("ADMIN_KEY", "")

    @property
    def _log(self) -> Path:
        return self.folder / "app.log"

    def log_tail(self) -> str:
        """The last lines that the app wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def add_mailbox(desk: DeskApi, connection_id: str, address: str) -> str:
    """Set a mailbox up in the desk and wait until Graph tells of its mail; returns its id. Raises ApiError."""
    made = desk.post("/mailboxes", {"connection_id": connection_id, "address": address})
    mailbox_id = str(made["mailbox_id"])
    until = time.monotonic() + READY_SECONDS
    while not _is_watched(desk, mailbox_id):
        if time.monotonic() > until:
            raise StackError(f"{address} has no subscription after {READY_SECONDS} s: see GET /api/v1/subscriptions")
        time.sleep(0.05)
    return mailbox_id


def choose_port(wanted: int = 0) -> int:
    """The port that is wanted, if it is free; 0: any that is. Raises StackError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            raise StackError(f"Port {wanted} is in use: choose another one, or leave --port away.") from None
        return int(probe.getsockname()[1])


def prefer_port(preferred: int) -> int:
    """This port if it is free, else any that is."""
    try:
        return choose_port(preferred)
    except StackError:
        return choose_port()


def use_default_settings(say: Callable[[str], None]) -> Path:
    """The settings file of this checkout, made where it is missing."""
    filled = local_settings.ensure()
    if filled:
        say(f"{local_settings.FILE.name}: made {' and '.join(filled)} at random")
    return local_settings.FILE


def _is_watched(desk: DeskApi, mailbox_id: str) -> bool:
    found = (each for each in desk.get("/subscriptions")["items"] if each["mailbox_id"] == mailbox_id)
    is_active = any(each["state"] == "active" for each in found)
    return is_active and bool(desk.get(f"/mailboxes/{mailbox_id}")["progress"]["last_success_at"])


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the right to use a folder for as long as this process lives; raises StackError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("A stack of this checkout is running already: end it with Ctrl-C first.") from None
        yield
