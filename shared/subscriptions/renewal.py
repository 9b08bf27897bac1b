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
from shared.connections.store import graph_client
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
        _renew_or_create(rt, client, watch, ours, listed)
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


def reconcile(rt: Runtime, connection_id: str, watches: Sequence[Watch]) -> dict[str, int]:
    """Compare Graph's list with what should be there, and mend it; returns what was done, counted.

    Only subscriptions that lead to this installation are touched: the app registration may serve others too.
    """
    client = graph_client(rt, connection_id)
    here = rt.settings.base_url + "/"
    listed = [each for each in graph.iter_all(client) if str(each.get("notificationUrl", "")).startswith(here)]
    before = {each.mailbox_id: each.subscription_id for each in store.list_of(rt, connection_id)}
    kept = {watch.mailbox_id: ensure(rt, watch, listed) for watch in watches}
    done = {"watched": len(kept), "created": 0, "removed": 0}
    done["created"] = sum(1 for each in kept.values() if before.get(each.mailbox_id) != each.subscription_id)
    wanted = {each.subscription_id for each in kept.values()}
    for stray in listed:
        if stray["id"] not in wanted:
            _delete(client, stray["id"])
            done["removed"] += 1
    for mailbox_id in before.keys() - kept.keys():
        store.remove(rt, connection_id, mailbox_id)
    log.info("subscriptions.reconciled", connection_id=connection_id, **done)
    return done


def _renew_or_create(
    rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription, listed: Sequence[Json] | None
) -> None:
    theirs = _find_theirs(rt, client, watch, ours, listed)
    if theirs is not None:
        _adopt(rt, ours, theirs)
    if ours.subscription_id and (theirs is not None or listed is None):
        if not _is_due(rt.clock.now(), ours) and listed is not None:
            return
        try:
            _adopt(rt, ours, graph.renew(client, ours.subscription_id, rt.clock.now()))
        except ItemGone:
            log.warning("subscriptions.vanished", mailbox_id=watch.mailbox_id)
        else:
            return
    _create(rt, client, watch, ours)


def _find_theirs(
    rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription, listed: Sequence[Json] | None
) -> Json | None:
    """Our subscription in Graph's list: by id, or, where its creation was interrupted, by what it watches for us."""
    if listed is None and ours.state != "creating":
        return None
    found = listed if listed is not None else list(graph.iter_all(client))
    by_id = {each["id"]: each for each in found}
    if ours.subscription_id:
        return by_id.get(ours.subscription_id)
    url = _url(rt, NOTIFICATIONS)
    same = (each for each in found if each.get("notificationUrl") == url)
    return next((each for each in same if _names(each) == watch.resource.strip("/").lower()), None)


def _create(rt: Runtime, client: GraphClient, watch: Watch, ours: Subscription) -> None:
    ours.recreated += bool(ours.subscription_id)
    ours.state, ours.subscription_id, ours.resource = "creating", "", watch.resource
    store.save(rt, ours)
    made = graph.create(
        client,
        resource=watch.resource,
        notification_url=_url(rt, NOTIFICATIONS),
        lifecycle_url=_url(rt, LIFECYCLE),
        client_state=client_state.make(rt.keys, watch.mailbox_id),
        now=rt.clock.now(),
    )
    ours.created_at = to_text(rt.clock.now())
    _adopt(rt, ours, made)


def _adopt(rt: Runtime, ours: Subscription, theirs: Mapping[str, str]) -> None:
    """Note what Graph says: its id and the expiry that it granted."""
    ours.subscription_id = theirs["id"]
    ours.expires_at = to_text(from_text(theirs["expirationDateTime"]))
    ours.renewed_at = to_text(rt.clock.now())
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


def _names(theirs: Mapping[str, object]) -> str:
    return str(theirs.get("resource", "")).strip("/").lower()


def _url(rt: Runtime, route: str) -> str:
    return f"{rt.settings.base_url}/{route}"
