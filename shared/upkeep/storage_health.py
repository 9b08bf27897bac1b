"""How the version of the storage and that of the app go together."""

from __future__ import annotations

from dataclasses import dataclass

from shared.runtime import Runtime
from shared.upgrades import reached
from shared.upgrades.readiness import LATEST, StorageTooNew, is_too_new
from shared.upkeep.issues import Issue


@dataclass(frozen=True, slots=True)
class StorageHealth:
    """``version``: that of the storage; ``known``: the last one that this app knows, to which it brings the storage.

    ``rows_left``: those that could not be brought forward.
    """

    version: int
    known: int
    rows_left: int
    issues: tuple[Issue, ...]

    @property
    def is_readable(self) -> bool:
        """Whether the app does anything at all with it."""
        return not any(issue.severity == "error" for issue in self.issues)


def check(rt: Runtime) -> StorageHealth:
    """Look at it: one request."""
    found, issues = reached.find(rt), list[Issue]()
    if is_too_new(found):
        why = StorageTooNew(found)
        issues.append(Issue("storage_too_new", "error", "storage", why.cause, why.cure))
    if found.left:
        cause = f"Of an earlier version there are rows that make no sense, and stayed as they were: {found.left}."
        cure = "The log names each (upgrade.row_left): mend it from a backup, or tell the makers of this app."
        issues.append(Issue("storage_rows_left", "warning", "storage", cause, cure))
    return StorageHealth(found.number, LATEST, found.left, tuple(issues))
