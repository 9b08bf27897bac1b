"""Making the plan of a run: what is to be done about everybody who may have changed, and why. The desk stays as it is.

Managers come before those they manage: whoever is somebody's manager is identified first, so that a newcomer's id is
known to others before they are made, and managers in a circle are only references.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched, chain

from shared.desk import agents
from shared.desk.agents import Agent, is_admin
from shared.desk.keeping import Kept
from shared.desk.people import User
from shared.directory import guard, mirror, present, tenant
from shared.directory.deciding import plan_person
from shared.directory.identifying import Context, Identified, Placed, claimed_address, identify
from shared.directory.matching import iter_claims
from shared.directory.mirror import Known
from shared.directory.persons import Person
from shared.directory.pieces import Planned, fits, iter_lines, line_of
from shared.directory.place import Place
from shared.directory.plan import Entry, Removal
from shared.directory.properties import groups_in_use
from shared.directory.runs import NOTHING, Run
from shared.directory.spool import Spool
from shared.directory.tenant import Seen, Tenant
from shared.runtime import Runtime

PIECE = 500
"""People a piece of the plan."""


def make(place: Place) -> None:
    """Make the plan of what was read, piece by piece, and see what of it must wait; raises NotCredible, GraphError."""
    found, tally = tenant.look(place), Tally()
    place.state.pieces = place.state.piece = place.state.line = 0
    if not found.is_quiet():
        _write(place, Planner(found), tally)
    _close(found, tally)


def _write(place: Place, planner: Planner, tally: Tally) -> None:
    for planned in _gathered(planner):
        place.state.pieces += 1
        place.spool.put("plan", place.state.pieces, [line_of(each) for each in planned])
        tally.add(planned, planner.context.structure.admin_roles())
        place.save()


def _gathered(planner: Planner) -> Iterator[list[Planned]]:
    waiting: list[Planned] = []
    for chunk in chain(planner.tenant.iter_chunks(), planner.iter_reports()):
        waiting += planner.plan(chunk)
        if len(waiting) >= PIECE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


@dataclass(slots=True)
class Tally:
    """What the plan comes to: people by outcome, removals by kind, and whom it concerns that are administrators."""

    outcomes: Counter[str] = field(default_factory=Counter)
    removals: Counter[Removal] = field(default_factory=Counter)
    waiting: dict[str, bool] = field(default_factory=dict)
    losing: dict[str, Counter[Removal]] = field(default_factory=dict)
    becoming: set[str] = field(default_factory=set)

    def add(self, planned: list[Planned], admin_roles: frozenset[str]) -> None:
        """Count a piece."""
        self.waiting |= {each.entry.object_id: each.entry.is_waiting for each in planned}
        for entry in (each.entry for each in planned):
            self.outcomes[entry.outcome] += 1
            self.removals.update(entry.removals)
            if entry.agent and guard.loses_admin(entry, admin_roles):
                self.losing[entry.agent.agent_id] = Counter(entry.removals)
            if entry.agent and guard.becomes_admin(entry, admin_roles):
                self.becoming.add(entry.agent.agent_id)


def _close(found: Tenant, tally: Tally) -> None:
    """The plan is whole: what of it is held, and what comes next."""
    place, state = found.place, found.place.state
    spared = find_spared(place, tally)
    counts = tally.removals - sum((tally.losing[each] for each in spared), Counter())
    emptied = [found.groups[each].name or each for each in found.emptied]
    holds = guard.find_holds(counts, state.totals.by_removal(), place.rules.cap, emptied)
    nothing = not state.pieces and not state.group_pages
    state.next_waiting = _still_waiting(found, tally)
    state.phase = "end" if nothing or place.run.mode == "preview" else "apply"
    change = place.note(
        counts=dict(tally.outcomes),
        removals={str(kind): count for kind, count in tally.removals.items()},
        holds=tuple(holds),
        spared=tuple(sorted(spared)),
        troubles=tuple(_troubles(found)),
        pieces=state.pieces,
        users_told=len(found.told.last),
        groups_told=len(found.groups_told.names),
        full=state.users_full,
        everybody=found.everybody,
    )
    place.save(change)


def _still_waiting(found: Tenant, tally: Tally) -> tuple[str, ...]:
    """Whom to look at again in the next runs, those who were looked at now last."""
    later = [each for each in found.place.state.waiting if each not in found.waiting and each not in tally.waiting]
    again = [each for each in sorted(found.waiting) if tally.waiting.get(each, True)]
    fresh = [each for each, is_waiting in tally.waiting.items() if is_waiting and each not in found.waiting]
    return (*fresh, *later, *again)


def find_spared(place: Place, tally: Tally) -> frozenset[str]:
    """The agents (ids) without whom the desk would have no administrator any more."""
    if not tally.losing:
        return frozenset()
    admin_roles = present.structure_at(place).admin_roles()
    admins = [each.agent_id for each in agents.iter_agents(place.rt) if is_admin(each, admin_roles)]
    return guard.find_spared(admins, tally.losing, tally.becoming)


def _troubles(found: Tenant) -> Iterator[str]:
    used = groups_in_use(found.place.rules)
    for group_id in sorted(used):
        known = found.groups.get(group_id)
        if known is not None and known.gone_at:
            yield (
                f"The group '{known.name or group_id}' is not there, or cannot be read, since {known.gone_at}: "
                "its members stay as they were last. Choose another group in the mappings, or take them away."
            )


class Planner:
    """Plans people, some hundred at a time."""

    def __init__(self, found: Tenant) -> None:
        self.tenant, place = found, found.place
        self.present = present.look_at_desk(place.rt, place.connection_id, place.rules)
        structure = present.structure_at(place)
        bare = Context(
            place.connection_id, place.rules, structure, place.run.began_at, self.present.users, self.present.agents
        )
        self.context = replace(bare, claims=Claims(found, bare))
        self.managers = Managers(found)
        self.moved: set[str] = set()
        self._identify_managers()
        self._version = place.rules.version()

    def plan(self, seen: list[Seen]) -> list[Planned]:
        """The plans of those who are not as they were."""
        self.managers.prepare(each.person.manager for each in seen)
        changed = [each for each in seen if self._is_changed(each) or each.person.object_id in self.tenant.waiting]
        identified = self._identified(changed)
        users, working = self.present.rows_of(identified)
        planned = (
            self._planned(each, known, users.get(known.user.record_id), working.get(known.agent.record_id))
            for each, known in zip(changed, identified, strict=True)
        )
        return [
            each
            for seen_, each in zip(changed, planned, strict=True)
            if self._is_changed(seen_) or _is_news(seen_, each)
        ]

    def _is_changed(self, seen: Seen) -> bool:
        """Whether a plan would be made of something else than the last one."""
        return seen.known is None or seen.known.digest != self._digest(seen.person)

    def _identify_managers(self) -> None:
        """Whoever is somebody's manager; where only some people are looked at, all of them."""
        wanted = self.tenant.list_managers()
        for seen in batched(self.tenant.iter_all(wanted), PIECE, strict=False):
            for known in self._identified(list(seen)):
                self.managers.placed[known.person.object_id] = known.placed

    def iter_reports(self) -> Iterator[list[Seen]]:
        """After all others: those whose manager is somebody else at the desk by now, who was known before."""
        if self.moved and not self.tenant.everybody:
            yield from self.tenant.iter_reports(self.moved)

    def _identified(self, seen: list[Seen]) -> list[Identified]:
        if seen:
            self.present.prepare(seen, [claimed_address(self.context, each.person) for each in seen])
        return [identify(self.context, each.person) for each in seen]

    def _digest(self, person: Person) -> str:
        placed = self.managers.get(person.manager)
        standing = f"{placed.user_id}/{placed.agent_id}" if placed else ""
        return mirror.digest_of(self._version, person, standing)

    def _planned(self, seen: Seen, known: Identified, user: Kept[User] | None, agent: Kept[Agent] | None) -> Planned:
        there = (user.thing if user else None, agent.thing if agent else None)
        entry = plan_person(self.context, known, *there, self.managers)
        row = _row(seen, entry, self._digest(seen.person))
        if seen.known and (seen.known.user_id, seen.known.agent_id) != (row.user_id, row.agent_id):
            self.moved.add(row.object_id)
        return Planned(
            entry,
            row,
            is_new=seen.known is None,
            above=seen.person.all_groups - seen.person.groups,
            user_etag=user.etag if user else "",
            agent_etag=agent.etag if agent else "",
            gave=seen.known.gives if seen.known else NOTHING,
        )


