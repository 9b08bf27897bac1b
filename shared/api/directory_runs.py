"""Runs of a connection's directory: begun, followed, approved; and the plan of each, person by person."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from shared.api import audit, paging
from shared.api.given import Admitted, Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs, sets_up
from shared.api.values import Body, Output, SearchText, Slug, Time
from shared.connections import store as connections
from shared.directory import planning, runs, schedule, settling, sync
from shared.directory.plan import Entry, Outcome, Removal
from shared.directory.reasons import MEANINGS
from shared.directory.settling import Decision

router = APIRouter(prefix="/connections/{connection_id}/directory", tags=["directory"])

RunId = Annotated[str, StringConstraints(pattern="^[0-9]{17}$"), Field(examples=["98204812799999999"])]
"""The id of a run: its time, newest first."""


class NewRun(Body):
    """A run, or a preview: the same plan, made and shown and not applied."""

    mode: Literal["run", "preview"] = "preview"


class Hold(Output):
    """What a run would take away and does not before somebody approves it."""

    kind: str
    count: int
    allowed: int
    cause: str
    cure: str


class Run(Output):
    """One run. ``counts``: people by what is done about them; ``removals``: what is taken away, by kind.

    ``status``: working, done, held (done, but for what waits for approval), previewed, failed, approved, applied,
    discarding, discarded, or superseded by a later run.
    """

    run_id: str
    mode: str
    cause: str
    by: str
    began_at: Time
    ended_at: Time
    status: str
    full: bool
    users_told: int
    groups_told: int
    counts: dict[str, int]
    removals: dict[str, int]
    spared: list[str]
    holds: list[Hold]
    troubles: list[str]
    decided_by: str
    failure: str
    cure: str


class DirectoryStatus(Output):
    """How a connection's directory stands."""

    enabled: bool
    phase: str = Field(description="What the run that is under way is at; empty for none.")
    run: str
    known: int = Field(description="People of the tenant that are known.")
    last_success_at: Time
    full_at: Time = Field(description="When the last run began that read everything, and not only what changed.")
    last_run: str
    held_run: str = Field(description="The run that waits for approval.")
    next_run_at: Time
    failing_since: Time
    failure: str
    failure_cure: str
    troubles: list[str] = Field(description="What the last run could not rely on, each with what to do about it.")


class RunsQuery(Paged):
    """Which runs to list."""


class EntriesQuery(Paged):
    """Which people of a plan to list: those that fit everything that is named."""

    outcome: Outcome | None = None
    removal: Removal | None = Field(default=None, description="Those from whom this would be taken away.")
    text: SearchText | None = Field(default=None, description="Something in the name.")


class FieldChange(Output):
    """One value that changes, and what made it so."""

    field: str
    before: str
    after: str
    because: str


class Step(Output):
    """One thing that was looked at, and what came of it."""

    what: str
    came_of_it: str
    mapping: str


class PlanEntry(Output):
    """What is to be done about one person, and why."""

    object_id: str
    name: str
    outcome: str
    reason: str
    meaning: str
    cure: str
    matched_by: str
    user_mapping: str
    agent_mapping: str
    user_id: str
    agent_id: str
    removals: list[str]
    changes: list[FieldChange]
    steps: list[Step]


@router.get("", openapi_extra=needs(Role.READER), responses=documented(404))
def get_directory(rt: Rt, connection_id: Slug) -> DirectoryStatus:
    """Read how the directory stands: what runs, what waits, when it goes on, what is wrong."""
    connections.get(rt, connection_id)
    head = runs.get_head(rt, connection_id)
    planned = schedule.find_next(head.rules, head.state)
    told = {name: getattr(head.state, name) for name in DirectoryStatus.model_fields if hasattr(head.state, name)}
    return DirectoryStatus(enabled=head.rules.enabled, next_run_at=planned, **told)


