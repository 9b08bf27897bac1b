"""Receiving change notifications: believe nothing, put a knock on the queue, answer at once.

This is the webhook's cold path: nothing is imported here that it does not need, no table is read. Graph wants an answer
within three seconds and drops notifications where too many come late. It runs on the event loop: rounds that take all
threads of the worker do not hold it up, and most notifications need no thread, because a knock is under way already.
https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared import log, tally
from shared.clock import to_text
from shared.subscriptions import client_state
from shared.subscriptions.knocking import knocker
from shared.work import CareForSubscription, SyncMailbox, Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.runtime import Runtime

LARGEST_BODY = 4 * 1024 * 1024
MOST_ITEMS = 5_000
LONGEST_TOKEN = 4_096


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: ``body`` is plain text."""

    status: int
    body: str = ""


async def receive(rt: Runtime, query: Mapping[str, str], body: bytes) -> Reply:
    """Answer one POST of Graph on the notification URL."""
    if "validationToken" in query:
        return _echo(query["validationToken"])
    return await _accept(rt, body, _sync_work)


async def receive_lifecycle(rt: Runtime, query: Mapping[str, str], body: bytes) -> Reply:
    """Answer one POST of Graph on the lifecycle URL.

    https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events
    """
    if "validationToken" in query:
        return _echo(query["validationToken"])
    return await _accept(rt, body, _lifecycle_work)


def _echo(token: str) -> Reply:
    """The handshake: the decoded token back, as plain text; it is opaque, so only its length is looked at."""
    return Reply(200, token) if len(token) <= LONGEST_TOKEN else Reply(400, "The validation token is too long.")


class _WorkOf(Protocol):
    def __call__(self, item: dict[str, Any], mailbox_id: str, noticed_at: str, /) -> Iterator[Work]: ...


async def _accept(rt: Runtime, body: bytes, work_of: _WorkOf) -> Reply:
    try:
        items = _items(body)
    except (ValueError, RecursionError) as error:
        log.warning("webhook.unreadable", reason=str(error), size=len(body))
        return Reply(400, "The body must be the JSON that Microsoft Graph sends: an object with a list called value.")
    with log.bound(trace=tally.new_trace()):
        return await _take(rt, items, work_of)


async def _take(rt: Runtime, items: Sequence[dict[str, Any]], work_of: _WorkOf) -> Reply:
    known = [(item, client_state.read(rt.keys, item.get("clientState"))) for item in items]
    noticed_at = to_text(rt.clock.now())
    wanted = {work for item, mailbox_id in known if mailbox_id for work in work_of(item, mailbox_id, noticed_at)}
    refused = sum(1 for _, mailbox_id in known if not mailbox_id)
    if refused:
        log.warning("webhook.refused", refused=refused, of=len(known))
    knocker(rt).refused += refused
    return (
        Reply(202) if await _put_all(rt, wanted) else Reply(503, "The queue is not available; please send this again.")
    )


async def _put_all(rt: Runtime, wanted: set[Work]) -> bool:
    knocks = [knock for work in wanted if (knock := knocker(rt).plan(rt.clock, work))]
    if knocks:  # in a hail most notifications are spared: a line for each would tell nothing
        log.info("webhook.received", work=len(wanted), put=len(knocks))
    try:
        await asyncio.gather(*(knocker(rt).put(rt, knock) for knock in knocks))
    except Exception as failure:  # noqa: BLE001 - whatever it is, Graph must keep the notification and send it again
        log.error("webhook.not_stored", failure=failure)
        return False
    return True


def _items(body: bytes) -> list[dict[str, Any]]:
    if len(body) > LARGEST_BODY:
        raise ValueError("too large")
    parsed = json.loads(body)
    items = parsed.get("value") if isinstance(parsed, dict) else None
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise ValueError("no list called value, or too long a one")
    return [item for item in items if isinstance(item, dict)]


def _sync_work(item: dict[str, Any], mailbox_id: str, noticed_at: str) -> Iterator[Work]:
    del item
    yield SyncMailbox(mailbox_id=mailbox_id, cause="notification", noticed_at=noticed_at)


def _lifecycle_work(item: dict[str, Any], mailbox_id: str, noticed_at: str) -> Iterator[Work]:
    """What a lifecycle event asks for; an unknown event is treated like the worst one."""
    event = item.get("lifecycleEvent")
    log.info("webhook.lifecycle", lifecycle=str(event)[:40], mailbox_id=mailbox_id)
    if event != "missed":
        yield CareForSubscription(mailbox_id=mailbox_id, cause="lifecycle")
    if event != "reauthorizationRequired":
        yield SyncMailbox(mailbox_id=mailbox_id, cause="lifecycle", noticed_at=noticed_at)
