"""Timer triggers: when they are due, and what a function is told about it.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import json
import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from dev.doors.errors import HostError
from dev.doors.protos import TypedData
from dev.doors.timer_status import TimerStatus


def parse_schedule(schedule: str) -> str:
    """Return an NCRONTAB expression with its seconds, six fields. Raises HostError.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
    """
    if re.fullmatch(r"[\d.]*\d:\d\d:\d\d", schedule):
        raise HostError(
            f'schedule "{schedule}": a time span works on App Service plans only; write six NCRONTAB fields'
        )
    fields = schedule.split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6 or re.search(r"[#?]|\bL|\dL|\dW\b", schedule.upper()):
        raise HostError(f'schedule "{schedule}" is not NCRONTAB: second minute hour day month weekday')
    _check_days(fields, schedule)
    normalized = " ".join(fields)
    try:
        CronSim(normalized, datetime.now(UTC))
    except CronSimError as error:
        raise HostError(f'schedule "{schedule}" is not NCRONTAB: {error}') from None
    return normalized


def next_due(schedule: str, after: datetime) -> datetime:
    """Return the next moment after `after` at which a schedule is due, in UTC as on every Linux plan."""
    due: datetime = next(CronSim(parse_schedule(schedule), after.astimezone(UTC)))
    return due


def timer_value(status: TimerStatus | None, past_due: bool) -> TypedData:
    """Return what the host tells a timer function. ScheduleStatus is null where no earlier run is known."""
    told = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.as_json() if status else None,
        "IsPastDue": past_due,
    }
    return TypedData(json=json.dumps(told))


def _check_days(fields: list[str], schedule: str) -> None:
    """Refuse a day of the month together with a weekday: NCRONTAB wants both to hold, cron either."""
    if "7" in fields[5]:
        raise HostError(f'schedule "{schedule}": NCRONTAB counts weekdays from 0 (Sunday) to 6')
    if fields[3] != "*" and fields[5] != "*":
        raise HostError(f'schedule "{schedule}" restricts day and weekday; this host understands only one of them')
