"""Subscriptions to mail, and which of them a change in a mailbox concerns.

https://learn.microsoft.com/en-us/graph/api/resources/subscription
"""

import re
import threading
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from dev.graph.clock import Clock
from dev.graph.mailboxes import Change, Mailbox
from dev.graph.wire import GraphError, Json

MOST_PER_MAILBOX = 1_000
_RESOURCE = re.compile(
    r"/?users[/(]'?(?P<user>[^/')]+)'?\)?(?:/mailFolders[/(]'?(?P<folder>[^/')]+)'?\)?)?/messages/?", re.IGNORECASE
)


@dataclass
class Subscription:
    """One subscription; `folder_id` is '' for the whole mailbox."""

    id: str
    tenant_id: str
    client_id: str
    change_types: tuple[str, ...]
    notification_url: str
    lifecycle_url: str | None
    resource: str
    mailbox: Mailbox
    folder_id: str
    client_state: str | None
    expires: datetime
    immutable: bool
    tls: str

    def concerns(self, mailbox: Mailbox, change: Change) -> bool:
        """Whether this change is to be told."""
        return (
            self.mailbox is mailbox
            and change.kind in self.change_types
            and (
                self.folder_id == change.folder_id
                or (not self.folder_id and not mailbox.folders[change.folder_id].hidden)
            )
        )


@dataclass(frozen=True)
class Resource:
    """The user and the folder that a resource path names; the folder may be absent."""

    user: str
    folder: str | None


class Subscriptions:
    """Every subscription that has not run out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_id: dict[str, Subscription] = {}

    def live(self) -> list[Subscription]:
        """Those that are alive now; the others are forgotten."""
        now = self._clock.now()
        with self._lock:
            for key in [key for key, found in self._by_id.items() if found.expires <= now]:
                del self._by_id[key]
            return list(self._by_id.values())

    def concerned(self, mailbox: Mailbox, change: Change) -> list[Subscription]:
        """The subscriptions to be told of a change."""
        return [found for found in self.live() if found.concerns(mailbox, change)] if self._by_id else []

    def add(self, new: Subscription) -> None:
        """Keep it, unless the app has the same one or the mailbox has too many."""
        others = self.live()
        for other in others:
            if _signature(other) == _signature(new):
                raise GraphError(409, "Conflict", f"A subscription for this resource already exists: {other.id}.")
        if sum(other.mailbox is new.mailbox for other in others) >= MOST_PER_MAILBOX:
            raise GraphError(
                403, "ExtensionError", f"The mailbox has reached its limit of {MOST_PER_MAILBOX} subscriptions."
            )
        with self._lock:
            self._by_id[new.id] = new

    def get(self, key: str, tenant_id: str, client_id: str) -> Subscription:
        """One of the app's own, refused as Graph refuses."""
        found = self.find(key)
        if found is None or (found.tenant_id, found.client_id) != (tenant_id, client_id):
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return found

    def find(self, key: str) -> Subscription | None:
        """By id, whoever it belongs to."""
        return next((found for found in self.live() if found.id == key), None)

    def remove(self, key: str) -> None:
        """Forget one."""
        with self._lock:
            self._by_id.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._by_id.clear()


def parse_resource(text: str) -> Resource:
    """`users/{id}/messages` and `users/{id}/mailFolders('inbox')/messages`, with or without a leading slash."""
    path, mark, _ = text.partition("?")
    if mark:
        raise GraphError(
            501, "notImplemented", "The emulator does not do this: query options in a subscription's resource"
        )
    found = _RESOURCE.fullmatch(path)
    if found is None:
        raise GraphError(400, "ExtensionError", f"The resource '{text}' is invalid or not supported.")
    return Resource(unquote(found["user"]), unquote(found["folder"]) if found["folder"] else None)


def shown(found: Subscription, moment_text: str) -> Json:
    """The subscription as JSON."""
    return {
        "id": found.id,
        "resource": found.resource,
        "applicationId": found.client_id,
        "changeType": ",".join(found.change_types),
        "clientState": found.client_state,
        "notificationUrl": found.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": found.lifecycle_url,
        "expirationDateTime": moment_text,
        "creatorId": found.client_id,
        "includeResourceData": None,
        "latestSupportedTlsVersion": found.tls,
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def _signature(found: Subscription) -> tuple[object, ...]:
    return (found.tenant_id, found.client_id, found.mailbox.id, found.folder_id, frozenset(found.change_types))
