"""Users: who raises tickets, and what is known of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query

from shared.api import persons, references
from shared.api.covering import cover, cover_all
from shared.api.custom_fields import MOST as MOST_CUSTOM
from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.reach import Within
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, page
from shared.api.user_models import NewUser, User, UserChange, UserQuery
from shared.api.values import Guid
from shared.desk import boards, custom_fields, keeping, people, sites
from shared.desk.belonging import BY_HAND, Seat, with_hand_given
from shared.errors import BadInput
from shared.runtime import Runtime

router = APIRouter(prefix="/users", tags=["users"])


@router.get("", openapi_extra=needs(Role.OPERATOR))
def list_users(rt: Rt, reach: Within, query: Annotated[UserQuery, Query()]) -> Page[User]:
    """List the users that fit, in the order of their ids."""
    if query.address is None:
        return cover_all(page(rt, people.KIND, query, User, query.fits_user), reach.hidden)
    known = people.look_up(rt, query.address)
    found = people.find_user(rt, known.user_id) if known else None
    shown = [User.model_validate(found)] if found and query.fits_user(found) else []
    return cover_all(Page(items=shown), reach.hidden)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_user(call: Calling, new: NewUser) -> User:
    """Make a user."""
    user_id, now = call.new()
    values = new.model_dump(exclude_unset=True)
    blank = people.User(user_id, new.name, new.address, source=BY_HAND, created_at=now)
    if "site" not in values:
        blank = replace(blank, site=sites.find_by_domain(call.rt, new.address.rpartition("@")[2]))
    made = _changed(call.rt, blank, values)
    return User.model_validate(call.create(people.KIND, made, values))


@router.get("/{user_id}", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def get_user(call: Calling, reach: Within, user_id: Guid) -> User:
    """Read one user."""
    return cover(User.model_validate(call.read(people.KIND, user_id).thing), reach.hidden)


@router.patch("/{user_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_user(call: Calling, user_id: Guid, change: UserChange, if_match: IfMatch = None) -> User:
    """Change what is named. Mail of a user who is inactive is still taken in, and theirs."""
    before, values = call.read(people.KIND, user_id, if_match), change.model_dump(exclude_unset=True)
    after = _changed(call.rt, before.thing, values)
    return User.model_validate(call.change(people.KIND, before, after, values))


def _changed(rt: Runtime, user: people.User, values: Mapping[str, Any]) -> people.User:
    """The user with these values; raises BadInput where one of them names what cannot be named."""
    made = {**values, **persons.activity(values)}
    if values.get("site"):
        references.active(rt, sites.KIND, "site", values["site"])
    if "manager" in values:
        _check_manager(rt, user, values["manager"])
    if "details" in values:
        made["details"] = persons.merged(user.details, values["details"])
    if "custom" in values:
        made["custom"] = _custom(rt, user, values["custom"])
    if "roles" in values:
        made["roles"] = persons.held(rt, "user", user.roles, values["roles"])
    if "seats" in values:
        made["seats"] = _seats(rt, user, [Seat(**each) for each in values["seats"]])
    return replace(user, **made)


def _check_manager(rt: Runtime, user: people.User, manager: str) -> None:
    if manager == user.user_id:
        raise BadInput("manager", "Nobody is their own manager.", "Name another user.")
    if manager and people.find_user(rt, manager) is None:
        raise BadInput("manager", f"There is no user {manager!r}.", "Look their id up in the list.")


def _custom(rt: Runtime, user: people.User, given: Mapping[str, str]) -> dict[str, str]:
    for name in given.keys() - user.custom.keys():
        if keeping.find(rt, custom_fields.KIND, name) is None:
            raise BadInput("custom", f"There is no custom field {name!r}.", "Make it first, at /custom-fields.")
    found = persons.merged(user.custom, given)
    if len(found) > MOST_CUSTOM:
        raise BadInput("custom", f"A user has {MOST_CUSTOM} custom fields at most.", "Take others away.")
    return found


def _seats(rt: Runtime, user: people.User, wanted: list[Seat]) -> tuple[Seat, ...]:
    persons.check_once("seats", (seat.board_id for seat in wanted))
    for seat in wanted:
        if seat in user.seats:
            continue
        board = references.active(rt, boards.KIND, "seats", seat.board_id)
        if seat.role and seat.role not in board.seat_roles:
            cause = f"Nobody is {seat.role!r} on the board {board.name!r}."
            raise BadInput("seats", cause, f"It has: {', '.join(board.seat_roles) or 'none'}.")
    return with_hand_given(user.seats, wanted)
