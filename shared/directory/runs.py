"""Runs: where the one that is under way stands (``!state``), and what became of those before (``r~``, newest first).

As with mailboxes, whoever works on a directory writes the state at the version that they read, together with what they
did: the slower of two workers is refused at its next step, and a total is never counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.clock import from_text, to_text
from shared.directory import TABLE
from shared.directory.guard import Hold
from shared.directory.packing import IDS_A_COLUMN, MARK_BYTES, Marks, pack, pack_marks, unpack, unpack_marks
from shared.directory.plan import Removal
from shared.directory.rules import Rules
from shared.directory.store import RESET, RULES, STATE, rules_of
from shared.errors import NotFound
from shared.runtime import Runtime
from shared.storage.keys import after as behind
from shared.storage.keys import newest_first
from shared.storage.rows import Change, Row, fill
from shared.storage.tables import LARGEST_PROPERTY

PREFIX = "r~"
LEASE = timedelta(seconds=120)
"""Renewed at every step; a worker that died holds a directory up for no longer than this."""

Mode = Literal["run", "preview"]
Phase = Literal["", "begin", "users", "groups", "plan", "apply", "release", "end"]
_APPLIED = frozenset({"apply", "release", "end"})
"""Phases in which the desk is not as it was when the run began."""
Status = Literal[
    "working", "done", "held", "previewed", "failed", "approved", "applied", "discarding", "discarded", "superseded"
]
"""*held*: done, but for what waits for a person, who makes it *approved*, then *applied*, or *discarding*, *discarded*;
*superseded*: a later run read everything anew and holds what is still to be held."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of each kind the connection has given: what the guard's share is a share of."""

    active: int = 0
    roles: int = 0
    teams: int = 0
    seats: int = 0

    def plus(self, other: Totals, sign: int = 1) -> Totals:
        """The sum; the difference where ``sign`` is -1."""
        return Totals(*(mine + sign * theirs for mine, theirs in zip(_each(self), _each(other), strict=True)))

    def by_removal(self) -> dict[Removal, int]:
        """The same, by what would be taken away; licenses go by the people who may have some."""
        return {
            "deactivation": self.active,
            "license": self.active,
            "role": self.roles,
            "team": self.teams,
            "seat": self.seats,
        }


def _each(totals: Totals) -> tuple[int, int, int, int]:
    return totals.active, totals.roles, totals.teams, totals.seats


NOTHING = Totals()
_IDS = ("doubtful", "next_doubtful")
MOST_TROUBLES = 10
"""That a run tells of: a row holds no more than so much."""
MOST_WAITING = IDS_A_COLUMN
"""People of whom it is remembered that they wait for something, if a column has room for the marks of what they claim,
too; of more, everybody is looked at when it may be free.
"""


