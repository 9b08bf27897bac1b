"""What a process has taken of the machine so far, and what others have, as Linux tells it in /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """One process; every look is fresh."""

    pid: int

    @property
    def peak_megabytes(self) -> float:
        """The most memory that it ever held (VmHWM), in units of a million bytes; 0 where there is no /proc."""
        status = Path(f"/proc/{self.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all its threads; 0 where there is no /proc."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Taken:
    """Processor seconds of a virtual machine: ``used`` by it, and ``stolen`` by its neighbours while it wanted them.

    What is measured while much is stolen tells little: the same work then takes twice as long.
    https://www.kernel.org/doc/html/latest/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat
    """

    used: float = 0.0
    stolen: float = 0.0

    @classmethod
    def so_far(cls) -> Taken:
        """Since the machine was started; nothing where there is no /proc."""
        stat = Path("/proc/stat")
        if not stat.exists():
            return cls()
        user, nice, system, _idle, _io, irq, soft, steal = (int(each) for each in stat.read_text().split()[1:9])
        ticks = os.sysconf("SC_CLK_TCK")
        return cls((user + nice + system + irq + soft) / ticks, steal / ticks)

    def since(self, before: Taken) -> str:
        """In words, for what happened between two looks."""
        used, stolen = self.used - before.used, self.stolen - before.stolen
        share = stolen / (used + stolen) if used + stolen else 0.0
        return f"{share:.0%} of the processor time that was wanted went to other machines"
