"""Teams: groups of agents that tickets are given to."""

from __future__ import annotations

from dataclasses import dataclass

from shared.desk import keeping
from shared.desk.columns import columns
from shared.desk.keeping import Guard, Kind
from shared.runtime import Runtime
from shared.storage.rows import Row, fill


@dataclass(frozen=True, slots=True)
class Team:
    """A group of agents. No two have the same name."""

    team_id: str
    name: str
    active: bool = True
    created_at: str = ""


def of(row: Row) -> Team:
    """The team that a row holds."""
    return fill(Team, row)


def _guards(team: Team) -> dict[str, Guard]:
    return keeping.name_guard("team", team.name)


KIND = Kind("team", "team~", columns, of, lambda each: each.team_id, _guards)


def load_all(rt: Runtime) -> dict[str, Team]:
    """All teams by their ids, remembered for a minute."""
    return keeping.load_all(rt, KIND)
