"""After KEY_VAULT_URL was set: the secrets that lie sealed in storage are moved into the vault, on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shared import log
from shared.connections import safekeeping, store
from shared.connections.safekeeping import Credential
from shared.connections.store import Connection
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowChanged

if TYPE_CHECKING:
    from shared.graph.proofs import Kind


def is_left(connection: Connection) -> bool:
    """Whether it has a secret, and that lies in storage."""
    return bool(connection.sealed_secret) and connection.credential != "identity"


def move_all(rt: Runtime) -> int:
    """Move every secret that a key opens; how many. It may end anywhere, and be begun again.

    Raises VaultRefused, VaultAway.
    """
    if rt.vault is None:
        return 0
    moved = sum(_move(rt, row) for row in list(rt.tables[store.TABLE].range(store.PARTITION)))
    store.forget(rt)
    return moved


def _move(rt: Runtime, row: Row) -> bool:
    """Into the vault first; the row names it afterwards. Who changed the row meanwhile has kept a secret themselves."""
    found, context = fill(Connection, row), safekeeping.context_of(row.key)
    if not is_left(found) or rt.keys.find_opener(found.sealed_secret, context=context) is None:
        return False
    secret = rt.keys.unseal(found.sealed_secret, context=context)
    kind = cast("Kind", found.credential)
    columns = safekeeping.keep(rt, row.key, Credential(kind, secret, found.thumbprint, found.ends_at))
    try:
        rt.tables[store.TABLE].merge(Row(row.partition, row.key, dict(columns), row.etag))
    except RowChanged:
        safekeeping.switch_off(rt, f"{columns['vault_secret']}/{columns['vault_version']}")
        latest = rt.tables[store.TABLE].find(row.partition, row.key)
        return latest is not None and _move(rt, latest)
    log.info("vault.moved", connection_id=row.key)
    return True
