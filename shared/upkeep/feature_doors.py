"""What a connection is used for besides mail, tried at Graph itself: what a token shows and what Graph does may differ.

Each is the smallest read of what the workers read. Mail has a probe for each mailbox, see ``trial``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from shared.connections.permissions import Feature
from shared.graph import directory, licenses
from shared.graph.client import GraphClient
from shared.upkeep.probes import Probe, Severity, attempt


@dataclass(frozen=True, slots=True)
class _Door:
    """A read that some features live by."""

    name: str
    features: frozenset[Feature]
    ask: Callable[[GraphClient], object]
    severity: Severity = "error"


_DOORS = (
    _Door("users", frozenset({"directory", "licenses", "followers"}), partial(directory.list_users, top=1)),
    _Door("groups", frozenset({"directory", "followers"}), partial(directory.list_groups, top=1)),
    _Door("licenses", frozenset({"licenses"}), licenses.list_skus),
    # A warning: a tenant without Entra ID P1 is refused whatever it granted, and everything else goes on without.
    # https://learn.microsoft.com/en-us/graph/api/resources/signinactivity
    _Door("sign-ins", frozenset({"sign-ins"}), partial(directory.list_sign_ins, link="", top=1), "warning"),
)


def probe(client: GraphClient, features: Collection[str]) -> Iterator[Probe]:
    """Try each read that one of these features needs."""
    for door in _DOORS:
        if not door.features.isdisjoint(features):
            yield attempt(door.name, "", partial(door.ask, client), door.severity)
