"""Which mailboxes are watched by a subscription, and keeping those alive."""

from __future__ import annotations

from collections import defaultdict

from shared import log
from shared.connections.store import AGENTS, rests
from shared.connections.store import list_all as list_connections
from shared.errors import DeskbridgeError, Later, Misconfigured, NotFound
from shared.graph.errors import GraphBusy, SignInFailed
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox
from shared.runtime import Runtime
from shared.subscriptions import renewal
from shared.subscriptions.renewal import Watch
from shared.work import CareForSubscription

SIGN_IN_DELAY = 300
"""Seconds: somebody has to enter a new secret first."""


def care(rt: Runtime, work: CareForSubscription) -> None:
    """Make the subscription of one mailbox what it should be; raises Later where Graph is busy or refuses us."""
    try:
        mailbox = mailboxes.get(rt, work.mailbox_id)
    except NotFound:
        log.warning("subscriptions.no_such_mailbox")
        return
    if rests(rt, mailbox.connection_id):  # reconciliation catches up when it goes on
        log.debug("subscriptions.connection_rests", connection_id=mailbox.connection_id)
        return
    try:
        if is_watched(mailbox):
            renewal.ensure(rt, _watch(mailbox))
        else:
            renewal.end(rt, mailbox.connection_id, mailbox.mailbox_id)
    except GraphBusy as busy:
        raise Later(busy.cause, busy.retry_after) from busy
    except (SignInFailed, Misconfigured) as failure:
        raise Later(failure.cause, SIGN_IN_DELAY, failure.cure) from failure


def reconcile_all(rt: Runtime) -> None:
    """Compare Graph's subscriptions with ours, connection by connection; what fails is noted and waits for the next."""
    watches: dict[str, list[Watch]] = defaultdict(list)
    for mailbox in mailboxes.list_all(rt):
        if is_watched(mailbox):
            watches[mailbox.connection_id].append(_watch(mailbox))
    for connection in list_connections(rt):
        if connection.method == AGENTS or rests(rt, connection.connection_id):
            continue  # agents have no mailboxes here
        try:
            renewal.reconcile(rt, connection.connection_id, watches[connection.connection_id])
        except DeskbridgeError as failure:
            log.error("subscriptions.not_reconciled", connection_id=connection.connection_id, reason=failure.cause)


def is_watched(mailbox: Mailbox) -> bool:
    """Whether this mailbox is to have a subscription."""
    return mailbox.enabled and mailbox.method == "webhook"


def _watch(mailbox: Mailbox) -> Watch:
    resource = f"users/{mailbox.address}/mailFolders('{mailbox.folder}')/messages"
    return Watch(mailbox.connection_id, mailbox.mailbox_id, resource)
