"""Keeping subscriptions alive: there is one for each watched mailbox, it does not expire, and there is no other.

Graph's list is the truth, ours is compared with it: a subscription may vanish without a word.
https://github.com/microsoftgraph/microsoft-graph-docs/issues/13872
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared import log
from shared.clock import from_text, to_text
from shared.connections.store import graph_client, list_all
from shared.graph import subscriptions as graph
from shared.graph.client import GraphClient, Json
from shared.graph.errors import GraphBusy, GraphError, ItemGone, SignInFailed
from shared.graph.limits import RENEW_WHEN_LEFT
from shared.runtime import Runtime
from shared.subscriptions import client_state, store
from shared.subscriptions.store import Subscription

NOTIFICATIONS = "graph/notifications"
LIFECYCLE = "graph/lifecycle"


@dataclass(frozen=True, slots=True)
class Watch:
    """A mailbox that is to be watched, and the resource that tells of its new mail."""

    connection_id: str
    mailbox_id: str
    resource: str


def ensure(rt: Runtime, watch: Watch, listed: Sequence[Json] | None = None) -> Subscription:
    """Make the subscription of a mailbox what it should be, and note how that went; raises GraphBusy, SignInFailed.

    ``listed``: Graph's own list, where the caller has it; without it Graph is asked about this one.
    """
    found = store.find(rt, watch.connection_id, watch.mailbox_id)
    ours = found or Subscription(watch.connection_id, watch.mailbox_id, watch.resource)
    client = graph_client(rt, watch.connection_id)
    try:
        _mend(rt, client, watch, ours, listed)
    except (GraphBusy, SignInFailed) as failure:
        _note_failure(rt, ours, failure.cause, failure.cure)
        raise
    except GraphError as failure:
        _note_failure(rt, ours, failure.cause, failure.cure)
    return ours


def end(rt: Runtime, connection_id: str, mailbox_id: str) -> None:
    """Watch a mailbox no longer."""
    ours = store.find(rt, connection_id, mailbox_id)
    if ours and ours.subscription_id:
        _delete(graph_client(rt, connection_id), ours.subscription_id)
    store.remove(rt, connection_id, mailbox_id)


def reconcile(rt: Runtime, connection_id: str, watches: Sequence[Watch]) -> None:
    """Compare Graph's list with what should be there, and mend it; raises GraphError, SignInFailed, Misconfigured.

    Only subscriptions that lead to this installation are touched: the app registration may serve others too.
    """
    client = graph_client(rt, connection_id)
    here = rt.settings.base_url + "/"
    listed = [each for each in graph.iter_all(client) if str(each.get("notificationUrl", "")).startswith(here)]
    kept = [_ensure_or_wait(rt, watch, listed) for watch in watches]
    strays = {each["id"] for each in listed} - {each.subscription_id for each in kept}
    strays -= _ids_of_others(rt, connection_id) if strays else set()
    for subscription_id in strays:
        _delete(client, subscription_id)
    noted = {each.mailbox_id for each in store.list_of(rt, connection_id)}
    for mailbox_id in noted - {watch.mailbox_id for watch in watches}:
        store.remove(rt, connection_id, mailbox_id)
    log.info("subscriptions.reconciled", connection_id=connection_id, watched=len(kept), strays=len(strays))


def _ids_of_others(rt: Runtime, connection_id: str) -> set[str]:
    """The subscriptions of our other connections: Graph lists those of one app registration together."""
    others = (each.connection_id for each in list_all(rt) if each.connection_id != connection_id)
    return {each.subscription_id for other in others for each in store.list_of(rt, other)}


def _ensure_or_wait(rt: Runtime, watch: Watch, listed: Sequence[Json]) -> Subscription:
    """A mailbox that Graph cannot see to just now must not cost the others theirs: it is noted, and waits."""
    try:
        return ensure(rt, watch, listed)
    except GraphBusy:
        found = store.find(rt, watch.connection_id, watch.mailbox_id)
        return found or Subscription(watch.connection_id, watch.mailbox_id, watch.resource)


def _mend(rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription, listed: Sequence[Json] | None) -> None:
    if ours.subscription_id and ours.key_id != rt.keys.key_id:
        # Renewed, it keeps its clientState: it is made anew. The old one goes first, or it might be adopted again.
        # https://learn.microsoft.com/en-us/graph/api/subscription-update
        _delete(client, ours.subscription_id)
    elif _look_up(rt, client, watch, ours, listed):
        if listed is not None and not _is_due(rt.clock.now(), ours):
            return
        if _try_to_renew(rt, client, ours):
            return
    _create(rt, client, watch, ours)


def _look_up(rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription, listed: Sequence[Json] | None) -> bool:
    """Whether Graph has our subscription, as far as can be told before renewing it; what its list says is noted."""
    if ours.subscription_id and listed is None:
        return True
    theirs = _find_theirs(rt, watch, ours, listed if listed is not None else list(graph.iter_all(client)))
    if theirs is not None:
        _adopt(rt, ours, theirs)
    return theirs is not None


def _find_theirs(rt: Runtime, watch: Watch, ours: Subscription, listed: Sequence[Json]) -> Json | None:
    """Ours in Graph's list: by its id, or, where its creation was interrupted, by what it watches for us."""
    if ours.subscription_id:
        return next((each for each in listed if each["id"] == ours.subscription_id), None)
    url, watched = _url(rt, NOTIFICATIONS), _normal(watch.resource)
    same = (each for each in listed if each.get("notificationUrl") == url)
    return next((each for each in same if _normal(each.get("resource")) == watched), None)


