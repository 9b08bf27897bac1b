"""Making the plan of a run: what is to be done about everybody who may have changed, and why. The desk stays as it is.

Managers come before those they manage: whoever is somebody's manager is identified first, so that a newcomer's id is
known to others before they are made, and managers in a circle are only references.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched, chain, islice

from shared.desk import agents
from shared.desk.agents import Agent, is_admin
from shared.desk.keeping import Kept
from shared.desk.people import User
from shared.directory import guard, mirror, present, reading_back, runs, waking
from shared.directory.claiming import Claimed, marks_of
from shared.directory.deciding import plan_person
from shared.directory.identifying import Context, Identified, Placed, claimed_address, identify
from shared.directory.mirror import Known
from shared.directory.packing import Marks
from shared.directory.persons import Person
from shared.directory.pieces import Planned, fits, iter_lines, line_of
from shared.directory.place import Place
from shared.directory.plan import Entry, Removal
from shared.directory.properties import groups_in_use
from shared.directory.purposes import Purposes
from shared.directory.runs import MOST_TROUBLES, NOTHING, Run
from shared.directory.spool import Spool
from shared.directory.tenant import Seen, Tenant
from shared.runtime import Runtime

PIECE = 500
"""People a piece of the plan."""
NO_MANAGERS = (
    "Graph named nobody's manager when everybody was read: managers stay as they were last. See in Entra whether "
    "people have managers, and whether the app may read them. If nobody has one any more, give one person a manager: "
    "Entra is believed the next time that everybody is read."
)


def make(place: Place) -> None:
    """Make the plan of what was read, piece by piece, and see what of it must wait; raises NotCredible, GraphError."""
    place.state.next_version, place.state.next_way = present.version_at(place), present.way_at(place)
    found, balance = reading_back.look(place), Balance()
    waking.wake(found)
    place.state.pieces = place.state.piece = place.state.line = 0
    if not found.is_quiet():
        planner = Planner(found)
        if not _write(place, planner, balance):
            return  # late: the next slice plans anew, and need not ask for what this one did
        if found.everybody and place.run.mode == "run":
            place.state.remember_waiting(planner.waiting)
    _close(found, balance)


def _write(place: Place, planner: Planner, balance: Balance) -> bool:
    """Write the plan, piece by piece; whether the slice was long enough where mailboxes had to be asked for."""
    for planned in _gathered(planner):
        place.state.pieces += 1
        place.spool.put("plan", place.state.pieces, [line_of(each) for each in planned])
        balance.add(planned, planner.context.structure.admin_roles())
        balance.undecided |= planner.undecided
        place.save()
        if planner.purposes.asked and place.is_late():
            return False
    return True


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
class Balance:
    """What the plan comes to: people by outcome, removals by kind, and whom it concerns that are administrators.

    ``undecided``: the kinds that are to be taken from people of whom something waits for approval already.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    removals: Counter[Removal] = field(default_factory=Counter)
    losing: dict[str, Counter[Removal]] = field(default_factory=dict)
    becoming: set[str] = field(default_factory=set)
    undecided: set[Removal] = field(default_factory=set)

    def add(self, planned: list[Planned], admin_roles: frozenset[str]) -> None:
        """Count a piece."""
        for entry in (each.entry for each in planned):
            self.outcomes[entry.outcome] += 1
            self.removals.update(entry.removals)
            if entry.agent and guard.loses_admin(entry, admin_roles):
                self.losing[entry.agent.agent_id] = Counter(entry.removals)
            if entry.agent and guard.becomes_admin(entry, admin_roles):
                self.becoming.add(entry.agent.agent_id)


def _close(found: Tenant, balance: Balance) -> None:
    """The plan is whole: what of it is held, and what comes next."""
    place, state = found.place, found.place.state
    spared = find_spared(place, balance)
    counts = balance.removals - sum((balance.losing[each] for each in spared), Counter())
    names = {each.group_id: each.name for each in (*found.groups_before.values(), *found.groups.values())}
    emptied = [names.get(each) or each for each in found.emptied]
    undecided = balance.undecided & _held_kinds(place) if balance.undecided else set[Removal]()
    holds = guard.find_holds(counts, state.totals.by_removal(), place.rules.cap, emptied, undecided)
    nothing = not (state.pieces or state.group_pages or found.groups_full)
    state.phase = "end" if nothing or place.run.mode == "preview" else "apply"
    change = place.note(
        counts=dict(balance.outcomes),
        removals={str(kind): count for kind, count in balance.removals.items()},
        holds=tuple(holds),
        spared=tuple(sorted(spared)),
        troubles=tuple(islice(_troubles(found), MOST_TROUBLES)),
        pieces=state.pieces,
        users_told=len(found.told.last),
        groups_told=len(found.groups_told.names),
        full=state.users_full,
        everybody=found.everybody,
    )
    place.save(change)


def _held_kinds(place: Place) -> set[Removal]:
    """The kinds that runs hold of which nobody has decided so far."""
    return {hold.kind for run in runs.list_held(place.rt, place.connection_id) for hold in run.holds}


def find_spared(place: Place, balance: Balance) -> frozenset[str]:
    """The agents (ids) without whom the desk would have no administrator any more."""
    if not balance.losing:
        return frozenset()
    admin_roles = present.structure_at(place).admin_roles()
    admins = [each.agent_id for each in agents.iter_agents(place.rt) if is_admin(each, admin_roles)]
    return guard.find_spared(admins, balance.losing, balance.becoming)


