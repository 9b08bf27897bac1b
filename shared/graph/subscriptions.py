"""Change notification subscriptions of Microsoft Graph, one short function an operation.

https://learn.microsoft.com/en-us/graph/api/resources/subscription
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.graph.client import IMMUTABLE_IDS, GraphClient, Json, segment
from shared.graph.limits import SUBSCRIPTION_LIFETIME, SUBSCRIPTION_MARGIN


def create(
    client: GraphClient, *, resource: str, notification_url: str, lifecycle_url: str, client_state: str, now: datetime
) -> Json:
    """Subscribe to created messages; Graph calls both URLs before it answers. Immutable ids in notifications."""
    body = {
        "changeType": "created",
        "notificationUrl": notification_url,
        "lifecycleNotificationUrl": lifecycle_url,
        "resource": resource,
        "expirationDateTime": longest_expiry(now),
        "clientState": client_state,
    }
    return client.send("POST", "/subscriptions", body, prefer=IMMUTABLE_IDS)


def renew(client: GraphClient, subscription_id: str, now: datetime) -> Json:
    """Extend to the longest lifetime, which reauthorizes as well; raises ItemGone."""
    body = {"expirationDateTime": longest_expiry(now)}
    return client.send("PATCH", f"/subscriptions/{segment(subscription_id)}", body)


def delete(client: GraphClient, subscription_id: str) -> None:
    """End a subscription; raises ItemGone."""
    client.send("DELETE", f"/subscriptions/{segment(subscription_id)}")


def iter_all(client: GraphClient) -> Iterator[Json]:
    """Every subscription of this app in this tenant."""
    page = client.get("/subscriptions")
    while True:
        yield from page.get("value", [])
        if "@odata.nextLink" not in page:
            return
        page = client.get(page["@odata.nextLink"])


def longest_expiry(now: datetime) -> str:
    """The latest expiry that Graph grants, less a margin, as Graph writes it."""
    moment = now + SUBSCRIPTION_LIFETIME - SUBSCRIPTION_MARGIN
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
