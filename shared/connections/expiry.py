"""When to warn that a credential ends: at 30, 14, 7 and 1 days, on the day, and daily once it is over."""

from __future__ import annotations

from datetime import datetime

WARN_AT = (0, 1, 7, 14, 30)
"""Days left."""


def find_warning(ends_at: datetime, now: datetime) -> str | None:
    """What the present warning is called, or None where there is time. One that was given is not given again, so that
    a day on which nobody looked loses no warning.
    """
    days = (ends_at.date() - now.date()).days
    if ends_at <= now:
        return f"over-{now.date().isoformat()}"
    return next((f"{each}-days" for each in WARN_AT if days <= each), None)


def describe(ends_at: datetime, now: datetime) -> str:
    """When it ends, or ended, in words."""
    days = (ends_at.date() - now.date()).days
    when = f"on {ends_at.date().isoformat()} (UTC)"
    if ends_at <= now:
        return f"ended {when}"
    return f"ends today, {when}" if days == 0 else f"ends in {days} day{'s' if days > 1 else ''}, {when}"
