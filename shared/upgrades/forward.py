"""A storage of an earlier version is brought forward: page by page, slice by slice, while everything else goes on.

Each page is written, then the place behind it: whoever goes on after a crash does at most one page again. Of two who do
the same page, the second is refused when it writes the place, and waits until the first is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched

from shared import log
from shared.clock import to_text
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.storage.tables import LARGEST_TRANSACTION, Change, Row, RowChanged, RowExists
from shared.upgrades import reached
from shared.upgrades.reached import Reached
from shared.upgrades.readiness import LATEST, check_readable, remember_latest
from shared.upgrades.steps import STEPS, Step
from shared.work import BringForward

PAGE = 100
"""Rows that are looked at before the place is written down."""
BUSY_DELAY = 15
"""Seconds until it is looked again, where another worker was faster or a row was changed meanwhile."""


def bring_forward(rt: Runtime, work: BringForward) -> None:
    """Do one slice of the steps that the storage has before it; raises Later where another worker is at it."""
    until = rt.clock.steady() + rt.settings.slice_seconds
    try:
        found = reached.find(rt)
        check_readable(found)
        for step in plan_steps(found, STEPS):
            _announce(rt, found, step)
            while found.number < step.number:
                _bring_page(rt, found, step)
                if rt.clock.steady() > until and found.number < LATEST:
                    rt.queues.put(work)
                    return
        remember_latest(rt)
    except (RowChanged, RowExists):
        raise Later("Another worker brings the storage forward, or changed a row of it.", BUSY_DELAY) from None
    except StorageError as error:
        raise StorageAway(error) from error


def plan_steps(found: Reached, steps: Sequence[Step]) -> list[Step]:
    """The steps that a storage has before it, in their order."""
    return [step for step in steps if step.number > found.number]


def _announce(rt: Runtime, found: Reached, step: Step) -> None:
    """Before the first row of a step: an app that cannot read what it leaves must be told beforehand."""
    if found.etag and found.needs >= step.needs:
        return
    found.needs = max(found.needs, step.needs)
    _save(rt, found)


def _bring_page(rt: Runtime, found: Reached, step: Step) -> None:
    table = rt.tables[step.table]
    rows = list(table.range(step.partition, after=found.after, limit=PAGE, page=PAGE))
    for some in batched(_changes(found, step, rows), LARGEST_TRANSACTION, strict=False):
        table.transact(some)
    found.after = rows[-1].key if len(rows) == PAGE else ""
    if not found.after:
        found.number = step.number
        log.info("upgrade.step_done", version=step.number, what=step.what)
    _save(rt, found)


def _changes(found: Reached, step: Step, rows: Sequence[Row]) -> Iterator[Change]:
    """What is to be written for a page. A row that makes no sense stays as it is, is counted, and stops nothing."""
    for row in rows:
        try:
            yield from step.bring(row)
        except (KeyError, TypeError, ValueError) as failure:
            found.left += 1
            log.error("upgrade.row_left", table=step.table, key=row.key, version=step.number, failure=failure)


def _save(rt: Runtime, found: Reached) -> None:
    found.at = to_text(rt.clock.now())
    reached.save(rt, found)
