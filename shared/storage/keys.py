"""Keys of rows: safe characters only, and an order that serves the reader.

Table Storage forbids ``/ \\ # ?`` and control characters in keys and sorts rows by key, ascending, in a partition.
https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-the-table-service-data-model
"""

import hashlib
from datetime import UTC, datetime

_LAST_NUMBER = 9_999_999_999
_MICROSECOND = datetime.resolution
_LAST_MICROSECOND = 10**17 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest(*parts: str) -> str:
    """32 hexadecimal characters that stand for these texts; for keys made of what came from outside."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def descending(number: int) -> str:
    """Ten digits that sort the higher numbers first."""
    return f"{_LAST_NUMBER - number:010d}"


def newest_first(moment: datetime) -> str:
    """Seventeen digits that sort the later moments first; exact to the microsecond."""
    microseconds = (moment - _EPOCH) // _MICROSECOND
    return f"{_LAST_MICROSECOND - microseconds:017d}"


def after(prefix: str) -> str:
    """The first key behind all that begin with ``prefix``."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
