"""The permissions that a connection needs for what it is used for, compared with those that it was granted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from shared.connections import alert_mail
from shared.connections.permissions import Line, compare
from shared.connections.store import AGENTS, Connection
from shared.directory import store
from shared.directory.rules import Rules
from shared.runtime import Runtime
from shared.upkeep.probes import Probe


def features_of(rt: Runtime, connection: Connection) -> frozenset[str]:
    """What a connection is used for: as it says itself, and as its directory and the alerts need it."""
    sends_alerts = {"alert-mail"} if alert_mail.sends_from(rt.settings, connection.connection_id) else set[str]()
    knows_agents = {"own-account"} if connection.method == AGENTS else set[str]()
    rules, _ = store.get_rules(rt, connection.connection_id)
    return connection.features | sends_alerts | knows_agents | frozenset(_of_directory(rules))


def _of_directory(rules: Rules) -> Iterator[str]:
    if rules.enabled:
        yield "directory"
    if rules.licenses_organization:
        yield "licenses"
    if rules.last_sign_in:
        yield "sign-ins"
    if rules.groups_as_followers:
        yield "followers"


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