def _troubles(found: Tenant) -> Iterator[str]:
    """What the rules rely on and is not there; in a run that had no need to look, what the last one said."""
    if found.keeps_managers or (NO_MANAGERS in found.place.state.troubles and not found.full):
        yield NO_MANAGERS
    if not found.groups_loaded:
        yield from (each for each in found.place.state.troubles if each != NO_MANAGERS)
    used = groups_in_use(found.place.rules)
    for group_id in sorted(used):
        known = found.groups.get(group_id)
        if known is not None and known.gone_at:
            yield (
                f"The group '{known.name or group_id}' is not there, or cannot be read, since {known.gone_at}: "
                "its members stay as they were last. Choose another group in the mappings, or take them away."
            )


class Planner:
    """Plans people, some hundred at a time. ``waiting``: of whom the mirror says that something was in their way, with
    the marks of what they claim now; ``undecided``: see ``Balance``.
    """

    def __init__(self, found: Tenant) -> None:
        self.tenant, place = found, found.place
        self.present = present.look_at_desk(place, found.most)
        structure = present.structure_at(place)
        there = (self.present.users.index, self.present.agents.index)
        bare = Context(place.connection_id, place.rules, structure, place.run.began_at, *there)
        self._claimed = Claimed(found, bare)
        self.context = replace(bare, claims=self._claimed)
        self.managers = Managers(found)
        self.purposes = Purposes(place, keeps=found.most is None)
        self.moved: set[str] = set()
        self.waiting: dict[str, Marks] = {}
        self.undecided: set[Removal] = set()
        self._version = present.version_at(place)
        self._identify_managers()

    @property
    def is_cut(self) -> bool:
        """Whether somebody else would have had to be looked for among more people than ``Tenant.most``."""
        return self.present.is_cut or self._claimed.is_cut

    def plan(self, seen: list[Seen]) -> list[Planned]:
        """The plans of those who are not as they were, or may be able to come in by now."""
        waiting = [each for each in seen if each.known and each.known.is_waiting]
        self.waiting |= {each.person.object_id: marks_of(self.tenant.place.rules, each.person) for each in waiting}
        changed = self._changed(seen)
        identified = self._identified(changed)
        users, working = self.present.rows_of(identified)
        planned = [
            self._planned(each, known, users.get(known.user.record_id), working.get(known.agent.record_id))
            for each, known in zip(changed, identified, strict=True)
        ]
        for each, before in zip(planned, changed, strict=True):
            if before.known and before.known.is_held:
                self.undecided.update(each.entry.removals)
        return [each for each, before in zip(planned, changed, strict=True) if not _is_known(each, before.known)]

    def _identify_managers(self) -> None:
        """Whoever is somebody's manager; where only some people are looked at, all of them.

        Of who is as they were, and so is their own manager, the mirror says it.
        """
        wanted = self.tenant.list_managers()
        if wanted is not None and not wanted - {""}:
            return
        for seen in batched(self.tenant.iter_all(wanted), PIECE, strict=False):
            for known in self._identified(self._changed([*seen])):
                self.managers.placed[known.person.object_id] = known.placed

    def _changed(self, seen: list[Seen]) -> list[Seen]:
        """Those who are not as they were when they were planned last.

        After a run that was applied in part the mirror is not sure of that: all who are told of again are planned. Not
        so where all are looked at: what somebody discarded would come again.
        """
        self.managers.prepare(each.person.manager for each in seen)
        if not (self.tenant.place.state.way or self.tenant.everybody):
            return seen
        return [each for each in seen if each.known is None or each.known.digest != self._digest(each.person)]

    def iter_reports(self) -> Iterator[list[Seen]]:
        """After all others: those whose manager is somebody else at the desk by now, who was known before."""
        if self.moved:
            yield from self.tenant.iter_reports(self.moved)

    def _identified(self, seen: list[Seen]) -> list[Identified]:
        if seen:
            self.present.prepare(seen, [claimed_address(self.tenant.place.rules, each.person) for each in seen])
        found = [identify(self.context, each.person) for each in seen]
        while self.present.reads_on(found):
            found = [identify(self.context, each.person) for each in seen]
        told = {object_id: identify(self.context, each) for object_id, each in self.purposes.tell(found).items()}
        return [told.get(each.person.object_id, each) for each in found]

    def _digest(self, person: Person) -> str:
        placed = self.managers.get(person.manager)
        standing = f"{placed.user_id}/{placed.agent_id}" if placed else ""
        return mirror.digest_of(self._version, person, standing)

    def _planned(self, seen: Seen, known: Identified, user: Kept[User] | None, agent: Kept[Agent] | None) -> Planned:
        there = (user.thing if user else None, agent.thing if agent else None)
        entry = plan_person(self.context, known, *there, self.managers)
        row = _row(seen, entry, mirror.waiting_digest(self._digest(seen.person), entry.obstacles))
        if not self.tenant.everybody and seen.known and _is_elsewhere(seen.known, row):
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


def _is_elsewhere(before: Known, after: Known) -> bool:
    """Whether somebody is another user or agent at the desk than they were."""
    return (before.user_id, before.agent_id) != (after.user_id, after.agent_id)


def _is_known(planned: Planned, before: Known | None) -> bool:
    """Whether all is as the mirror has it, for those who wait, too: there is nothing to write, and nothing to tell."""
    after = planned.known
    if before is None or planned.entry.does_something:
        return False
    return before.digest == after.digest and not _is_elsewhere(before, after)


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
