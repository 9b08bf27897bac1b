"""Change advisory boards (CABs): users who are asked before something is changed."""

from __future__ import annotations

from dataclasses import dataclass

from shared.desk import keeping
from shared.desk.columns import columns, texts
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill


@dataclass(frozen=True, slots=True)
class Board:
    """A board. ``seat_roles``: what its members may be on it, such as Chair. No two boards have the same name."""

    board_id: str
    name: str
    seat_roles: tuple[str, ...] = ()
    active: bool = True
    created_at: str = ""


def of(row: Row) -> Board:
    """The board that a row holds."""
    return fill(Board, row, seat_roles=texts(row, "seat_roles"))


def _guards(board: Board) -> dict[str, Guard]:
    return keeping.name_guard("board", board.name)


KIND = Kind("board", "board~", columns, of, lambda each: each.board_id, _guards)


def load_all(rt: Runtime) -> dict[str, Board]:
    """All boards by their ids, remembered for a minute."""
    return keeping.load_all(rt, KIND)
