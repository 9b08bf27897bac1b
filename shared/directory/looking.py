"""What would happen to one person, and what has happened: the answers to *why?*"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.connections.store import graph_client
from shared.directory import mirror, rounds, runs
from shared.directory.guard import without_removals
from shared.directory.mirror import Known
from shared.directory.persons import Person
from shared.directory.place import Place
from shared.directory.plan import Entry, Step
from shared.directory.planning import Balance, Planner, find_spared
from shared.directory.properties import groups_in_use
from shared.directory.reasons import Reason
from shared.directory.rules import Rules
from shared.directory.tenant import Seen, Tenant, plain_properties
from shared.directory.told import ancestors
from shared.errors import BadInput, Conflict, NotFound
from shared.graph import directory as graph
from shared.graph.client import Json
from shared.runtime import Runtime

MOST = 999
"""People of whom all are gone through while somebody waits, a page of rows: of more, only who has a key is found."""
_CUT = Step(
    "others",
    "not looked for: there are too many people to see while you wait whether one of the desk, or another one of Entra, "
    "has the same in a matching field other than the address; a preview does",
)
MOST_TRIED = 5
"""People that rules are tried on at once: three requests to Graph each."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do about one person now. ``steps``: what was asked of Entra, before what the rules made of it;
    ``known``: what the last run that did anything about them knew, None for nobody.
    """

    entry: Entry
    steps: tuple[Step, ...]
    person: Person
    known: Known | None


def what_would_happen(rt: Runtime, connection_id: str, key: str) -> Outlook:
    """Ask Graph for one person, by object id or user principal name, and plan them. Nothing is written.

    Raises NotFound, GraphError, SignInFailed, NotCredible.
    """
    place = _place(rt, connection_id)
    item = graph.find_user(place.client, key, rounds.asked(place.rules).select)
    if item is None:
        return _outlook(*_absent(place, key))
    planner = Planner(Tenant(place, most=MOST))
    return _outlook(planner, *_present(planner, item))


def try_on(rt: Runtime, connection_id: str, rules: Rules, keys: Sequence[str]) -> list[Outlook]:
    """What these rules, kept or not, would make of some people (``keys``, as above); without keys, of the first five
    that Graph lists. Nothing is written.

    Raises BadInput for whom Entra does not know; GraphError, SignInFailed, NotCredible; Conflict where the connection
    rests, or where nobody is named and to find people would mean to go through all of the desk.
    """
    if not (keys or set(rules.user_matching) <= {"address"}):
        cause = "Users are found by other fields than their address: all of the desk would have to be looked through."
        raise Conflict(cause, "Name the people to try the rules on, or make a preview.")
    place = _place(rt, connection_id, rules)
    wanted = keys or [str(each["id"]) for each in graph.list_users(place.client, top=MOST_TRIED)]
    planner = Planner(Tenant(place, most=MOST))
    return [_outlook(planner, *_present(planner, _item(place, number, key))) for number, key in enumerate(wanted)]


def _item(place: Place, number: int, key: str) -> Json:
    item = graph.find_user(place.client, key, rounds.asked(place.rules).select)
    if item is None:
        raise BadInput(f"sample.{number}", f"Entra knows no user {key!r}.", "Look them up in Entra.")
    return item


def _place(rt: Runtime, connection_id: str, rules: Rules | None = None) -> Place:
    """Where nothing is to be written, with the rules that are kept or with others."""
    head = runs.get_head(rt, connection_id)
    client = graph_client(rt, connection_id)
    asked = runs.new_run(rt.clock.now(), "preview", "asked")
    place = Place(rt, client, connection_id, rules or head.rules, head.state, asked, 0)
    rounds.check_reach(place)
    return place


def _outlook(planner: Planner, seen: Seen, steps: Sequence[Step]) -> Outlook:
    fresh = replace(seen.known, digest="") if seen.known else None  # so that nobody counts as unchanged
    [planned] = planner.plan([replace(seen, known=fresh)])
    balance = Balance()
    balance.add([planned], planner.context.structure.admin_roles())
    entry = planned.entry
    if find_spared(planner.tenant.place, balance):
        entry = without_removals(entry, planner.context.structure, Reason.LAST_ADMIN)
    return Outlook(entry, (*steps, *entry.steps, *([_CUT] if planner.is_cut else [])), seen.person, seen.known)


def _present(planner: Planner, item: Json) -> tuple[Seen, Sequence[Step]]:
    """Somebody whom Graph knows, with their groups as they are at this moment."""
    place, object_id = planner.tenant.place, str(item["id"])
    used = groups_in_use(place.rules)
    direct = graph.list_groups_of(place.client, object_id)
    through = graph.check_groups(place.client, object_id, sorted(used))
    manager = str((item.get("manager") or {}).get("id") or "")
    person = Person(object_id, plain_properties(item), manager, direct, direct | through)
    named = sorted(used[each].name or each for each in through)
    steps = (
        Step("Entra", f"{person.name()} is there, as {person.text('userPrincipalName') or object_id}"),
        Step("groups", f"in {len(direct)}, of those in use in: {', '.join(named) or 'none'}"),
        Step("manager", manager or "none"),
    )
    return Seen(person, planner.tenant.find_known([object_id]).get(object_id)), steps


def _absent(place: Place, key: str) -> tuple[Planner, Seen, Sequence[Step]]:
    """Somebody whom Graph does not know (any more), and the mirror does."""
    groups = mirror.load_groups(place.rt, place.connection_id)
    above = ancestors({each.group_id: each.children for each in groups.values()})
    planner = Planner(Tenant(place, groups=groups, groups_before=groups, above=above, most=MOST))
    known = planner.tenant.find_known([key.lower()]).get(key.lower())
    if known is None:
        cure = "Look them up in Entra: by their object id, or by their user principal name."
        raise NotFound(f"Neither Entra nor the last run knows {key[:100]!r}.", cure)
    restorable = graph.find_deleted(place.client, [known.object_id])
    person = replace(planner.tenant.unchanged(known), gone="deleted")
    told = "deleted, and can be restored" if restorable else "gone for good"
    return planner, Seen(person, known), (Step("Entra", told),)


@dataclass(frozen=True, slots=True)
class Event:
    """What a run did about a person. ``changes``: field, before, after, because; the first thirty."""

    run: str
    at: datetime
    outcome: str
    reason: str
    matched_by: str
    user_mapping: str
    agent_mapping: str
    changes: tuple[dict[str, str], ...]


def history(rt: Runtime, connection_id: str, object_id: str) -> tuple[Known, list[Event]]:
    """What is known of a person, and what came of them in the last ten runs that did anything, the newest first.

    Raises NotFound.
    """
    row = mirror.find_row(rt, connection_id, object_id)
    if row is None:
        raise NotFound(f"No run of this connection knows {object_id[:64]!r}.", "Look them up in the plan of a run.")
    return mirror.known_of(row), [_event(each) for each in mirror.history_of(row)]


def _event(told: dict[str, Any]) -> Event:
    at = datetime.fromisoformat(told["at"])
    return Event(**{**told, "at": at, "changes": tuple(told.get("changes", ()))})