@router.post("/runs", status_code=202, openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def begin_directory_run(rt: Rt, caller: Admitted, connection_id: Slug, new: NewRun, response: Response) -> Run:
    """Begin a run, or a preview."""
    connections.get(rt, connection_id)
    with audit.recorded(rt, caller, f"directory.{new.mode}_begun", connection_id):
        begun = sync.request(rt, connection_id, new.mode, caller.name)
    response.headers["Location"] = f"/api/v1/connections/{connection_id}/directory/runs/{begun.run_id}"
    return Run.model_validate(begun)


@router.get("/runs", openapi_extra=needs(Role.READER), responses=documented(404))
def list_directory_runs(rt: Rt, connection_id: Slug, query: Annotated[RunsQuery, Query()]) -> Page[Run]:
    """List the runs, newest first."""
    connections.get(rt, connection_id)
    listing = f"directory-runs/{connection_id}"
    past = str(paging.read_position(rt.keys, listing, query) or "")
    found, last = runs.list_runs(rt, connection_id, past=past, limit=query.limit)
    items = [Run.model_validate(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, listing, query, last))


@router.get("/runs/{run}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_directory_run(rt: Rt, connection_id: Slug, run: RunId) -> Run:
    """Read one run: how far it is, what it did, what it holds."""
    return Run.model_validate(runs.get_run(rt, connection_id, run))


@router.get("/runs/{run}/entries", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def list_directory_entries(
    rt: Rt, connection_id: Slug, run: RunId, query: Annotated[EntriesQuery, Query()]
) -> Page[PlanEntry]:
    """List the people of a run's plan that fit: what is done about each, and why."""
    found_run, listing = runs.get_run(rt, connection_id, run), f"directory-entries/{connection_id}/{run}"
    found, last = planning.iter_entries(
        rt,
        connection_id,
        found_run,
        outcome=query.outcome or "",
        removal=query.removal or "",
        text=query.text or "",
        past=str(paging.read_position(rt.keys, listing, query) or ""),
        limit=query.limit,
    )
    items = [shown(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, listing, query, last))


@router.post("/runs/{run}/approve", status_code=202, openapi_extra=sets_up(), responses=documented(404, 409))
def approve_directory_run(rt: Rt, caller: Admitted, connection_id: Slug, run: RunId) -> Run:
    """Let a run do what it holds; everybody concerned is looked at once more before."""
    return _decided(rt, caller, connection_id, run, "approve")


@router.post("/runs/{run}/discard", status_code=202, openapi_extra=sets_up(), responses=documented(404, 409))
def discard_directory_run(rt: Rt, caller: Admitted, connection_id: Slug, run: RunId) -> Run:
    """Leave everything as it is that a run holds."""
    return _decided(rt, caller, connection_id, run, "discard")


def _decided(rt: Rt, caller: Admitted, connection_id: str, run: str, decision: Decision) -> Run:
    runs.get_run(rt, connection_id, run)
    with audit.recorded(rt, caller, f"directory.{decision}", f"{connection_id}/{run}"):
        decided = settling.decide(rt, connection_id, run, decision, caller.name)
    return Run.model_validate(decided)


def shown(entry: Entry) -> PlanEntry:
    """An entry as people read it."""
    meaning, user, agent = MEANINGS[entry.reason], entry.user or entry.user_before, entry.agent or entry.agent_before
    return PlanEntry(
        object_id=entry.object_id,
        name=entry.name,
        outcome=entry.outcome,
        reason=entry.reason,
        meaning=meaning.text,
        cure=meaning.cure,
        matched_by=entry.matched_by,
        user_mapping=entry.user_mapping,
        agent_mapping=entry.agent_mapping,
        user_id=user.user_id if user else "",
        agent_id=agent.agent_id if agent else "",
        removals=list(entry.removals),
        changes=[FieldChange.model_validate(each) for each in entry.changes],
        steps=[Step.model_validate(each) for each in entry.steps],
    )
