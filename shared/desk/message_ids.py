"""Which ticket a mail's Message-ID belongs to."""

from __future__ import annotations

from shared.desk import PARTITION, TABLE
from shared.desk.recent import recent
from shared.runtime import Runtime
from shared.storage.keys import digest


def message_key(message_id: str) -> str:
    """The key of the row of a Message-ID; ids are told apart to the letter, as RFC 5322 has it."""
    return f"m~{digest(message_id)}"


def find_ticket_number(rt: Runtime, message_id: str) -> int | None:
    """The number of the ticket that this mail is part of, or None."""
    number = recent(rt).find_number(message_id)
    if number is not None:
        return number
    row = rt.tables[TABLE].find(PARTITION, message_key(message_id))
    return None if row is None else int(row["number"])