@dataclass(slots=True)
class State:
    """The ``!state`` row. Times are ISO 8601 in UTC, empty for never; ``run``: which one is under way, empty for none.

    ``looked``: how many pages of the phase were read, ``pages``: how many of them are kept; ``cursor``: Graph's link
    of the next one. ``users_link``, ``groups_link``: where the last run that was applied ended, ``next_...``: where
    this one does; ``asked_...``: what those links stand for. ``piece``, ``line``: how many pieces of the plan are
    applied, and how many lines of the next; ``version``: of the rules and of the
    desk's structure by which the mirror's plans were made, ``next_version``: by which this run's are; ``way``,
    ``next_way``: of all that could be in somebody's way at the desk (``present.way_at``), empty where some of a run was
    applied that was given up: it may have cleared somebody's way, or be unknown to the mirror; ``doubtful``:
    whom Graph said to be removed and had nevertheless, to be asked for once more; ``waiting``: of whom the mirror says
    that something is in their way, with the marks of all that they claim, or nobody where they are ``too_many_wait``;
    ``known``: how many people the mirror holds; ``troubles``: of the last run. ``held_run``: the last run of which
    something waits for approval; ``settling``: the run that was decided about. ``full_at``: when the last run began
    that read everything, however it ended.
    """

    etag: str | None = None
    lease_until: str = ""
    run: str = ""
    mode: Mode = "run"
    phase: Phase = ""
    cursor: str = ""
    looked: int = 0
    pages: int = 0
    user_pages: int = 0
    group_pages: int = 0
    users_full: bool = False
    groups_full: bool = False
    users_link: str = ""
    groups_link: str = ""
    next_users_link: str = ""
    next_groups_link: str = ""
    asked_users: str = ""
    asked_groups: str = ""
    next_asked_users: str = ""
    next_asked_groups: str = ""
    pieces: int = 0
    piece: int = 0
    line: int = 0
    resyncs: int = 0
    doubtful: tuple[str, ...] = ()
    next_doubtful: tuple[str, ...] = ()
    waiting: dict[str, Marks] = field(default_factory=dict)
    too_many_wait: bool = False
    troubles: tuple[str, ...] = ()
    version: str = ""
    next_version: str = ""
    way: str = ""
    next_way: str = ""
    totals: Totals = NOTHING
    known: int = 0
    began_at: str = ""
    last_success_at: str = ""
    last_run: str = ""
    held_run: str = ""
    settling: str = ""
    full_at: str = ""
    failing_since: str = ""
    rest_until: str = ""
    failure: str = ""
    failure_cure: str = ""

    @classmethod
    def of(cls, row: Row | None) -> State:
        """The state that a row holds."""
        if row is None:
            return cls()
        ids = {name: tuple(unpack(row.get(name, b""))) for name in _IDS}
        totals = Totals(**json.loads(row.get("totals", "{}")))
        troubles = tuple(json.loads(row.get("troubles", "[]")))
        waiting = dict(zip(unpack(row.get("waiting", b"")), unpack_marks(row.get("waiting_marks", b"")), strict=False))
        too_many = row.get("too_many_wait", bool(row.get("waiting")))  # a former version remembered no marks
        return fill(
            cls, row, etag=row.etag, totals=totals, troubles=troubles, waiting=waiting, too_many_wait=too_many, **ids
        )

    def row(self, connection_id: str) -> Row:
        """The row that holds this state, at the version that it was read at."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        values |= {name: pack(values[name][:IDS_A_COLUMN]) for name in _IDS}
        values |= {"waiting": pack(self.waiting), "waiting_marks": pack_marks(self.waiting.values())}
        values["totals"] = json.dumps(asdict(self.totals))
        values["troubles"] = json.dumps(self.troubles, ensure_ascii=False)
        return Row(connection_id, STATE, values, values.pop("etag"))

    def is_leased(self, now: datetime) -> bool:
        """Whether another worker is at this directory."""
        return bool(self.lease_until) and from_text(self.lease_until) > now

    def is_resting(self, now: datetime) -> bool:
        """Whether the next slice is already on the queue, for later."""
        return bool(self.rest_until) and from_text(self.rest_until) > now

    def lease(self, now: datetime) -> None:
        """Hold the directory for this step."""
        self.lease_until = to_text(now + LEASE)

    def begin(self, run: Run) -> None:
        """A run begins."""
        self.run, self.mode, self.phase, self.resyncs = run.run_id, run.mode, "begin", 0
        if run.mode == "run":  # a preview puts the next run off by nothing
            self.began_at = run.began_at

    def begin_reading(self) -> None:
        """From the first page on."""
        self.cursor, self.looked, self.pages, self.user_pages, self.group_pages = "", 0, 0, 0, 0
        self.next_users_link = self.next_groups_link = ""
        self.pieces = self.piece = self.line = 0
        self.next_doubtful = ()

    def note_waiting(self, waits: Mapping[str, Marks | None]) -> None:
        """Note who waits, by object id, with the marks of what they claim, and who does not (None); where too many do,
        nothing is known of anybody until all are looked at.
        """
        if not self.too_many_wait:
            after = {**self.waiting, **waits}
            self.remember_waiting({each: marks for each, marks in after.items() if marks is not None})

    def remember_waiting(self, waiting: Mapping[str, Marks]) -> None:
        """These wait, and nobody else."""
        room = sum(1 + len(marks) * MARK_BYTES for marks in waiting.values())
        self.too_many_wait = len(waiting) > MOST_WAITING or room > LARGEST_PROPERTY
        self.waiting = {} if self.too_many_wait else dict(waiting)

    def take_over(self, troubles: tuple[str, ...]) -> None:
        """All that was read is applied: the next run begins where this one ended."""
        self.troubles = troubles
        self.users_link, self.asked_users = self.next_users_link, self.next_asked_users
        self.groups_link, self.asked_groups = self.next_groups_link, self.next_asked_groups
        self.doubtful, self.version, self.way = self.next_doubtful, self.next_version, self.next_way
        self._note_full()

    def end(self, now: datetime) -> None:
        """The run that was under way is over; it went well."""
        self.last_run, self.run, self.phase, self.lease_until, self.cursor = self.run, "", "", "", ""
        self.last_success_at = to_text(now)
        self.failing_since = self.rest_until = self.failure = self.failure_cure = ""

    def interrupt(self, now: datetime, cause: str, cure: str) -> None:
        """The run cannot go on now; it does so where it stands, later."""
        self.lease_until = ""
        self.failing_since = self.failing_since or to_text(now)
        self.failure, self.failure_cure = cause[:1000], cure[:1000]

    def give_up(self, now: datetime, cause: str, cure: str) -> None:
        """The run is over and did nothing; the next one begins where the last good one ended."""
        self.interrupt(now, cause, cure)
        if self.phase != "begin":
            self._note_full()
        if self.phase in _APPLIED:
            self.way = ""
        self.last_run, self.run, self.phase, self.cursor, self.rest_until = self.run, "", "", "", ""
        self.line = 0

    def _note_full(self) -> None:
        """Everything was read, well or badly: where that fails for long, the hours between go on by what changed."""
        if self.mode == "run" and self.users_full and self.groups_full:
            self.full_at = self.began_at


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``full``: whether all people were told of, ``everybody``: whether all were looked at.

    ``counts``: people by outcome; ``removals``: what the plan takes away, by kind; ``holds``: the kinds that wait for
    approval; ``spared``: agents who would have been the last administrators to go; ``planned_again``: for how many
    people the plan was made again, because they had changed. ``settled``: how many pieces were gone through since it
    was decided what becomes of the holds; ``by``: who asked for the run, ``decided_by``: who decided.
    """

    run_id: str
    mode: Mode
    cause: str
    began_at: str
    status: Status = "working"
    ended_at: str = ""
    full: bool = False
    everybody: bool = False
    users_told: int = 0
    groups_told: int = 0
    pieces: int = 0
    settled: int = 0
    planned_again: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    removals: dict[str, int] = field(default_factory=dict)
    spared: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    troubles: tuple[str, ...] = ()
    rules_version: str = ""
    failure: str = ""
    cure: str = ""
    by: str = ""
    decided_by: str = ""
    etag: str = ""

    def row(self, connection_id: str) -> Row:
        """The row that holds this run, at the version that it was read at."""
        values = asdict(self)
        for name in _JSON:
            values[name] = json.dumps(values[name], ensure_ascii=False)
        return Row(connection_id, PREFIX + values.pop("run_id"), values, values.pop("etag") or None)


