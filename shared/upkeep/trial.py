"""Test connection: the very client that the workers use signs in, shows what it was granted, and tries every door."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared import log
from shared.connections import alert_mail
from shared.connections.permissions import Line
from shared.connections.store import (
    AGENTS,
    Connection,
    client_for,
    describe_elsewhere,
    is_elsewhere,
    note_lack,
    open_client,
    read,
)
from shared.errors import BadInput, DeskbridgeError, Misconfigured
from shared.graph import mail, subscriptions, tenant_cloud
from shared.graph.client import GraphClient
from shared.graph.errors import NOBODY, AccessDenied, GraphError, SignInFailed
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox
from shared.mail.watching import is_watched
from shared.runtime import Runtime
from shared.storage.vault_errors import VaultAway
from shared.subscriptions import store
from shared.subscriptions.store import Subscription
from shared.upkeep import agent_trial, checklist, feature_doors, watching
from shared.upkeep.probes import Probe, Severity, attempt, failed

LONGEST_TRIAL = 60
"""Seconds: the answer has to come while somebody waits, and before a gateway gives up (230 s in Azure).
https://learn.microsoft.com/en-us/azure/azure-functions/functions-scale#timeout"""


@dataclass(frozen=True, slots=True)
class Trial:
    """How everything went; ``permissions`` is the checklist, empty where there is no token to compare with."""

    probes: tuple[Probe, ...]
    permissions: tuple[Line, ...] = ()

    @property
    def failure(self) -> Probe | None:
        """The first thing that keeps the connection from its work, or None."""
        return next((each for each in self.probes if not each.ok and each.severity == "error"), None)


def run(rt: Runtime, connection_id: str, outside_address: str = "") -> Trial:
    """Try everything that a connection is used for, in whatever state it is; raises NotFound, BadInput.

    ``outside_address``: a mailbox that the app should not reach, tried as well. If the sign-in was lost and is back,
    all that waited is looked at.
    """
    connection, _ = read(rt, connection_id)
    ours = [each for each in mailboxes.list_all(rt) if each.connection_id == connection_id]
    _check_outside(connection, outside_address, ours)
    lives = rt.graph.find_cloud(connection.tenant_id, connection.cloud)
    if lives not in (None, connection.cloud):
        return Trial((_elsewhere(lives),))
    try:
        found = _try_all(rt, connection, ours, outside_address)
    except (SignInFailed, GraphError, Misconfigured, VaultAway) as failure:  # without a sign-in there is nothing to try
        return Trial((failed("sign-in", "", _reason(rt, connection, failure)),))
    _note_lacks(rt, connection, ours)
    if connection.state == "needs_sign_in":
        watching.resume(rt, connection_id)
    return replace(found, probes=(*found.probes, *_probe_rest(rt, connection)))


def _try_all(rt: Runtime, connection: Connection, ours: Sequence[Mailbox], outside_address: str) -> Trial:
    client = open_client(rt, connection)
    client.sign_in_anew()
    features = checklist.features_of(rt, connection)
    if connection.method == AGENTS:
        lines, tried = agent_trial.try_all(rt, connection, features, rt.clock.steady() + LONGEST_TRIAL)
        return Trial((Probe("sign-in"), *tried), lines)
    lines, permissions = checklist.check(features, connection, client.find_grants())
    probes = (Probe("sign-in"), permissions, *_probe_features(rt, connection, client, ours))
    return Trial(probes + ((_probe_outside(client, outside_address),) if outside_address else ()), lines)


def _reason(rt: Runtime, connection: Connection, failure: DeskbridgeError) -> DeskbridgeError:
    """Why there is no sign-in. Before anybody has signed in the app proves itself alone: what Entra has against it
    would come out only after a person had been through the sign-in.
    """
    if not (isinstance(failure, SignInFailed) and failure.code == NOBODY):
        return failure
    try:
        client_for(rt, connection, None).sign_in_anew()
    except SignInFailed as refused:
        return failure if refused.of_account else refused
    except (GraphError, Misconfigured, VaultAway):
        log.debug("trial.app_not_tried", connection_id=connection.connection_id)
    return failure


def _probe_rest(rt: Runtime, connection: Connection) -> Iterator[Probe]:
    """What keeps a connection from its work though every door is open: somebody wanted it so."""
    if connection.state == "disconnected":
        yield Probe("at-work", "", False, "error", "disconnected", connection.trouble, connection.cure)
    if is_elsewhere(rt, connection):
        yield Probe("at-work", "", False, "error", "otherEnvironment", *describe_elsewhere(rt, connection))


