"""What a round told, read back and put together with what the mirror knew: the tenant as it is by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.clock import to_text
from shared.directory import mirror, rounds, silence
from shared.directory.brief import COLUMNS, Briefs
from shared.directory.mirror import Group
from shared.directory.numbering import Numbers
from shared.directory.place import Place
from shared.directory.properties import groups_in_use
from shared.directory.tenant import Tenant
from shared.directory.told import GroupsTold, add_up, ancestors, index


def look(place: Place) -> Tenant:
    """Put together what was told and what is known; raises GraphError, NotCredible where it cannot be true."""
    found = _read_back(place)
    rounds.check_told(place, found.told)
    _look_at_groups(found)
    if found.full:
        found.brief = Briefs(mirror.iter_known(place.rt, place.connection_id, COLUMNS), found.numbers)
    silence.understand(found)
    return found


def _read_back(place: Place) -> Tenant:
    """What was told, over all pages."""
    state, spool, numbers = place.state, place.spool, Numbers()
    return Tenant(
        place,
        pages=state.user_pages,
        full=state.users_full,
        groups_full=reads_all_groups(place),
        told=index(spool.iter_all("users", state.user_pages), numbers),
        groups_told=add_up(spool.iter_all("groups", state.group_pages), numbers),
        numbers=numbers,
    )


def _look_at_groups(found: Tenant) -> None:
    """The groups before and after. Everybody may be concerned where one is in another by now that was not, and where
    rules or structure are not those by which the mirror's plans were made.
    """
    place, told = found.place, found.groups_told
    replanned = place.state.version != place.state.next_version
    waits = place.state.waiting or place.state.too_many_wait
    concerns = found.full or found.groups_full or found.told.last or waits or told.names or told.removed
    if not (concerns or replanned):
        return
    found.groups_loaded = True
    found.groups_before = mirror.load_groups(place.rt, place.connection_id)
    found.groups = groups_after(place, found.groups_before, told)
    found.above = ancestors({each.group_id: each.children for each in found.groups.values()})
    moved = _edges(found.groups_before) != _edges(found.groups)
    found.everybody = found.full or found.groups_full or replanned or moved
    found.kept = frozenset(groups_in_use(place.rules)) - told.names.keys()


def reads_all_groups(place: Place) -> bool:
    """Whether this round says of every group who is in it, as far as groups are asked for."""
    return place.state.groups_full and rounds.asked(place.rules).groups is not None


def _edges(groups: Mapping[str, Group]) -> dict[str, frozenset[str]]:
    return {each.group_id: each.children for each in groups.values() if each.children}


def groups_after(place: Place, before: Mapping[str, Group], told: GroupsTold) -> dict[str, Group]:
    """All groups after a round. One that a mapping uses stays when it is gone, and since when is noted."""
    used, full = groups_in_use(place.rules), reads_all_groups(place)
    after = {} if full else dict(before)
    for group, name in told.names.items():
        known = before.get(group, Group(group))
        moves = told.children.get(group, {})
        stays = frozenset() if full else known.children - moves.keys()
        after[group] = Group(group, name or known.name, stays | {child for child, is_in in moves.items() if is_in})
    lost = {each for each in used if each not in told.names} if full else set()
    for group in told.removed | lost:
        after.pop(group, None)
        if group in used:
            known = before.get(group, Group(group, used[group].name))
            after[group] = replace(known, gone_at=known.gone_at or to_text(place.rt.clock.now()))
    return after
