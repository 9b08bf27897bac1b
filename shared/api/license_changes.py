"""Giving and taking licenses: asked for here, done in Entra by a worker, and what came of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from shared.api import audit, paging
from shared.api.given import Admitted, Rt
from shared.api.licenses import LicenseId
from shared.api.paging import Everything, Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs, sets_up
from shared.api.values import Body, EntryKey, Guid, Output, Slug, Time
from shared.connections import store as connections
from shared.desk import licenses, people
from shared.desk.licenses import License
from shared.desk.people import User
from shared.directory import license_changes as changes
from shared.directory import store
from shared.directory.guard import allowed_of
from shared.directory.license_changes import MOST_AT_ONCE
from shared.directory.licensing import Wanted
from shared.directory.rules import Rules
from shared.errors import BadInput, Conflict, NotFound
from shared.runtime import Runtime

router = APIRouter(prefix="/connections/{connection_id}/licenses/changes", tags=["licenses"])

_MOST_LICENSES = 20
_Licenses = Annotated[list[LicenseId], Field(max_length=_MOST_LICENSES)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), Field(examples=["DE"])]
"""ISO 3166. https://learn.microsoft.com/en-us/graph/api/resources/user#properties"""


class NewLicenseChange(Body):
    """What some users are to have, and not to have any more."""

    users: list[Guid] = Field(min_length=1, max_length=MOST_AT_ONCE, description="Ids of users of this connection.")
    assign: _Licenses = []
    remove: _Licenses = []
    usage_location: Country | None = Field(default=None, description="The country that those who are given one are in.")
    confirm: bool = Field(default=False, description="It is wanted, though it takes away more than `cap` allows.")


class LicenseChange(Output):
    """What is wanted for one user. ``state``: `asked`, `done`, or `refused` with its cause and what to do about it."""

    change_id: str
    user_id: str
    name: str
    assign: list[str]
    remove: list[str]
    usage_location: str
    state: str
    by: str
    asked_at: Time
    ended_at: Time
    cause: str
    cure: str


class LicenseChangesQuery(Paged):
    """Which changes to list."""

    state: Literal["asked", "done", "refused"] | None = None


@router.post("", status_code=202, openapi_extra=sets_up(), responses=documented(404, 409))
def change_licenses(
    rt: Rt, caller: Admitted, connection_id: Slug, wanted: NewLicenseChange
) -> Everything[LicenseChange]:
    """Give licenses to users, or take them; a worker does it in Entra, and the list of changes tells how it went."""
    connections.get(rt, connection_id)
    rules, _ = store.get_rules(rt, connection_id)
    if not rules.manage_licenses:
        raise Conflict("Licenses of this connection are not managed from here.", "Set 'manage_licenses' in its rules.")
    users = _users(rt, connection_id, wanted.users)
    skus = _skus(wanted, licenses.load_of(rt, connection_id))
    _check_cap(rt, rules, connection_id, wanted)
    told = wanted.model_dump(exclude_unset=True)
    with audit.recorded(rt, caller, "licenses.change_asked", connection_id, after=told):
        asked = changes.ask(rt, connection_id, users, skus, caller.name)
    return Everything(items=[_shown(connection_id, each) for each in asked])


@router.get("", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def list_license_changes(
    rt: Rt, connection_id: Slug, query: Annotated[LicenseChangesQuery, Query()]
) -> Page[LicenseChange]:
    """List what was asked for, newest first, and what came of it."""
    connections.get(rt, connection_id)
    listing = f"license-changes/{connection_id}"
    past = str(paging.read_position(rt.keys, listing, query) or "")
    found, last = changes.list_changes(rt, connection_id, past=past, limit=query.limit)
    items = [_shown(connection_id, each) for each in found if query.state in (None, each.state)]
    return Page(items=items, next=paging.make_token(rt.keys, listing, query, last))


@router.get("/{change}", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def get_license_change(rt: Rt, connection_id: Slug, change: EntryKey) -> LicenseChange:
    """Read what came of one change."""
    connections.get(rt, connection_id)
    found = changes.find_change(rt, connection_id, change)
    if found is None:
        raise NotFound(f"There is no change {change!r} of licenses.", "Look it up in the list of changes.")
    return _shown(connection_id, found)


def _users(rt: Runtime, connection_id: str, ids: Sequence[str]) -> list[User]:
    found = [(each, people.find_user(rt, each)) for each in dict.fromkeys(ids)]
    users = [user for _, user in found if user and user.origin.startswith(f"{connection_id}/")]
    if len(users) < len(found):
        known = {each.user_id for each in users}
        strangers = ", ".join(each for each, _ in found if each not in known)
        raise BadInput("users", f"No users of this connection: {strangers}.", "Choose users whose 'origin' is in it.")
    return users


def _skus(wanted: NewLicenseChange, known: Mapping[str, License]) -> Wanted:
    """The products that are meant; raises BadInput."""
    if not wanted.assign and not wanted.remove:
        raise BadInput("assign", "Nothing is to be given, and nothing taken.", "Name a license in assign or remove.")
    both = {*wanted.assign} & {*wanted.remove}
    if both:
        raise BadInput("remove", f"{min(both)} is to be given and taken at once.", "Name it in one of the two.")
    for field, ids in (("assign", wanted.assign), ("remove", wanted.remove)):
        for each in ids:
            _check_license(field, each, known)
    given, taken = (tuple(known[each].sku for each in dict.fromkeys(ids)) for ids in (wanted.assign, wanted.remove))
    return Wanted(given, taken, wanted.usage_location or "")


def _check_license(field: str, license_id: str, known: Mapping[str, License]) -> None:
    if license_id not in known:
        raise BadInput(field, f"This connection has no license {license_id!r}.", "Look it up in the list of licenses.")
    if field == "assign" and not known[license_id].active:
        raise BadInput(field, f"{known[license_id].name} is not sold to this tenant any more.", "Choose another one.")


def _check_cap(rt: Runtime, rules: Rules, connection_id: str, wanted: NewLicenseChange) -> None:
    """As with the runs of the directory: much is not taken away at once without asking."""
    count = len({*wanted.users}) * len({*wanted.remove})
    used = sum(each.used for each in licenses.load_of(rt, connection_id).values())
    allowed = allowed_of(rules.cap, used)
    if count > allowed and not wanted.confirm:
        cause = f"{count} licenses would be taken away; up to {allowed} go without asking."
        raise Conflict(cause, "If that is what you want, send it with confirm: true.")


def _shown(connection_id: str, change: changes.LicenseChange) -> LicenseChange:
    given, taken = ([licenses.id_of(connection_id, sku) for sku in skus] for skus in (change.assign, change.remove))
    return LicenseChange.model_validate(
        {name: getattr(change, name) for name in LicenseChange.model_fields} | {"assign": given, "remove": taken}
    )
