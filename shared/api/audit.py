"""Who changed what: recorded around every change, and listed for administrators."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from shared import log
from shared.api import paging
from shared.api.given import Rt
from shared.api.paging import Page, Paged
from shared.api.roles import Caller, Role, needs
from shared.api.values import Output, SearchText, Time
from shared.errors import DeskbridgeError
from shared.runtime import Runtime
from shared.upkeep import audit
from shared.upkeep.audit import Change, Wanted

router = APIRouter(prefix="/audit", tags=["audit"])

_Values = Annotated[dict[str, Any], BeforeValidator(json.loads)]


class AuditQuery(Paged):
    """Which changes to list: those that fit everything that is named."""

    who: SearchText | None = Field(default=None, description="Who made them: a name, or an object id in Entra.")
    target: SearchText | None = Field(default=None, description="What they changed: its id.")


class AuditEntry(Output):
    """One change. ``outcome`` is ``done``, or why it failed; empty: it began, and it is not known how it ended."""

    key: str
    at: Time
    who: str
    who_id: str
    what: str
    target: str
    before: _Values
    after: _Values
    outcome: str


@contextmanager
def recorded(
    rt: Runtime,
    caller: Caller,
    what: str,
    target: str = "",
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> Iterator[Change]:
    """Record the change that is made inside. ``what``: such as ``mailbox.changed``; ``target``: its id, to be set
    inside where it is made there. Never give a secret.
    """
    change = audit.begin(
        rt, who=caller.name, who_id=caller.object_id, what=what, target=target, before=before, after=after
    )
    try:
        yield change
    except Exception as failure:
        audit.end(
            rt, change, failure.cause if isinstance(failure, DeskbridgeError) else "It failed; the log tells why."
        )
        raise
    audit.end(rt, change, "done")
    _tell(change, {*(before or ()), *(after or ())})


def _tell(change: Change, fields: Iterable[str]) -> None:
    """Neither names nor addresses nor values, which are about people: the record has them, under this key."""
    who, target = change.who_id or change.who, "" if "@" in change.target else change.target
    log.info("api.changed", record=change.key, who=who, what=change.what, target=target, fields=sorted(fields))


@router.get("", openapi_extra=needs(Role.ADMIN))
def list_audit(rt: Rt, query: Annotated[AuditQuery, Query()]) -> Page[AuditEntry]:
    """List the changes that fit, newest first."""
    past = str(paging.read_position(rt.keys, "audit", query) or "")
    wanted = Wanted(query.who or "", query.target or "")
    found, last = audit.list_changes(rt, wanted, past=past, limit=query.limit)
    items = [AuditEntry.model_validate(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, "audit", query, last))
