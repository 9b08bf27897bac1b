"""Azurite, Microsoft's emulator of Azure Storage, as a context manager: blobs, queues and tables on 127.0.0.1.

Its flags: https://learn.microsoft.com/azure/storage/common/storage-install-azurite#command-line-options
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.node import find_node

SERVICES = ("blob", "queue", "table")
SCRIPT = Path(__file__).parent / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
LOOKUPS = Path(__file__).parent / "azurite_lookups.cjs"
"""Makes it find rows and blobs by their index; see there."""
_IDLE_SECONDS = "120"
"""After which Azurite ends a connection. Its own five are over while it writes 100,000 rows to its file: then a request
that came meanwhile is answered by nothing but the end of the connection."""
READY_SECONDS = 30.0
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at https?://127\.0\.0\.1:(\d+)")

# The account that Azurite makes by itself. Its key is public, not a secret:
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#connect-to-azurite-with-sdks-and-tools
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzuriteError(RuntimeError):
    """Azurite could not be started; the message ends with the tail of its log."""


class Azurite:
    """One running Azurite.

    Without `folder` everything is kept in memory and forgotten: right for tests. With `folder` it is kept on disk
    there: right for runs that last or move thousands of messages, because in memory mode a collector stops all three
    services for seconds once a minute. Ports are free ones unless given as {"blob": 10000, ...}; ``ports`` tells them
    once it has started. With a `certificate` (PEM, its key included) it speaks https and believes tokens, too.
    """

    def __init__(
        self, folder: Path | None = None, ports: dict[str, int] | None = None, certificate: Path | None = None
    ) -> None:
        self.ports: dict[str, int] = {}
        self._certificate = certificate
        self._wanted = ports or {}
        self._folder = folder
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection_string(self) -> str:
        """What AzureWebJobsStorage is set to in order to use this Azurite."""
        endpoints = (f"{s.title()}Endpoint=http://127.0.0.1:{self.ports[s]}/{ACCOUNT};" for s in SERVICES)
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{''.join(endpoints)}"

    def url(self, service: str) -> str:
        """Where a service answers, for who comes with a token."""
        return f"https://127.0.0.1:{self.ports[service]}/{ACCOUNT}"

    def __enter__(self) -> Self:
        """Start it and wait until all three services take connections."""
        self._scratch = tempfile.TemporaryDirectory(prefix="azurite-")
        try:
            self._process = self._spawn()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def stop(self) -> None:
        """End the process (SIGTERM; it needs about 50 ms) and throw away its scratch folder. Harmless when repeated."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self._command(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle: the storage must outlive the host
                env={**os.environ, "AZURITE_ACCOUNTS": ""},
            )

    def _command(self) -> list[str]:
        node = find_node()
        if node is None or not SCRIPT.exists():
            message = (
                "Azurite is not installed here. Run: python3.13 -m dev check (every command installs what is missing)"
            )
            raise AzuriteError(message)
        where = ["--inMemoryPersistence"] if self._folder is None else ["--location", str(self._folder)]
        quiet = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        doors = [part for service in SERVICES for part in self._door(service)]
        lock = ["--oauth", "basic", "--cert", str(self._certificate), "--key", str(self._certificate)]
        locked = lock if self._certificate else []
        return [str(node), "--require", str(LOOKUPS), str(SCRIPT), *where, *quiet, *doors, *locked]

    def _door(self, service: str) -> tuple[str, ...]:
        where = (f"--{service}Host", "127.0.0.1", f"--{service}Port", str(self._wanted.get(service, 0)))
        return (*where, f"--{service}KeepAliveTimeout", _IDLE_SECONDS)

    def _wait_until_ready(self) -> None:
        """Wait until it has said where all three services listen: ports that it chose itself nobody else can have."""
        deadline = time.monotonic() + READY_SECONDS
        while len(self.ports) < len(SERVICES):
            if self._process is None or self._process.poll() is not None:
                raise AzuriteError(f"Azurite ended while it started. The end of its log:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise AzuriteError(f"Azurite was not ready after {READY_SECONDS:.0f} s:\n{self._log_tail()}")
            time.sleep(0.02)
            found = _LISTENING.findall(self._log.read_text(errors="replace"))
            self.ports = {service.lower(): int(port) for service, port in found}

    @property
    def _log(self) -> Path:
        return Path(self._scratch.name if self._scratch else ".") / "azurite.log"

    def _log_tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