def _is_news(seen: Seen, planned: Planned) -> bool:
    """Whether somebody comes out otherwise than last time, although nothing about them has changed in Entra."""
    known, row = seen.known or Known(""), planned.known
    if row.outcome == "unchanged":
        return False
    return planned.entry.does_something or (known.outcome, known.reason) != (row.outcome, row.reason)


def _row(seen: Seen, entry: Entry, digest: str) -> Known:
    """What the mirror is to know of somebody once their entry is applied."""
    person = seen.person
    return Known(
        object_id=entry.object_id,
        properties={name: value for name, value in person.properties.items() if name != "id"},
        manager=person.manager,
        groups=person.groups,
        gone=person.gone,
        digest=digest,
        user_id=entry.user.user_id if entry.user else "",
        agent_id=entry.agent.agent_id if entry.agent else "",
        serial=seen.known.serial + 1 if seen.known else 0,
        name=entry.name,
        outcome=entry.outcome,
        reason=str(entry.reason),
    )


class Managers(Mapping[str, Placed]):
    """Who somebody's manager is at the desk: as they will be where this plan concerns them, else as the mirror says."""

    def __init__(self, found: Tenant) -> None:
        self._tenant = found
        self.placed: dict[str, Placed] = {}

    def prepare(self, object_ids: Iterable[str]) -> None:
        """Look up those who are not known yet."""
        unknown = {each for each in object_ids if each and each not in self.placed}
        for object_id, known in self._tenant.find_known(unknown).items():
            self.placed[object_id] = Placed(known.user_id, known.agent_id)

    def __getitem__(self, object_id: str) -> Placed:
        return self.placed[object_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.placed)

    def __len__(self) -> int:
        return len(self.placed)


