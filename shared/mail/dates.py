"""The ``Date`` field, as far as it can be believed."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

# Before: dead clock batteries (1970, 1980). After: two-digit years gone wrong and spam that wants to stay on top.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2090, 1, 1, tzinfo=UTC)


def parse_date(text: str) -> datetime | None:
    """An RFC 5322 date (and much that only resembles one) in UTC; None when unreadable or outside the bounds above."""
    try:
        date = _parse_rfc_5322(text[:100]) or datetime.fromisoformat(text.strip()[:40])
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # all seen from hostile dates
        return None
    return date if EARLIEST <= date < LATEST else None


def _parse_rfc_5322(text: str) -> datetime | None:
    fields = parsedate_tz(text)
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)  # a leap second is not Python's
    return moment - timedelta(seconds=fields[9] or 0)
