"""What this process recorded lately: an answer to a fresh mail then needs neither a look-up nor a read.

It may be out of date and does no harm: a Message-ID stays on its ticket, and a ticket is written only at the version
that it was remembered at. Where that is refused, all of it is forgotten and read anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.runtime import Runtime
    from shared.storage.tables import Row

MOST_REMEMBERED = 2_000


class Recent:
    """The tickets of Message-IDs, and the rows of tickets as they were last written."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rows: dict[int, Row] = {}

    def find_number(self, message_id: str) -> int | None:
        """The ticket that a Message-ID is on, if it is remembered."""
        return self._numbers.get(message_id)

    def find_row(self, number: int) -> Row | None:
        """The row of a ticket, if it is remembered."""
        return self._rows.get(number)

    def note(self, numbers: Mapping[str, int], rows: Mapping[int, Row]) -> None:
        """Remember what was just stored, and the older the less. For one caller at a time."""
        _push(self._numbers, numbers)
        _push(self._rows, rows)

    def forget(self) -> None:
        """Read everything anew."""
        self._numbers, self._rows = {}, {}


def recent(rt: Runtime) -> Recent:
    """The one memory of this process."""
    found: Recent = rt.memory.setdefault("desk.recent", Recent())
    return found


def _push[K, V](memory: dict[K, V], fresh: Mapping[K, V]) -> None:
    for key, value in fresh.items():
        memory.pop(key, None)
        memory[key] = value
    while len(memory) > MOST_REMEMBERED:
        del memory[next(iter(memory))]
