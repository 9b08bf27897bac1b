"""A whole local run, as `dev run` starts it, but in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev import local_settings
from dev.desk_api import DeskApi
from dev.graph import Emulator
from dev.stack import Addresses, Stack


@dataclass(frozen=True)
class Running:
    """A stack that runs, and the file that tells where it is."""

    stack: Stack
    found: Addresses
    file: Path

    @property
    def emulator(self) -> Emulator:
        return self.stack.emulator

    @property
    def desk(self) -> DeskApi:
        return self.stack.desk


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for each test process; tests use mailboxes of their own."""
    folder = tmp_path_factory.mktemp("run")
    settings, addresses = folder / "local.settings.json", folder / "stack.json"
    local_settings.ensure(settings)
    with Stack(folder / "stack", settings, print) as stack:
        found = stack.connect()
        found.save(addresses)
        yield Running(stack, found, addresses)
