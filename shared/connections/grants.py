"""Which callers a connection was given to. One that was given to nobody in particular is there for all.

Callers are named by their object id in Entra, which is theirs for good; names and addresses can be changed by those who
bear them. https://learn.microsoft.com/en-us/entra/identity-platform/claims-validation
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from shared.runtime import Runtime
from shared.storage.rows import Row

TABLE = "Grants"
PARTITION = "connections"
READ, MODIFY, SET_UP = "read", "modify", "set_up"


@dataclass(frozen=True, slots=True)
class Grant:
    """A caller who was given a connection: to look (``read``), to do what their role allows (``modify``), or besides to
    change all that is set up of it, as an administrator could (``set_up``), but not whom it is given to.
    """

    object_id: str
    access: str
    name: str = ""


def get(rt: Runtime, connection_id: str) -> list[Grant]:
    """Those whom a connection was given to; empty means all."""
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    return _grants(row) if row else []


def list_all(rt: Runtime) -> dict[str, list[Grant]]:
    """The same for each connection that was ever given to somebody, by its id."""
    return {row.key: _grants(row) for row in rt.tables[TABLE].range(PARTITION)}


def put(rt: Runtime, connection_id: str, grants: Sequence[Grant]) -> None:
    """Give a connection to these, and to nobody else; to all, where there are none."""
    rt.tables[TABLE].upsert(Row(PARTITION, connection_id, {"grants": json.dumps([asdict(each) for each in grants])}))


def _grants(row: Row) -> list[Grant]:
    return [Grant(**each) for each in json.loads(row["grants"])]
