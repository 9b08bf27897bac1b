"""One thing that was tried, and how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shared.errors import DeskbridgeError
from shared.graph.errors import GraphBusy, GraphError, SignInFailed
from shared.storage.vault_errors import VaultAway

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was tried. ``target``: the mailbox, or empty; ``severity``: what it means if it is not ok."""

    name: str
    target: str = ""
    ok: bool = True
    severity: Severity = "error"
    code: str = ""
    cause: str = ""
    cure: str = ""


def attempt(name: str, target: str, ask: Callable[[], object], severity: Severity = "error") -> Probe:
    """Ask Graph for something, and how that went."""
    try:
        ask()
    except GraphError as failure:
        return failed(name, target, failure, severity)
    return Probe(name, target)


def failed(name: str, target: str, failure: DeskbridgeError, severity: Severity = "error") -> Probe:
    """What was tried and failed like this."""
    code = failure.code if isinstance(failure, GraphError | SignInFailed | VaultAway) else "misconfigured"
    again = " Test again in a few minutes." if isinstance(failure, GraphBusy | VaultAway) else ""
    return Probe(name, target, False, severity, code, failure.cause, failure.cure + again)
