"""What is kept of a connection, and the Graph client that it stands for. Its secret is sealed at rest."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.clock import to_text
from shared.errors import NotFound
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowExists

if TYPE_CHECKING:
    from shared.graph.client import GraphClient

TABLE = "Connections"
PARTITION = "connections"
_REMEMBERED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant and an app registration. ``sealed_secret`` opens only with the app's key and for this connection."""

    connection_id: str
    name: str
    tenant_id: str
    client_id: str
    cloud: str
    sealed_secret: str
    created_at: str
    used_for: str = "mail"
    method: str = "application"

    def __repr__(self) -> str:
        """Everything but the secret, sealed as it is."""
        return f"Connection({self.connection_id}, {self.tenant_id}, {self.client_id}, {self.cloud})"


def create(rt: Runtime, *, name: str, tenant_id: str, client_id: str, client_secret: str, cloud: str) -> Connection:
    """Keep a new connection; the id is made from its name."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "connection"
    for connection_id in (stem, f"{stem}-{secrets.token_hex(3)}"):
        sealed = rt.keys.seal(client_secret, context=f"connection/{connection_id}")
        now = to_text(rt.clock.now())
        connection = Connection(connection_id, name, tenant_id, client_id, cloud, sealed, now)
        try:
            rt.tables[TABLE].insert(Row(PARTITION, connection_id, asdict(connection)))
        except RowExists:
            continue
        return connection
    raise AssertionError("unreachable: two random ids were both taken")


def list_all(rt: Runtime) -> list[Connection]:
    """Every connection, by id."""
    return [fill(Connection, row) for row in rt.tables[TABLE].range(PARTITION)]


def get(rt: Runtime, connection_id: str) -> Connection:
    """The connection of this id, remembered for a minute; raises NotFound."""
    memory: dict[str, tuple[Connection, float]] = rt.memory.setdefault("connections", {})
    known = memory.get(connection_id)
    if known and known[1] > rt.clock.steady():
        return known[0]
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    if row is None:
        raise NotFound(f"There is no connection {connection_id!r}.", "Look it up in the list of connections.")
    memory[connection_id] = fill(Connection, row), rt.clock.steady() + _REMEMBERED_SECONDS
    return memory[connection_id][0]


def change_secret(rt: Runtime, connection_id: str, client_secret: str) -> Connection:
    """Keep another client secret for a connection; raises NotFound."""
    rt.memory.pop("connections", None)
    get(rt, connection_id)
    sealed = rt.keys.seal(client_secret, context=f"connection/{connection_id}")
    rt.tables[TABLE].merge(Row(PARTITION, connection_id, {"sealed_secret": sealed}))
    rt.memory.pop("connections", None)
    return get(rt, connection_id)


def graph_client(rt: Runtime, connection_id: str) -> GraphClient:
    """Microsoft Graph as this connection; raises NotFound, Misconfigured."""
    connection = get(rt, connection_id)
    secret = rt.keys.unseal(connection.sealed_secret, context=f"connection/{connection_id}")
    return rt.graph.get(
        tenant_id=connection.tenant_id, client_id=connection.client_id, client_secret=secret, cloud=connection.cloud
    )
