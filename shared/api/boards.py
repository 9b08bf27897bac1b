"""Change advisory boards (CABs), and what users may be on them."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.api.given import Rt
from shared.api.paging import Page
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, NamedQuery, page
from shared.api.values import Body, Changes, Guid, Name, Output, Time
from shared.desk import boards

router = APIRouter(prefix="/boards", tags=["boards"])

SeatRoles = Annotated[list[Name], Field(max_length=50, description="What members may be on it.", examples=[["Chair"]])]


class NewBoard(Body):
    """A board to make. No two have the same name."""

    name: Name
    seat_roles: SeatRoles = []


class BoardChange(Changes):
    """What to change; the rest stays as it is. ``seat_roles``: all that it shall have from now on."""

    name: Name = ""
    seat_roles: SeatRoles = []
    active: bool = True


class Board(Output):
    """A change advisory board."""

    board_id: str
    name: str
    seat_roles: list[str]
    active: bool
    created_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_boards(rt: Rt, query: Annotated[NamedQuery, Query()]) -> Page[Board]:
    """List the boards that fit."""
    return page(rt, boards.KIND, query, Board, query.fits)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_board(call: Calling, new: NewBoard) -> Board:
    """Make a board."""
    board_id, now = call.new()
    made = boards.Board(board_id, new.name, tuple(new.seat_roles), created_at=now)
    return Board.model_validate(call.create(boards.KIND, made, new.model_dump()))


@router.get("/{board_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_board(call: Calling, board_id: Guid) -> Board:
    """Read one board."""
    return Board.model_validate(call.read(boards.KIND, board_id).thing)


@router.patch("/{board_id}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_board(call: Calling, board_id: Guid, change: BoardChange, if_match: IfMatch = None) -> Board:
    """Change what is named. Its members keep their seats, whatever they were on it."""
    before, values = call.read(boards.KIND, board_id, if_match), change.model_dump(exclude_unset=True)
    told = {**values, **({"seat_roles": tuple(change.seat_roles)} if "seat_roles" in values else {})}
    after = replace(before.thing, **told)
    return Board.model_validate(call.change(boards.KIND, before, after, values))
