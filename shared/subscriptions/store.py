"""What we know of our subscriptions: one row for each mailbox that is to be watched."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.runtime import Runtime
from shared.storage.rows import Row, fill

TABLE = "Subscriptions"


@dataclass(slots=True)
class Subscription:
    """A subscription of ours. ``state``: creating, active, failed. Times are ISO 8601; expiry is what Graph granted.

    ``subscription_id`` is Graph's, empty while there is none; ``recreated`` counts those that had to be made again.
    ``key_id``: the key that signed its clientState, empty where that was not noted yet.
    """

    connection_id: str
    mailbox_id: str
    resource: str
    subscription_id: str = ""
    state: str = "creating"
    expires_at: str = ""
    created_at: str = ""
    renewed_at: str = ""
    failure: str = ""
    failure_cure: str = ""
    recreated: int = 0
    key_id: str = ""


def find(rt: Runtime, connection_id: str, mailbox_id: str) -> Subscription | None:
    """The subscription of a mailbox, or None."""
    row = rt.tables[TABLE].find(connection_id, mailbox_id)
    return None if row is None else fill(Subscription, row)


def list_of(rt: Runtime, connection_id: str) -> list[Subscription]:
    """All subscriptions of a connection."""
    return [fill(Subscription, row) for row in rt.tables[TABLE].range(connection_id)]


def save(rt: Runtime, subscription: Subscription) -> None:
    """Write what we know of a subscription."""
    values = asdict(subscription)
    rt.tables[TABLE].upsert(Row(subscription.connection_id, subscription.mailbox_id, values))


def remove(rt: Runtime, connection_id: str, mailbox_id: str) -> None:
    """Forget a subscription."""
    rt.tables[TABLE].delete(connection_id, mailbox_id)
