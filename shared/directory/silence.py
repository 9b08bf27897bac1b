"""Whom, and what, a round no longer names: looked for before that counts for anything. Graph's silence is no farewell.

A filter, a delay, a page that is missing or a permission that went may all be behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from shared.directory import mirror
from shared.directory.brief import COLUMNS
from shared.directory.mirror import Known
from shared.directory.properties import groups_in_use, uses_transitive
from shared.directory.tenant import Tenant
from shared.directory.told import ancestors
from shared.graph import directory as graph

MOST_LOOKED_UP = 500
"""People who are asked for one by one, or of whom it is asked whether they can be restored."""
FEW_MANAGED = 2
"""People of whom it is believed that they have no manager any more, though a round names nobody's."""


def understand(tenant: Tenant) -> None:
    """Find out what becomes of everybody and everything that was not named; raises GraphError."""
    tenant.keeps_managers = tenant.full and _hides_managers(tenant)
    _look_up_gone(tenant)
    if tenant.groups_full:
        tenant.emptied = _emptied(tenant)
        _look_up_left(tenant)


def _look_up_gone(tenant: Tenant) -> None:
    """Whom Graph calls removed, or does not name at all, is looked for by their id.

    Who is there nevertheless is asked for once more in the next run, in case it was only a matter of time.
    """
    place, told = tenant.place, tenant.told
    suspects = told.removed | (set(place.state.doubtful) - told.last.keys())
    if tenant.full:
        suspects |= {each for each in tenant.brief if each not in told.last and not tenant.brief[each].gone}
    known = suspects & tenant.brief.keys() if tenant.brief else _known_among(tenant, suspects)
    absent = known - graph.find_present(place.client, sorted(known)) if known else set()
    place.state.next_doubtful = tuple(sorted((known - absent) & told.removed)[:MOST_LOOKED_UP])
    unsure = sorted(absent - told.removed)
    restorable = graph.find_deleted(place.client, unsure) if 0 < len(unsure) <= MOST_LOOKED_UP else frozenset()
    tenant.gone = {each: "deleted" if each in told.removed or each in restorable else "missing" for each in absent}


def _known_among(tenant: Tenant, object_ids: Iterable[str]) -> set[str]:
    return set(mirror.find_many(tenant.place.rt, tenant.place.connection_id, object_ids))


def _look_up_left(tenant: Tenant) -> None:
    """Who was in a group that was told of, but of whom nothing was, is asked for: a missing page is no farewell.

    Of groups within groups, and of very many people at once, nobody is asked for: what they would lose waits.
    """
    silent = dict(_iter_silent(tenant))
    if len(silent) > MOST_LOOKED_UP:
        tenant.emptied |= frozenset[str]().union(*silent.values())
    elif silent:
        groups = graph.find_groups_of(tenant.place.client, sorted(silent))
        tenant.stays = {each: silent[each] & found for each, found in groups.items()}
    tenant.emptied |= {each for each in _counting(tenant) - tenant.kept if _lost_groups(tenant, each)}


def _iter_silent(tenant: Tenant) -> Iterator[tuple[str, frozenset[str]]]:
    """Who is not gone, and the groups that count in which they were, and in which no word was said of them."""
    told, counting = tenant.groups_told.members, _counting(tenant) - tenant.kept
    for known in _iter_there(tenant) if counting else ():
        groups = (known.groups & counting) - dict(told.get(known.object_id, ())).keys()
        if groups and known.object_id not in tenant.gone:
            yield known.object_id, groups


def _iter_there(tenant: Tenant) -> Iterator[Known]:
    """Who was there before the round, with the groups that they were in."""
    place = tenant.place
    rows = tenant.brief.values() if tenant.full else mirror.iter_known(place.rt, place.connection_id, COLUMNS)
    return (known for known in rows if not known.gone)


def _counting(tenant: Tenant) -> frozenset[str]:
    """The groups in use and, where membership through others counts, those that were within them."""
    used = frozenset(groups_in_use(tenant.place.rules))
    if not uses_transitive(tenant.place.rules):
        return used
    above = ancestors({each.group_id: each.children for each in tenant.groups_before.values()})
    return used | {each for each, groups in above.items() if groups & used}


def _lost_groups(tenant: Tenant, group_id: str) -> bool:
    """Whether a group had others in it of which nothing was said."""
    before, told = tenant.groups_before.get(group_id), tenant.groups_told.children.get(group_id, {})
    return bool(before and before.children - told.keys()) and uses_transitive(tenant.place.rules)


def _emptied(tenant: Tenant) -> frozenset[str]:
    """Groups in use that had two members or more, and have none at all after a round over all groups."""
    left = {group for moves in tenant.groups_told.members.values() for group, is_in in moves if is_in}
    suspects = frozenset(groups_in_use(tenant.place.rules)) - tenant.kept - left
    there = _iter_there(tenant) if suspects else ()
    before = Counter(group for known in there for group in known.groups & suspects)
    return frozenset(group for group in suspects if before[group] > 1)


def _hides_managers(tenant: Tenant) -> bool:
    """Whether a round over everybody names not one manager, and more than a few of those whom it names had one."""
    had = (each for each, known in tenant.brief.items() if known.manager and tenant.told.is_there(each))
    return not tenant.told.managers and sum(1 for _ in islice(had, FEW_MANAGED + 1)) > FEW_MANAGED
