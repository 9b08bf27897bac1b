"""The package as it is deployed, alone: nothing but its requirements, storage by https, and no key anywhere."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev import package
from dev.azurite import Azurite
from dev.bootstrap import ROOT
from dev.desk_api import DeskApi
from dev.graph import Emulator
from dev.graph.server import Server
from dev.show import Show
from dev.stack import add_mailbox, choose_port
from dev.tenant import CLIENT, CLIENT_SECRET, SUPPORT, TENANT

IDENTITY = "99999999-9999-4999-8999-999999999999"
ADMIN_KEY = "the-admin-key-of-this-package"
PLATFORM = ("azure-functions-runtime>=1.3,<2", "cronsim>=2.8,<3")
"""What Azure brings: Microsoft's worker. Beside it what our stand-in for the host reads schedules with."""
READY_SECONDS = 90


@pytest.mark.requirement("OPS-8")
def test_the_package_holds_the_app_and_nothing_else() -> None:
    found = {path.parts[0] for path in package.files()}
    assert found == {"function_app.py", "host.json", "requirements.txt", "shared"}
    assert not [path for path in package.files() if path.suffix == ".pyc"]


@pytest.mark.minutes
@pytest.mark.requirement("OPS-8")
def test_the_main_job_runs_from_the_package_by_managed_identity(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    package.build(folder)
    python = install(tmp_path / "python", folder / "requirements.txt")
    with tenant(tmp_path) as (emulator, server), Azurite(certificate=tmp_path / "server.pem") as storage:
        settings = settings_for(storage, server)
        with app(python, folder, tmp_path, settings) as url:
            desk = DeskApi(url, ADMIN_KEY)
            asked = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "cloud": "local"}
            connection = desk.post("/connections", {**asked, "managed_identity": True})
            add_mailbox(desk, str(connection["connection_id"]), SUPPORT)
            Show(emulator, desk, url, print, within=15).run()
    assert not (folder / "dev").exists()
    assert "AccountKey" not in json.dumps(settings)


def install(folder: Path, requirements: Path) -> Path:
    """An environment with nothing but these, and what the platform brings; its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603 - our own Python
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "-r", str(requirements), *PLATFORM]
    subprocess.run(install, check=True)  # noqa: S603 - the same
    return python


@contextmanager
def tenant(folder: Path) -> Iterator[tuple[Emulator, Server]]:
    """Microsoft 365 whose app registration trusts the managed identity of this machine."""
    emulator = Emulator()
    emulator.recording = False
    registration = emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
    emulator.add_identity(TENANT, IDENTITY, trusted_by=registration)
    emulator.add_mailbox(TENANT, SUPPORT, "Support", "shared")
    server = Server(emulator, folder).start()
    try:
        yield emulator, server
    finally:
        server.stop()
        emulator.close()


def settings_for(storage: Azurite, server: Server) -> dict[str, str]:
    """As ``infra`` gives them, but for the places."""
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    del example["AzureWebJobsStorage"]
    uris = {f"AzureWebJobsStorage__{name}ServiceUri": storage.url(name) for name in ("blob", "queue", "table")}
    return {
        **example,
        **uris,
        "AZURE_CLIENT_ID": IDENTITY,
        "SECRET_KEY": base64.b64encode(os.urandom(32)).decode(),
        "ADMIN_KEY": ADMIN_KEY,
        "LOCAL_CLOUD_URL": server.url,
    }


@contextmanager
def app(python: Path, folder: Path, scratch: Path, settings: dict[str, str]) -> Iterator[str]:
    """The package in Microsoft's worker; our host stands beside it, not in it."""
    shutil.copytree(
        ROOT / "dev", scratch / "host" / "dev", ignore=shutil.ignore_patterns("node_modules", "__pycache__")
    )
    file, log, port = scratch / "settings.json", scratch / "app.log", choose_port()
    url = f"http://127.0.0.1:{port}"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": {**settings, "PUBLIC_URL": url}}), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "PYTHONPATH": str(scratch / "host"),
        "PYTHONUNBUFFERED": "1",
        "REQUESTS_CA_BUNDLE": str(scratch / "ca.pem"),
        "NO_PROXY": "localhost,127.0.0.1",
        "IDENTITY_ENDPOINT": f"{settings['LOCAL_CLOUD_URL']}/msi/token",
        "IDENTITY_HEADER": "only-from-this-machine",
        "AZURE_CLIENT_ID": IDENTITY,
    }
    command = [str(python), "-m", "dev.host", "--port", str(port), "--settings", str(file)]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own host
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until_ready(process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        print(log.read_text(errors="replace")[-4000:])  # noqa: T201 - pytest shows it if the test fails


def wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it says so; its log is in the failure if it does not."""
    until = time.monotonic() + READY_SECONDS
    while "\nready " not in log.read_text(errors="replace"):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < until, log.read_text(errors="replace")
        time.sleep(0.05)
