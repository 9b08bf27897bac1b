"""The common road of the desk's structure through the API: pages of it, one of it, and changes, which are recorded.

Whoever read a thing may send its ``ETag`` back as ``If-Match``: what was changed since then is not changed again.
https://www.rfc-editor.org/rfc/rfc9110#name-if-match
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Response
from pydantic import Field

from shared.api import audit, paging
from shared.api.given import Admitted, Rt
from shared.api.paging import Page, Paged
from shared.api.references import Named
from shared.api.roles import Caller
from shared.api.values import Output, SearchText
from shared.clock import to_text
from shared.desk import keeping
from shared.desk.keeping import Kept, Kind
from shared.runtime import Runtime
from shared.storage.keys import digest
from shared.storage.tables import Change

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern='^"[0-9a-f]{32}"$', description="The `ETag` that you read: change nothing newer."),
]


class NamedQuery(Paged):
    """Which ones to list: those that fit everything that is named."""

    starts_with: SearchText | None = Field(default=None, description="How the name begins, in upper or lower case.")
    active: bool | None = None

    def fits(self, thing: Named) -> bool:
        """Whether a thing is asked for."""
        named = self.starts_with is None or thing.name.casefold().startswith(self.starts_with.casefold())
        return named and self.active in (None, thing.active)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of somebody who reads or changes the structure."""

    rt: Runtime
    caller: Caller
    response: Response

    def new(self) -> tuple[str, str]:
        """The id of something new, and now."""
        return str(uuid.uuid4()), to_text(self.rt.clock.now())

    def read[T](self, kind: Kind[T], thing_id: str, if_match: str | None = None) -> Kept[T]:
        """One thing as it is now; raises NotFound, and Conflict where it is not what the caller read any more."""
        kept = keeping.read(self.rt, kind, thing_id)
        if if_match not in (None, _etag(kept)):
            raise keeping.changed_meanwhile(kind.word)
        return self._tagged(kept)

    def create[T](self, kind: Kind[T], thing: T, given: Mapping[str, Any]) -> T:
        """Keep something new, made of what was ``given``; raises BadInput."""
        with audit.recorded(self.rt, self.caller, f"{_event(kind)}.created", kind.id_of(thing), after=given):
            kept = keeping.create(self.rt, kind, thing)
        self.response.headers["Location"] = f"/api/v1/{_event(kind)}s/{kind.id_of(thing)}"
        return self._tagged(kept).thing

    def change[T: DataclassInstance](
        self, kind: Kind[T], before: Kept[T], after: T, given: Mapping[str, Any], also: Collection[Change] = ()
    ) -> T:
        """Put ``after`` in the place of what was read, as ``given``; raises BadInput, Conflict."""
        replaced = {name: value for name, value in asdict(before.thing).items() if name in given}
        target = kind.id_of(after)
        with audit.recorded(self.rt, self.caller, f"{_event(kind)}.changed", target, before=replaced, after=given):
            kept = keeping.change(self.rt, kind, before, after, also)
        return self._tagged(kept).thing

    def _tagged[T](self, kept: Kept[T]) -> Kept[T]:
        self.response.headers["ETag"] = _etag(kept)
        return kept


def _call(rt: Rt, caller: Admitted, response: Response) -> Call:
    return Call(rt, caller, response)


Calling = Annotated[Call, Depends(_call)]
"""The call, for routes of the structure."""


def page[T, M: Output](
    rt: Runtime,
    kind: Kind[T],
    query: Paged,
    model: type[M],
    fits: Callable[[T], bool] | None = None,
    *,
    filtered: bool = False,
) -> Page[M]:
    """The next of those that fit, in the order of their ids; all do where the query names nothing, unless the list is
    ``filtered`` whatever it names.
    """
    listing = f"{_event(kind)}s"
    past = str(paging.read_position(rt.keys, listing, query) or "")
    named = query.model_dump(exclude={"limit", "after"}, exclude_none=True)
    found, last = keeping.list_some(rt, kind, fits if named or filtered else None, past=past, limit=query.limit)
    items = [model.model_validate(each) for each in found]
    return Page(items=items, next=paging.make_token(rt.keys, listing, query, last))


def _event[T](kind: Kind[T]) -> str:
    return kind.word.replace(" ", "-")


def _etag[T](kept: Kept[T]) -> str:
    return f'"{digest(kept.etag)}"'
