"""Where a run works: one connection, its rules, its state, and the time that this slice has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from shared.directory import runs, schedule
from shared.directory.rules import Rules
from shared.directory.runs import Run, State
from shared.directory.spool import Spool
from shared.directory.structure import Structure
from shared.graph.client import GraphClient
from shared.runtime import Runtime
from shared.storage.rows import Change


@dataclass(slots=True)
class Place:
    """One slice of one run. ``deadline``: seconds of the steady clock after which no further step begins;
    ``structure``: of the desk, as soon as somebody has looked at it.
    """

    rt: Runtime
    client: GraphClient
    connection_id: str
    rules: Rules
    state: State
    run: Run
    deadline: float
    structure: Structure | None = None

    @property
    def spool(self) -> Spool:
        """What the run keeps for itself."""
        return Spool(self.rt, self.connection_id, self.run.run_id)

    def is_late(self) -> bool:
        """Whether this slice is over."""
        return self.rt.clock.steady() > self.deadline

    def save(self, *also: Change) -> None:
        """Write the state, the lease renewed, and what was done, in one transaction; raises RowChanged."""
        self.state.lease(self.rt.clock.now())
        runs.save(self.rt, self.connection_id, self.state, *also)

    def note(self, **values: Any) -> Change:
        """The run with other values, and the change that keeps it."""
        self.run = replace(self.run, **values)
        return runs.writing(self.connection_id, self.run)

    def let_go(self) -> None:
        """The slice is over: the next one goes on where this one ended."""
        self.state.lease_until = ""
        runs.save(self.rt, self.connection_id, self.state)
        schedule.knock(self.rt, self.connection_id, "slice")
