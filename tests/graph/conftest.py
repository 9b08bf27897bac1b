"""A signed-in client of the emulator."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import requests

from dev.graph import Emulator, EmulatorAdapter
from shared.clock import ShiftedClock
from shared.graph.client import GraphClient, GraphClients
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT


class RestlessClock(ShiftedClock):
    """A clock whose pauses are noted and pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        """Note it, and let the time pass."""
        self.pauses.append(seconds)
        self.advance(seconds)


@dataclass(frozen=True)
class Tenant:
    """A tenant with one mailbox, and a client of it."""

    emulator: Emulator
    client: GraphClient
    clock: RestlessClock


@pytest.fixture
def tenant() -> Tenant:
    """A fresh tenant."""
    emulator, clock, http = Emulator(send=lambda *_: (202, "")), RestlessClock(), requests.Session()
    emulator.add_app(tenant_id=TENANT, client_id=CLIENT, secret=CLIENT_SECRET)
    emulator.add_mailbox(TENANT, SUPPORT, display_name="Support", kind="shared")
    http.mount("https://", EmulatorAdapter(emulator))
    clients = GraphClients(clock, http=http)
    client = clients.get(tenant_id=TENANT, client_id=CLIENT, secret=CLIENT_SECRET, cloud="global")
    return Tenant(emulator, client, clock)
