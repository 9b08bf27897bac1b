"""Telling a mail that Graph refuses from a Graph that is away: the one is set aside, the other waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from shared.errors import DeskbridgeError
from shared.graph.errors import AccessDenied, GraphBusy, GraphError
from shared.mail.ledger import Entry
from shared.mail.passage import Passage, quarantine
from shared.storage.errors import StorageAway

MOST_REFUSALS = 5
"""A mail that Graph fails to give in so many rounds, while it gives others, is set aside: it must not hold up those
behind it for ever. What befalls all mails is an outage, and waited for."""
MOST_REFUSALS_ALONE = 12
"""A mail that could be read and recorded, but in so many rounds not moved, stays where it is."""


def set_aside_refused(passages: Sequence[Passage]) -> None:
    """Set aside what Graph or the storage refuses again and again, or forbids, while other mails pass."""
    if not any(each.mail for each in passages):
        return
    for passage in passages:
        refusal = passage.interruption
        if not _is_of_this_mail(refusal):
            continue
        passage.entry.refusals += 1
        if passage.entry.refusals >= MOST_REFUSALS or isinstance(refusal, AccessDenied):
            passage.interruption = None
            quarantine(passage.entry, refusal)


def _is_of_this_mail(refusal: DeskbridgeError | None) -> TypeGuard[GraphError | StorageAway]:
    """Whether a refusal may be about one mail alone; throttling never is."""
    if isinstance(refusal, GraphError):
        return refusal.status not in (429, 503)
    return isinstance(refusal, StorageAway)


def is_hopeless(entry: Entry, refusal: GraphBusy, *, alone: bool) -> bool:
    """Count a refusal to move a mail; whether it was the last that we wait out. ``alone``: no other mail was moved."""
    entry.refusals += refusal.status not in (429, 503)
    return entry.refusals >= (MOST_REFUSALS_ALONE if alone else MOST_REFUSALS)
