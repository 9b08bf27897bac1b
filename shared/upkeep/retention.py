"""What is removed when it is old: the record of changes, alerts, replayed work, begun sign-ins, runs of the directory.

All of it lies in the order of time, so that only what goes is read. Tickets, mail and its journal are not among it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched

from shared import log
from shared.clock import to_text
from shared.connections import alerts, attempts
from shared.directory import TABLE as DIRECTORY
from shared.directory import forgetting
from shared.runtime import Runtime
from shared.storage import ages
from shared.storage.keys import newest_first
from shared.storage.tables import LARGEST_TRANSACTION, Change, Row, RowChanged, Table
from shared.upkeep import audit, set_aside


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of one partition. ``dated_by``: the column that tells their age, where their keys do not;
    ``ended_by``: the column that tells when they were done with, where only such ones may go.
    """

    table: str
    partition: str
    kept_for: timedelta
    dated_by: str = ""
    ended_by: str = ""


def remove_old(rt: Runtime) -> None:
    """Remove what is older than the settings say, for as long as a slice; what is left is for the next time.

    Of each kind something goes every time, so that a heap of one does not keep the others.
    """
    until = rt.clock.steady() + rt.settings.slice_seconds
    for kind in _kinds(rt):
        table, removed = rt.tables[kind.table], 0
        for rows in batched(_iter_old(rt, table, kind), LARGEST_TRANSACTION // 2, strict=False):
            _delete(table, kind.partition, [key for keys in rows for key in keys])
            removed += len(rows)
            if rt.clock.steady() > until:
                break
        log.info("retention.removed", table=kind.table, rows=removed)
    log.info("retention.removed", table=DIRECTORY, rows=forgetting.remove_old(rt, until))


def _kinds(rt: Runtime) -> Sequence[_Kind]:
    found = rt.settings
    return (
        _Kind(attempts.TABLE, attempts.PARTITION, attempts.KEPT_FOR, dated_by="begun_at"),
        _Kind(alerts.TABLE, alerts.PARTITION, timedelta(days=found.alert_days), dated_by="raised_at"),
        _Kind(set_aside.TABLE, set_aside.PARTITION, timedelta(days=found.set_aside_days), ended_by="replayed_at"),
        _Kind(audit.TABLE, audit.PARTITION, timedelta(days=found.audit_days)),
    )


def _iter_old(rt: Runtime, table: Table, kind: _Kind) -> Iterator[Sequence[str]]:
    """The keys of what may go; those that are named together go together."""
    moment = rt.clock.now() - kind.kept_for
    if kind.dated_by:
        yield from ages.iter_older(table, kind.partition, moment)
        return
    ended = f"{kind.ended_by} ne '' and {kind.ended_by} lt '{to_text(moment)}'" if kind.ended_by else ""
    for row in table.range(kind.partition, low=newest_first(moment), where=ended, select=[]):
        yield (row.key,)


def _delete(table: Table, partition: str, keys: Sequence[str]) -> None:
    try:
        table.transact([Change("delete", Row(partition, key)) for key in keys])
    except RowChanged:  # one of them is gone already: somebody else removes, too
        for key in keys:
            table.delete(partition, key)
