"""Writing people to the desk: as many as fit in one transaction together; where that is refused, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from shared import log
from shared.desk import PARTITION, TABLE, agents, findable, last_admin, people
from shared.desk.agents import Agent
from shared.desk.keeping import Kept
from shared.desk.people import Former, User
from shared.directory import replanning
from shared.directory.guard import loses_admin
from shared.directory.pieces import Planned
from shared.directory.place import Place
from shared.directory.present import structure_at
from shared.directory.roster import read_one
from shared.errors import BadInput, Later
from shared.storage.rows import Change, Row
from shared.storage.tables import LARGEST_TRANSACTION, RowChanged, RowExists

MOST_TRIES = 3
_ROW_OF_VERSIONS = 1
_AGAIN_DELAY = 30


def write(place: Place, chunk: Sequence[Planned]) -> list[Planned]:
    """Bring the desk to what these entries say; as they were applied, which differs for whom the plan was made anew."""
    done: list[Planned] = []
    for alone, found in groupby(chunk, partial(_takes_admin, place)):
        some = list(found)
        done += [one for each in some for one in _write_each(place, [each])] if alone else _write_together(place, some)
    people.forget(place.rt)
    return done


def _write_together(place: Place, chunk: Sequence[Planned]) -> list[Planned]:
    done: list[Planned] = []
    for together in _fitting(place, chunk):
        changes = _merged([change for _, found in together for change in found])
        changes += _versions([planned for planned, _ in together])
        try:
            if changes:
                place.rt.tables[TABLE].transact(changes)
            done += [planned for planned, _ in together]
        except (RowExists, RowChanged):
            log.info("directory.one_by_one", people=len(together))
            done += _write_each(place, [planned for planned, _ in together])
    return done


def _takes_admin(place: Place, planned: Planned) -> bool:
    """Whether it makes one administrator fewer: they go one by one, each after a look at who is left."""
    return loses_admin(planned.entry, structure_at(place).admin_roles())


def _fitting(place: Place, chunk: Sequence[Planned]) -> Iterator[list[tuple[Planned, list[Change]]]]:
    """Entries with their rows, as many as a transaction takes."""
    waiting: list[tuple[Planned, list[Change]]] = []
    rows = 0
    for planned in chunk:
        changes = changes_of(place, planned)
        if rows + len(changes) > LARGEST_TRANSACTION - _ROW_OF_VERSIONS:
            yield waiting
            waiting, rows = [], 0
        waiting.append((planned, changes))
        rows += len(changes)
    if waiting:
        yield waiting


def _merged(changes: Sequence[Change]) -> list[Change]:
    """A transaction names each row once. Who gets an address goes before who leaves it."""
    found: dict[str, Change] = {}
    for change in changes:
        known = found.get(change.row.key)
        if known is None or known.kind == "delete" or (known.kind == "merge" and change.kind == "replace"):
            found[change.row.key] = change
    return list(found.values())


def changes_of(place: Place, planned: Planned) -> list[Change]:
    """The rows that an entry changes at the desk: what is there is replaced only at the version that the plan knew."""
    entry = planned.entry
    found: list[Change] = []
    if entry.user and entry.user != entry.user_before:
        found += people.changes(entry.user_before, entry.user, former=_former(place, planned))
        _pin(found, people.KIND.prefix + entry.user.user_id, planned.user_etag)
    if entry.agent and entry.agent != entry.agent_before:
        found += agents.changes(entry.agent_before, entry.agent)
        _pin(found, agents.KIND.prefix + entry.agent.agent_id, planned.agent_etag)
    return [*_taking(planned, found), *_leaving(place, planned)]


def _versions(chunk: Sequence[Planned]) -> list[Change]:
    """What tells those who wait that somebody is found by something else now."""
    entries = [each.entry for each in chunk]
    users = ((each.user_before, each.user) for each in entries)
    working = ((each.agent_before, each.agent) for each in entries)
    pairs = [(people.findable(before), people.findable(after)) for before, after in users if before and after]
    pairs += [(agents.findable(before), agents.findable(after)) for before, after in working if before and after]
    return findable.changes(pairs)


def _pin(changes: list[Change], key: str, etag: str) -> None:
    for index, change in enumerate(changes):
        if change.row.key == key and etag:
            changes[index] = Change("replace", replace(change.row, etag=etag))


def _former(place: Place, planned: Planned) -> Former:
    """What becomes of the address that a user had: it may be somebody else's by now."""
    before, after = planned.entry.user_before, planned.entry.user
    if before is None or after is None or not before.address or before.address.lower() == after.address.lower():
        return "drop"
    row = place.rt.tables[TABLE].find(PARTITION, people.address_key(before.address))
    return "drop" if row is not None and row["user_id"] == before.user_id else "not_theirs"