def _elsewhere(lives: str) -> Probe:
    cause, cure = tenant_cloud.describe(lives)
    return Probe("cloud", "", False, "error", "otherCloud", cause, cure)


def _note_lacks(rt: Runtime, connection: Connection, ours: Sequence[Mailbox]) -> None:
    """See in one mailbox what Graph can do here, and keep it: the table of clouds may be older than Graph."""
    for mailbox in (each for each in ours if each.enabled):
        try:
            lacking = not mail.has_delta(open_client(rt, connection), mailbox.address, mailbox.folder)
        except (SignInFailed, GraphError):
            continue  # its own probe has told why
        note_lack(rt, connection.connection_id, "message-delta", lacking=lacking)
        return


def _check_outside(connection: Connection, address: str, ours: Sequence[Mailbox]) -> None:
    if address and connection.method == AGENTS:
        cause = "For this connection each agent signs in, and reaches what that agent may."
        raise BadInput("outside_address", cause, "Leave it out.")
    if address.lower() in {each.address for each in ours}:
        raise BadInput(
            "outside_address", "This mailbox is one of the connection's own.", "Name one that the app must not reach."
        )


def _probe_features(
    rt: Runtime, connection: Connection, client: GraphClient, ours: Sequence[Mailbox]
) -> Iterator[Probe]:
    features, until = checklist.features_of(rt, connection), rt.clock.steady() + LONGEST_TRIAL
    yield from feature_doors.probe(client, features)
    for mailbox in ours:
        yield _probe_mailbox(client, mailbox) if rt.clock.steady() < until else _not_tried(mailbox)
    sender = alert_mail.find_sender(rt.settings)
    if sender and "alert-mail" in features:
        drafts = partial(mail.get_folder, client, sender.address, "drafts")
        yield attempt("alert-mail", sender.address, drafts, "warning")
    watched = [each for each in ours if is_watched(each)]
    if watched:
        yield from _probe_subscriptions(rt, client, watched)


def _probe_mailbox(client: GraphClient, mailbox: Mailbox) -> Probe:
    severity: Severity = "error" if mailbox.enabled else "warning"
    return attempt(
        "mailbox", mailbox.address, lambda: mail.get_folder(client, mailbox.address, mailbox.folder), severity
    )


def _not_tried(mailbox: Mailbox) -> Probe:
    cause, cure = "There was no time left to try this one.", "Look at its progress: every round tries it too."
    return Probe("mailbox", mailbox.address, False, "warning", "notTried", cause, cure)


def _probe_subscriptions(rt: Runtime, client: GraphClient, watched: Sequence[Mailbox]) -> Iterator[Probe]:
    try:
        alive = {str(each["id"]) for each in subscriptions.iter_all(client)}
    except GraphError as failure:
        yield failed("subscription", "", failure, "warning")
        return
    known = {each.mailbox_id: each for each in store.list_of(rt, watched[0].connection_id)}
    for mailbox in watched:
        yield _check_subscription(mailbox, known.get(mailbox.mailbox_id), alive)


def _check_subscription(mailbox: Mailbox, ours: Subscription | None, alive: set[str]) -> Probe:
    if ours is not None and ours.subscription_id in alive:
        return Probe("subscription", mailbox.address)
    cause = (ours.failure if ours else "") or "Graph has no subscription for this mailbox."
    mend = "The hourly reconciliation makes it; until then mail comes in by the scan, every five minutes."
    cure = (ours.failure_cure if ours else "") or mend
    return Probe("subscription", mailbox.address, False, "warning", "subscriptionMissing", cause, cure)


def _probe_outside(client: GraphClient, address: str) -> Probe:
    """A mailbox that must be refused: where it is not, the app reaches more than it should."""
    try:
        mail.get_folder(client, address, "inbox")
    except AccessDenied:
        return Probe("outside", address)
    except GraphError as failure:
        return failed("outside", address, failure, "warning")
    cause = "The app can read this mailbox, and so most likely every mailbox of the tenant."
    cure = "Limit the app in Exchange: GET the connection's scoping for the commands. A change takes up to two hours."
    return Probe("outside", address, False, "warning", "scopeOpen", cause, cure)
