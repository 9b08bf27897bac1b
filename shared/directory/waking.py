"""Who waits because something was in their way is looked at when that may be gone, and costs nothing until then.

What is in the way is something of the desk (``present.way_at`` stands for all of it), or what another person of the
tenant has: an address, or a value in a matching field, which is free when Graph tells that they have it no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.directory.identifying import claims_of
from shared.directory.mirror import Known
from shared.directory.persons import Person
from shared.directory.rules import Rules
from shared.directory.tenant import MOST_REMEMBERED, Tenant


def wake(found: Tenant) -> None:
    """Let those be looked at who may come in by now; of too many who wait it is not known who, and all are."""
    if found.everybody or not found.waiting:
        return
    found.waiting = _may_come(found)
    found.everybody = bool(found.waiting) and found.place.state.too_many_wait


def _may_come(found: Tenant) -> frozenset[str]:
    state, rules = found.place.state, found.place.rules
    if state.way != state.next_way or len(found.told.last) > MOST_REMEMBERED:
        return found.waiting
    free = frozenset(_iter_free(found))
    if not free or state.too_many_wait:
        return found.waiting if free else frozenset()
    waiting = found.find_known(found.waiting).values()
    return frozenset(each.object_id for each in waiting if free & {*claims_of(rules, found.unchanged(each))})


def _iter_free(found: Tenant) -> Iterator[str]:
    """What somebody had before this round, and has no more."""
    rules = found.place.rules
    for seen in found.iter_told():
        if seen.known:
            yield from _claims_before(rules, seen.known) - {*claims_of(rules, seen.person)}
    for known in found.find_known(found.gone).values():
        yield from _claims_before(rules, known)


def _claims_before(rules: Rules, known: Known) -> set[str]:
    person = Person(known.object_id, known.properties, known.manager, known.groups, known.groups, known.gone)
    return {*claims_of(rules, person)}
