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

    ``rows_left``: those that could not be brought forward; the log names them. ``issues``: why the app does nothing.
    """

    version: int
    known: int
    rows_left: int
    issues: tuple[Issue, ...]


def check(rt: Runtime) -> StorageHealth:
    """Look at it: one request."""
    found, issues = reached.find(rt), list[Issue]()
    if is_too_new(found):
        why = StorageTooNew(found)
        issues.append(Issue("storage_too_new", "error", "storage", why.cause, why.cure))
    return StorageHealth(found.number, LATEST, found.left, tuple(issues))
