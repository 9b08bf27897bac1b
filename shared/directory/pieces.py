"""The plan as it is kept: pieces of some hundred people, each with their entry and their row of the mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership, Seat
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory.guard import without_removals
from shared.directory.mirror import Known, bare_digest, held_digest
from shared.directory.plan import Entry, FieldChange, Step
from shared.directory.reasons import Reason
from shared.directory.runs import NOTHING, Run, Totals
from shared.directory.structure import Structure

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of a piece. ``known``: the row of the person once the entry is applied whole; ``is_new``: there is none.

    ``above``: the groups that they are in through others. ``user_etag``, ``agent_etag``: the versions of the rows of
    the desk that the plan was made of, empty for none; ``gave``: what the desk had through this connection before.
    """

    entry: Entry
    known: Known
    is_new: bool
    above: frozenset[str] = frozenset()
    user_etag: str = ""
    agent_etag: str = ""
    gave: Totals = NOTHING


def line_of(planned: Planned) -> dict[str, Any]:
    """A line as JSON."""
    known = {name: getattr(planned.known, name) for name, _ in _fields(Known)}
    return {
        "entry": _bare(planned.entry),
        "known": known | {"groups": sorted(planned.known.groups), "gives": asdict(planned.known.gives)},
        "is_new": planned.is_new,
        "above": sorted(planned.above),
        "etags": [planned.user_etag, planned.agent_etag],
        "gave": asdict(planned.gave),
    }


def planned_of(line: Mapping[str, Any]) -> Planned:
    """A line of JSON as what it stands for."""
    known = line["known"]
    return Planned(
        _entry_of(line["entry"]),
        Known(**{**known, "groups": frozenset(known["groups"]), "gives": Totals(**known["gives"])}),
        line["is_new"],
        frozenset(line["above"]),
        line["etags"][0],
        line["etags"][1],
        Totals(**line["gave"]),
    )


def effective(planned: Planned, run: Run, structure: Structure) -> Planned:
    """As it is applied: without what the run holds back, or what would leave the desk without an administrator.

    Whose removals are held has another digest than their plan: the next look at everybody plans them anew. Neither they
    nor the spared ones are looked at in every run, whatever they wait for: each time it would end in the same way.
    """
    entry = planned.entry
    if is_spared(entry, run):
        return replace(_settled(planned), entry=without_removals(entry, structure, Reason.LAST_ADMIN))
    if is_held(entry, run):
        kept = replace(planned.known, digest=held_digest(planned.known.digest))
        return replace(planned, entry=without_removals(entry, structure), known=kept)
    return planned


def _settled(planned: Planned) -> Planned:
    return replace(planned, known=replace(planned.known, digest=bare_digest(planned.known.digest)))


def is_held(entry: Entry, run: Run) -> bool:
    """Whether something of an entry waits for approval."""
    return not is_spared(entry, run) and bool({hold.kind for hold in run.holds} & set(entry.removals))


def is_spared(entry: Entry, run: Run) -> bool:
    """Whether somebody keeps all they have, as the last administrator."""
    return entry.agent is not None and entry.agent.agent_id in run.spared


def given(connection_id: str, user: User | None, agent: Agent | None) -> Totals:
    """What somebody has through a connection: what the guard's share is a share of."""
    ours = f"{connection_id}/"
    there = [each for each in (user, agent) if each is not None]
    roles = [held for each in there for held in each.roles]
    return Totals(
        active=sum(each.active and each.origin.startswith(ours) for each in there),
        roles=sum(held.given_by == connection_id for held in roles),
        teams=sum(each.given_by == connection_id for each in (agent.teams if agent else ())),
        seats=sum(each.given_by == connection_id for each in (user.seats if user else ())),
    )


def _bare(thing: DataclassInstance) -> dict[str, Any]:
    """The fields of a thing that are not as they are by default."""
    values = ((name, getattr(thing, name), usual) for name, usual in _fields(type(thing)))
    return {name: _plain(value) for name, value, usual in values if value != usual}


@cache
def _fields(kind: type[DataclassInstance]) -> tuple[tuple[str, Any], ...]:
    """The fields of a kind, each with its default; what has none is always told."""
    return tuple(
        (each.name, each.default if each.default_factory is MISSING else each.default_factory())
        for each in fields(kind)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _bare(value) if hasattr(value, "__dataclass_fields__") else value


def _entry_of(line: Mapping[str, Any]) -> Entry:
    made = {name: _MAKERS[name](value) if name in _MAKERS else value for name, value in line.items()}
    return Entry(**made)


def _user_of(told: Mapping[str, Any]) -> User:
    lists = {"roles": _things(Held, told, "roles"), "seats": _things(Seat, told, "seats")}
    return User(**{**told, **lists, "licenses": tuple(told.get("licenses", ()))})


def _agent_of(told: Mapping[str, Any]) -> Agent:
    lists = {"roles": _things(Held, told, "roles"), "teams": _things(Membership, told, "teams")}
    return Agent(**{**told, **lists})


def _site_of(told: Mapping[str, Any]) -> Site:
    return Site(**{**told, "domains": tuple(told.get("domains", ()))})


def _things[T](kind: type[T], told: Mapping[str, Any], name: str) -> tuple[T, ...]:
    return tuple(kind(**each) for each in told.get(name, ()))


_MAKERS: dict[str, Any] = {
    "reason": Reason,
    **dict.fromkeys(("user_before", "user", "user_held"), _user_of),
    **dict.fromkeys(("agent_before", "agent", "agent_held"), _agent_of),
    "site_to_make": _site_of,
    "removals": tuple,
    "changes": lambda told: tuple(FieldChange(**each) for each in told),
    "steps": lambda told: tuple(Step(**each) for each in told),
}


def fits(entry: Entry, *, outcome: str = "", removal: str = "", text: str = "") -> bool:
    """Whether somebody looks for this entry: by what is done, by what is taken away, by a part of a name or address."""
    if (outcome and entry.outcome != outcome) or (removal and removal not in entry.removals):
        return False
    there = entry.user or entry.agent
    return text.casefold() in f"{entry.name}\n{there.address if there else ''}\n{entry.object_id}".casefold()


def iter_lines(found: list[Any], begin: int) -> Iterator[tuple[int, Planned]]:
    """The lines of a piece from one on, with their numbers."""
    for number, line in enumerate(found[begin:], start=begin):
        yield number, planned_of(line)