_JSON = ("counts", "removals", "spared", "holds", "troubles")


def run_of(row: Row) -> Run:
    """The run that a row holds."""
    told = {name: json.loads(row.get(name, "null")) for name in _JSON}
    return fill(
        Run,
        row,
        run_id=row.key.removeprefix(PREFIX),
        etag=row.etag or "",
        counts=told["counts"] or {},
        removals=told["removals"] or {},
        spared=tuple(told["spared"] or ()),
        holds=tuple(Hold(**each) for each in told["holds"] or ()),
        troubles=tuple(told["troubles"] or ()),
    )


@dataclass(frozen=True, slots=True)
class Head:
    """All that a worker must know before it begins: one request."""

    rules: Rules
    state: State
    reset: str


def get_head(rt: Runtime, connection_id: str) -> Head:
    """Rules and state of a connection's directory; raises Misconfigured."""
    rows = {row.key: row for row in rt.tables[TABLE].range(connection_id, low="!", high='"')}
    reset = rows[RESET].get("reset", "") if RESET in rows else ""
    return Head(rules_of(rows.get(RULES)), State.of(rows.get(STATE)), reset)


def new_run(now: datetime, mode: Mode, cause: str, by: str = "") -> Run:
    """A run that begins now; later ones sort first. ``cause``: what put it, ``by``: who asked for it."""
    return Run(newest_first(now), mode, cause, to_text(now), by=by)


def save(rt: Runtime, connection_id: str, state: State, *also: Change) -> None:
    """Write the state, and in the same transaction what was done; raises RowChanged where another worker was faster."""
    row = state.row(connection_id)
    first = Change("replace" if row.etag else "insert", row)
    rt.tables[TABLE].transact([first, *also])
    state.etag = row.etag


def writing(connection_id: str, run: Run) -> Change:
    """The change that keeps a run as it is now."""
    return Change("upsert", replace(run, etag="").row(connection_id))


def find_run(rt: Runtime, connection_id: str, run_id: str) -> Run | None:
    """The run of this id, or None."""
    row = rt.tables[TABLE].find(connection_id, PREFIX + run_id)
    return run_of(row) if row else None


def get_run(rt: Runtime, connection_id: str, run_id: str) -> Run:
    """The run of this id; raises NotFound."""
    found = find_run(rt, connection_id, run_id) if run_id.isdigit() else None
    if found is None:
        raise NotFound(f"There is no run {run_id[:32]!r} of this connection.", "Look it up in the list of runs.")
    return found


def list_held(rt: Runtime, connection_id: str) -> list[Run]:
    """The runs of which something waits for approval, the newest first."""
    rows = rt.tables[TABLE].range(connection_id, low=PREFIX, high=behind(PREFIX), where="status eq 'held'")
    return [run_of(row) for row in rows]


def list_runs(rt: Runtime, connection_id: str, *, past: str = "", limit: int = 50) -> tuple[list[Run], str | None]:
    """The newest first, behind the run ``past``, and the run to go on behind (None at the end)."""
    after = PREFIX + past if past else ""
    rows = rt.tables[TABLE].range(
        connection_id, low=PREFIX, high=behind(PREFIX), after=after, limit=limit + 1, page=limit + 1
    )
    found = [run_of(row) for row in rows]
    return found[:limit], found[limit - 1].run_id if len(found) > limit else None
