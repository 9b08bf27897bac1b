"""Every way in which the road of a mail can end: a closed list, each with what it means and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of one mail."""

    TICKET = "ticket"
    REPLY = "reply"
    DUPLICATE = "duplicate"
    OWN = "own"
    GONE = "gone"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Meaning:
    """``text``: what happened, for an admin; ``cure``: what to do if that is not what was wanted."""

    text: str
    cure: str


MEANINGS: dict[Verdict, Meaning] = {
    Verdict.TICKET: Meaning("A ticket was opened.", "Nothing to do."),
    Verdict.REPLY: Meaning("The mail was added to its ticket.", "Nothing to do."),
    Verdict.DUPLICATE: Meaning(
        "The same mail had come before, in this mailbox or another one; its ticket is named.", "Nothing to do."
    ),
    Verdict.OWN: Meaning(
        "This desk had sent the mail itself, and taking it in would begin a loop.",
        "Find out which rule or forwarding sends the desk's mail back to it.",
    ),
    Verdict.GONE: Meaning(
        "Somebody moved or deleted the mail before it could be read.",
        "If it should be a ticket, move it back into the folder that is watched: it is then taken in.",
    ),
    Verdict.QUARANTINED: Meaning(
        "The mail could not be processed. It is kept as it came and stays in its mailbox.",
        "Read the reason; replay the mail once it is mended. Its original can be downloaded from the journal.",
    ),
}

LEAVES_MAILBOX = frozenset({Verdict.TICKET, Verdict.REPLY, Verdict.DUPLICATE, Verdict.OWN})
"""Verdicts after which the mail is moved, marked or deleted as its mailbox is set; the others leave it where it is."""
