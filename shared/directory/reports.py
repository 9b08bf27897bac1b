"""How the work went that is done beside the runs: the import of licenses, the reading of sign-ins.

One row for each, in the partition of the connection; a failure is told until the next success.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from shared.clock import to_text
from shared.directory import TABLE
from shared.directory.rules import Rules
from shared.errors import DeskbridgeError
from shared.runtime import Runtime
from shared.storage.rows import Row, fill

PREFIX = "!report~"
Task = Literal["licenses", "sign_ins"]


@dataclass(frozen=True, slots=True)
class Report:
    """How a task stands. Times are ISO 8601 in UTC, empty for never; ``failure`` where the last one went badly."""

    last_success_at: str = ""
    failing_since: str = ""
    failure: str = ""
    cure: str = ""


def find_report(rt: Runtime, connection_id: str, task: Task) -> Report:
    """How a task stands; an empty report where it was never done."""
    row = rt.tables[TABLE].find(connection_id, PREFIX + task)
    return fill(Report, row) if row else Report()


def note_success(rt: Runtime, connection_id: str, task: Task) -> None:
    """The task was done to its end."""
    _write(rt, connection_id, task, Report(to_text(rt.clock.now())))


def note_failure(rt: Runtime, connection_id: str, task: Task, why: DeskbridgeError) -> None:
    """The task could not be done this time."""
    known = find_report(rt, connection_id, task)
    since = known.failing_since or to_text(rt.clock.now())
    _write(rt, connection_id, task, Report(known.last_success_at, since, why.cause[:1000], why.cure[:1000]))


def list_failing(rt: Runtime, connection_id: str, rules: Rules) -> dict[Task, Report]:
    """The tasks that are switched on and fail: one request for each that is switched on."""
    wanted: dict[Task, bool] = {"licenses": bool(rules.licenses_organization), "sign_ins": rules.last_sign_in}
    found = {task: find_report(rt, connection_id, task) for task, on in wanted.items() if on}
    return {task: report for task, report in found.items() if report.failure}


def _write(rt: Runtime, connection_id: str, task: Task, report: Report) -> None:
    rt.tables[TABLE].upsert(Row(connection_id, PREFIX + task, asdict(report)))
