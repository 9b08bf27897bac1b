"""The permissions that a connection needs for what it is used for, compared with those that it was granted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shared.connections import alert_mail
from shared.connections.permissions import Line, compare
from shared.connections.store import AGENTS, Connection
from shared.settings import Settings
from shared.upkeep.probes import Probe


def features_of(settings: Settings, connection: Connection) -> frozenset[str]:
    """What a connection is used for, sending alerts included; where agents sign in, to know them apart, too."""
    sends_alerts = {"alert-mail"} if alert_mail.sends_from(settings, connection.connection_id) else set[str]()
    knows_agents = {"own-account"} if connection.method == AGENTS else set[str]()
    return connection.features | sends_alerts | knows_agents


def check(
    features: frozenset[str], connection: Connection, granted: frozenset[str] | None
) -> tuple[tuple[Line, ...], Probe]:
    """The checklist, and whether anything mandatory is missing. ``granted``: None where the token cannot be read."""
    if granted is None:
        cause, cure = "The token cannot be read.", "Nothing to do: the other probes tell what works."
        return (), Probe("permissions", "", False, "warning", "tokenUnreadable", cause, cure)
    kind: Literal["application", "delegated"] = "application" if connection.method == "application" else "delegated"
    lines = tuple(compare(features, kind, granted))
    missing = [each for each in lines if each.standing == "missing" and each.mandatory]
    return lines, _missing(missing) if missing else Probe("permissions")


def _missing(lines: Sequence[Line]) -> Probe:
    cause = "Missing: " + "; ".join(f"{each.permission} ({each.kind}): {each.purpose}" for each in lines)
    names = ", ".join(each.permission for each in lines)
    cure = (
        f"In Entra, under API permissions of the app, add {names} for Microsoft Graph, and choose Grant admin consent."
    )
    return Probe("permissions", "", False, "error", "permissionsMissing", cause, cure)
