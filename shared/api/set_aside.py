"""Work that could not be done, and putting it again."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api import audit, paging
from shared.api.given import Admitted, Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.values import EntryKey, Output, Time
from shared.upkeep import set_aside

router = APIRouter(prefix="/set-aside", tags=["work set aside"])


class KeptWork(Output):
    """A piece of work that was set aside: its queue and message, and why. ``replayed_at`` is null while it waits."""

    key: str
    queue: str
    message: str = Field(validation_alias="text", description="As it lay on the queue; it names what it was about.")
    reason: str
    cure: str
    kept_at: Time
    replayed_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_set_aside(rt: Rt, reach: Within, query: Annotated[Paged, Query()]) -> Page[KeptWork]:
    """List the work set aside, newest first, of all that was given to you."""
    past = str(paging.read_position(rt.keys, "set-aside", query) or "")
    found, last = set_aside.list_kept(rt, past=past, limit=query.limit, hidden=reach.names_hidden(rt))
    items = [KeptWork.model_validate(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, "set-aside", query, last))


@router.post("/{key}/replay", status_code=202, openapi_extra=needs(Role.OPERATOR), responses=documented(404, 409))
def replay_work(rt: Rt, caller: Admitted, reach: Within, key: EntryKey) -> KeptWork:
    """Put a piece of work on its queue again."""
    kept = set_aside.get(rt, key, hidden=reach.names_hidden(rt))
    reach.check_work_on(rt, set_aside.named_in(kept.text))
    with audit.recorded(rt, caller, "work.replayed", key, before={"queue": kept.queue}):
        set_aside.replay(rt, key)
    return KeptWork.model_validate(kept)