def _taking(planned: Planned, changes: list[Change]) -> list[Change]:
    """An address that passes from one to the other is taken, where else it must be nobody's."""
    if not planned.entry.address_from:
        return changes
    return [Change("upsert", each.row) if each.kind == "insert" and _is_address(each) else each for each in changes]


def _leaving(place: Place, planned: Planned) -> list[Change]:
    """Whose address goes to another person has none, until their own entry says which."""
    user, holder = planned.entry.user, planned.entry.address_from
    if not holder or user is None:
        return []
    row = place.rt.tables[TABLE].find(PARTITION, people.KIND.prefix + holder)
    if row is None or row.get("address", "").lower() != user.address.lower():
        return []
    return [Change("merge", Row(PARTITION, row.key, {"address": ""}, row.etag))]


def _is_address(change: Change) -> bool:
    return change.row.key.startswith("e~")


def _write_each(place: Place, chunk: Sequence[Planned]) -> list[Planned]:
    """Apply entries one by one, whatever happened to these people since they were planned; raises Later where that
    goes on. Whom somebody else has changed are planned anew, all of them together.
    """
    found, left = list(chunk), list(range(len(chunk)))
    for _ in range(MOST_TRIES):
        left = [each for each in left if not _is_written(place, found[each])]
        if not left:
            return found
        for each, fresh in zip(left, replanning.plan_again(place, [found[each] for each in left]), strict=True):
            found[each] = fresh
    raise Later(f"{found[left[0]].entry.object_id} is changed again and again.", _AGAIN_DELAY)


def _is_written(place: Place, planned: Planned) -> bool:
    """Write one entry, if the person is as it was planned upon; whether they are by now as it says."""
    user, agent = _present(place, planned)
    entry = planned.entry
    there = (user.thing if user else None, agent.thing if agent else None)
    if there == (entry.user, entry.agent):
        return True
    if there != (entry.user_before, entry.agent_before):
        return False
    fresh = replace(planned, user_etag=user.etag if user else "", agent_etag=agent.etag if agent else "")
    return _is_taken(place, fresh)


def _is_taken(place: Place, planned: Planned) -> bool:
    """Write one entry; whether the table took it."""
    changes = _merged(changes_of(place, planned)) + _versions([planned])
    try:
        if _takes_admin(place, planned):
            changes += _last_look(place, planned)
        if changes:
            place.rt.tables[TABLE].transact(changes)
    except (RowExists, RowChanged):
        return False
    except BadInput:  # nobody else would be left
        _spare(place, planned)
        return False
    return True


def _spare(place: Place, planned: Planned) -> None:
    """Let this agent, who is the last administrator by now, be planned as such."""
    if planned.entry.agent:
        place.run = replace(place.run, spared=(*place.run.spared, planned.entry.agent.agent_id))


def _last_look(place: Place, planned: Planned) -> list[Change]:
    """What goes along with one administrator fewer; raises BadInput where none would be left."""
    before, after = planned.entry.agent_before, planned.entry.agent
    if before is None or after is None:
        return []
    return last_admin.check_agent(place.rt, before, after)


def _present(place: Place, planned: Planned) -> tuple[Kept[User] | None, Kept[Agent] | None]:
    """The rows of a person as they are at this moment."""
    user, agent = planned.entry.user, planned.entry.agent
    return (
        read_one(place.rt, people.KIND, user.user_id) if user else None,
        read_one(place.rt, agents.KIND, agent.agent_id) if agent else None,
    )
