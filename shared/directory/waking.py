"""Who waits because something was in their way is looked at when that may be gone, and costs nothing until then.

What is in the way is something of the desk (``present.way_at`` stands for all of it), or what another person of the
tenant has: an address, or a value in a matching field, which is free when Graph tells that they have it no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.directory.claiming import marks_of
from shared.directory.tenant import MOST_REMEMBERED, Tenant


def wake(found: Tenant) -> None:
    """Let those be looked at who may come in by now; of too many who wait it is not known who, and all are."""
    state = found.place.state
    if found.everybody or not (state.waiting or state.too_many_wait):
        return
    is_clear = state.way != state.next_way or len(found.told.last) > MOST_REMEMBERED
    free = set() if is_clear else {*_iter_free(found)}
    found.everybody = state.too_many_wait and (is_clear or bool(free))
    found.waiting = frozenset(each for each, marks in state.waiting.items() if is_clear or marks & free)


def _iter_free(found: Tenant) -> Iterator[bytes]:
    """What somebody had before this round, and has no more."""
    rules = found.place.rules
    for seen in found.iter_told():
        if seen.known:
            yield from marks_of(rules, seen.known.person()) - marks_of(rules, seen.person)
    for known in found.find_known(found.gone).values():
        yield from marks_of(rules, known.person())
