"""Health: what works, what does not and what to do about it; and the closed list of this API's problems."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shared.api import problems
from shared.api.given import Rt
from shared.api.paging import Everything
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.values import Input, Output, Time
from shared.upkeep import health

router = APIRouter(tags=["health"])


class HealthQuery(Input):
    """How to tell of it."""

    strict: bool = Field(default=False, description="Answer 503 where not healthy, for monitors that read no JSON.")


class Issue(Output):
    """One thing that is wrong: ``code`` for machines, ``cause`` and ``cure`` for people."""

    code: str
    severity: str
    subject: str
    cause: str
    cure: str


class MailboxHealth(Output):
    """How one mailbox does; ``lag`` is the number of seconds since it was last read."""

    mailbox_id: str
    address: str
    enabled: bool
    method: str
    last_success_at: Time
    last_mail_at: Time
    lag: float | None
    taken: int
    quarantined: int
    resyncs: int
    subscription: str
    subscription_expires_at: Time
    issues: list[Issue]


class QueueFigures(Output):
    """How much work waits: messages, and seconds since the oldest that can be seen was put."""

    queue: str
    length: int
    oldest: float


class DirectoryHealth(Output):
    """How the directory of one connection does; ``held_run`` is the run of which something waits for approval."""

    connection_id: str
    enabled: bool
    under_way: bool
    last_success_at: Time
    next_run_at: Time
    people: int
    held_run: str
    issues: list[Issue]


class StorageHealth(Output):
    """The version of the storage, the last one that is ``known`` to the app, and rows that stayed behind."""

    version: int
    known: int
    rows_left: int


class Health(Output):
    """Everything at one moment; not healthy where any issue is an error.

    ``process``: what the process that answers has counted since it began; others count for themselves.
    """

    healthy: bool
    checked_at: datetime
    mailboxes: list[MailboxHealth]
    directories: list[DirectoryHealth]
    issues: list[Issue]
    set_aside: int
    notifications_refused: int
    queues: list[QueueFigures]
    storage: StorageHealth
    process: dict[str, int]


class ProblemKind(Output):
    """A kind of problem: the part of its `type` behind the #, its status and its title."""

    name: str
    status: int
    title: str


_UNHEALTHY: dict[int | str, dict[str, Any]] = {
    503: {**problems.documented(503)[503], "model": Health, "description": "Not healthy, or not now"}
}


@router.get("/health", openapi_extra=needs(Role.READER), responses=_UNHEALTHY)
def get_health(rt: Rt, reach: Within, query: Annotated[HealthQuery, Query()], response: Response) -> Health:
    """Check everything that was given to you."""
    found = Health.model_validate(health.check(rt, reach.hidden))
    if query.strict and not found.healthy:
        response.status_code = 503
    return found


@router.get("/problems", openapi_extra=needs(Role.READER))
def list_problems() -> Everything[ProblemKind]:
    """List every kind of problem that this API answers with."""
    return Everything(items=[ProblemKind.model_validate(each) for each in problems.KINDS.values()])