class Claims(Mapping[str, frozenset[str]]):
    """Who of the tenant has an address now. Of a round over everybody only those are kept that several people have."""

    def __init__(self, found: Tenant, context: Context) -> None:
        self._tenant, self._context = found, context
        self._told: dict[str, frozenset[str]] = {}
        if found.full:
            self._keep_shared()
        else:
            told = ((claimed_address(context, each.person), each.person.object_id) for each in found.iter_told())
            self._told = dict(iter_claims(told))

    def _keep_shared(self) -> None:
        seen: set[int] = set()
        for each in self._tenant.iter_told():
            address = claimed_address(self._context, each.person)
            if address and hash(address) in seen:
                self._told[address] = _SEVERAL
            seen.add(hash(address))

    def __getitem__(self, address: str) -> frozenset[str]:
        """The object ids; whoever has it at the desk is asked of the mirror, unless this round told of them."""
        found = self._told.get(address, frozenset())
        if self._tenant.full:
            return found
        return found | self._still_with(address)

    def _still_with(self, address: str) -> frozenset[str]:
        ours = f"{self._context.connection_id}/"
        holders = (each.origin for each in self._context.users.find("address", address))
        ids = {origin.removeprefix(ours) for origin in holders if origin.startswith(ours)}
        known = self._tenant.find_known(ids - self._tenant.told.last.keys())
        people = (self._tenant.unchanged(each) for each in known.values())
        return frozenset(each.object_id for each in people if claimed_address(self._context, each) == address)

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)


_SEVERAL = frozenset({"one", "another"})
"""Whoever asks, somebody else has it, too."""


def iter_entries(
    rt: Runtime,
    connection_id: str,
    run: Run,
    *,
    outcome: str = "",
    removal: str = "",
    text: str = "",
    past: str = "",
    limit: int = 50,
) -> tuple[list[Entry], str | None]:
    """The entries of a run's plan that fit (``pieces.fits``), behind ``past``, and where to go on (None at the end).

    At most four pieces are looked through at once: there may be fewer than ``limit`` before the end.
    """
    spool, found = Spool(rt, connection_id, run.run_id), list[Entry]()
    piece, line = map(int, past.split("-")) if past else (1, 0)
    last = min(run.pieces, piece + _LOOKED_THROUGH - 1)
    while piece <= last:
        for number, planned in iter_lines(spool.get("plan", piece), line):
            if fits(planned.entry, outcome=outcome, removal=removal, text=text):
                found.append(planned.entry)
            if len(found) == limit:
                return found, f"{piece}-{number + 1}"
        piece, line = piece + 1, 0
    return found, f"{piece}-0" if piece <= run.pieces else None


_LOOKED_THROUGH = 4