def _try_to_renew(rt: Runtime, client: GraphClient, ours: Subscription) -> bool:
    """Extend our subscription; False where Graph does not have it any more."""
    now = rt.clock.now()
    try:
        theirs = graph.renew(client, ours.subscription_id, now)
    except ItemGone:
        log.warning("subscriptions.vanished", mailbox_id=ours.mailbox_id)
        return False
    ours.renewed_at = to_text(now)
    _adopt(rt, ours, theirs)
    return True


def _create(rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription) -> None:
    ours.recreated += bool(ours.subscription_id)
    ours.state, ours.subscription_id, ours.resource = "creating", "", watch.resource
    ours.key_id = rt.keys.key_id
    store.save(rt, ours)
    made = graph.create(
        client,
        resource=watch.resource,
        notification_url=_url(rt, NOTIFICATIONS),
        lifecycle_url=_url(rt, LIFECYCLE),
        client_state=client_state.make(rt.keys, watch.mailbox_id),
        now=rt.clock.now(),
    )
    ours.created_at = ours.renewed_at = to_text(rt.clock.now())
    _adopt(rt, ours, made)


def _adopt(rt: Runtime, ours: Subscription, theirs: Mapping[str, str]) -> None:
    """Note what Graph says: its id and the expiry that it granted."""
    ours.subscription_id = theirs["id"]
    ours.expires_at = to_text(from_text(theirs["expirationDateTime"]))
    ours.state, ours.failure, ours.failure_cure = "active", "", ""
    store.save(rt, ours)


def _note_failure(rt: Runtime, ours: Subscription, cause: str, cure: str) -> None:
    log.warning("subscriptions.failed", mailbox_id=ours.mailbox_id, reason=cause)
    ours.state = "failed" if ours.subscription_id else "creating"
    ours.failure, ours.failure_cure = cause[:1000], cure[:1000]
    store.save(rt, ours)


def _is_due(now: datetime, ours: Subscription) -> bool:
    return not ours.expires_at or from_text(ours.expires_at) - now <= RENEW_WHEN_LEFT


def _delete(client: GraphClient, subscription_id: str) -> None:
    try:
        graph.delete(client, subscription_id)
    except ItemGone:
        log.debug("subscriptions.gone_already")


def _normal(resource: object) -> str:
    """A resource as it may be compared: Graph gives it back with other capitals and slashes."""
    return str(resource).strip("/").lower()


def _url(rt: Runtime, route: str) -> str:
    return f"{rt.settings.base_url}/{route}"
