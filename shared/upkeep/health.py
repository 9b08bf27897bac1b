"""How healthy everything is: for each mailbox its last success, its lag and what is wrong, with what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import side_by_side, tally
from shared.clock import from_text
from shared.connections import agent_sign_ins, alerts, expiry
from shared.connections import store as connections_store
from shared.connections.store import Connection
from shared.graph.errors import NOBODY
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox
from shared.mail.state import State
from shared.mail.watching import is_watched
from shared.runtime import Runtime
from shared.subscriptions import store
from shared.subscriptions.knocking import knocker
from shared.subscriptions.store import Subscription
from shared.upkeep import directory_health, figures, key_rotation, set_aside, storage_health, vault_moving
from shared.upkeep.directory_health import DirectoryHealth
from shared.upkeep.figures import QueueFigures
from shared.upkeep.issues import Issue
from shared.upkeep.storage_health import StorageHealth

MOST_AGENTS = 20
"""Agents of one connection who are named; the others are in its list."""

OVERDUE = timedelta(minutes=11)
"""Two scans of five minutes, and a minute to work: a mailbox without success for so long is not being read."""


@dataclass(frozen=True, slots=True)
class MailboxHealth:
    """How one mailbox does. Times are ISO 8601 in UTC, empty for never; ``lag`` is seconds since the last success."""

    mailbox_id: str
    address: str
    enabled: bool
    method: str
    last_success_at: str
    last_mail_at: str
    lag: float | None
    taken: int
    quarantined: int
    resyncs: int
    subscription: str
    subscription_expires_at: str
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """Everything at one moment."""

    healthy: bool
    checked_at: datetime
    mailboxes: tuple[MailboxHealth, ...]
    directories: tuple[DirectoryHealth, ...]
    issues: tuple[Issue, ...]
    set_aside: int
    notifications_refused: int
    queues: tuple[QueueFigures, ...]
    storage: StorageHealth
    process: dict[str, int]


def check(rt: Runtime, hidden: Collection[str] = ()) -> Health:
    """Look at every mailbox but those of ``hidden`` connections, one request each, and at the work set aside."""
    now, storage = rt.clock.now(), storage_health.check(rt)
    if not storage.is_readable:
        return _unreadable(rt, now, storage)
    listed, resting = mailboxes.list_seen(rt, hidden), _list_resting(rt)
    connections, boxes = {each.connection_id for each in listed}, [each.mailbox_id for each in listed]
    subscribed = {each.mailbox_id: each for connection in connections for each in store.list_of(rt, connection)}
    found = tuple(side_by_side.each(lambda box: _check_mailbox(rt, box, subscribed.get(box), now, resting), boxes))
    waiting = set_aside.count_waiting(rt, hidden={*hidden, *mailboxes.ids_within(rt, hidden)})
    directories = directory_health.check(rt, now, hidden)
    issues = (
        *storage.issues,
        *_general_issues(waiting),
        *_connection_issues(rt, now, hidden),
        *_vault_issues(rt, hidden),
        *_key_issues(rt, now, hidden, subscribed.values()),
        *_alert_issues(rt, hidden),
        *(issue for mailbox in found for issue in mailbox.issues),
        *(issue for directory in directories for issue in directory.issues),
    )
    healthy = not any(issue.severity == "error" for issue in issues)
    queues, counted = tuple(figures.of_queues(rt)), tally.PROCESS.counts()
    return Health(healthy, now, found, directories, issues, waiting, knocker(rt).refused, queues, storage, counted)


def _unreadable(rt: Runtime, now: datetime, storage: StorageHealth) -> Health:
    queues, counted = tuple(figures.of_queues(rt)), tally.PROCESS.counts()
    return Health(False, now, (), (), storage.issues, 0, knocker(rt).refused, queues, storage, counted)


def _list_resting(rt: Runtime) -> frozenset[str]:
    """Connections of which no work begins; an issue of their own tells why."""
    known = connections_store.list_all(rt)
    return frozenset(
        each.connection_id for each in known if each.state != "connected" or connections_store.is_elsewhere(rt, each)
    )


def _check_mailbox(
    rt: Runtime, mailbox_id: str, subscription: Subscription | None, now: datetime, resting: Collection[str]
) -> MailboxHealth:
    mailbox, state = mailboxes.get_head(rt, mailbox_id)
    rests = mailbox.connection_id in resting
    issues = tuple(_issues(mailbox, state, subscription, now, rests=rests)) if mailbox.enabled else ()
    return MailboxHealth(
        mailbox_id=mailbox_id,
        address=mailbox.address,
        enabled=mailbox.enabled,
        method=mailbox.method,
        last_success_at=state.last_success_at,
        last_mail_at=state.last_mail_at,
        lag=(now - from_text(state.last_success_at)).total_seconds() if state.last_success_at else None,
        taken=state.taken,
        quarantined=state.quarantined,
        resyncs=state.resyncs,
        subscription=subscription.state if subscription else "none",
        subscription_expires_at=subscription.expires_at if subscription else "",
        issues=issues,
    )


def _issues(
    mailbox: Mailbox, state: State, subscription: Subscription | None, now: datetime, *, rests: bool
) -> Iterator[Issue]:
    """``rests``: whether its connection does, so that neither timers nor subscriptions are to blame."""
    name = mailbox.address
    if state.failure:
        yield Issue(
            "round_failing", "error", name, f"{state.failure} (since {state.failing_since})", state.failure_cure
        )
    if not rests:
        yield from _overdue_issues(mailbox, state, now)
    if state.endless:
        cause = "Graph's delta round does not end; mail is listed by the time it was received instead."
        yield Issue("delta_endless", "warning", name, cause, "Nothing to do: every round tries the delta round first.")
    if state.folder_trouble:
        cause = f"Mail becomes tickets, and stays where it is: {mailbox.done_folder!r} cannot be made."
        mend = "Or make the folder by hand: what waits is moved by the next round."
        yield Issue("folder_missing", "warning", name, f"{cause} {state.folder_trouble}", f"{state.folder_cure} {mend}")
    if state.quarantined:
        cause = f"{state.quarantined} mails could not be processed."
        cure = "List them in the journal by their verdict, quarantined."
        yield Issue("mail_quarantined", "warning", name, cause, cure)
    if is_watched(mailbox) and not rests:
        yield from _webhook_issues(mailbox, state, subscription, now)


def _overdue_issues(mailbox: Mailbox, state: State, now: datetime) -> Iterator[Issue]:
    since = from_text(state.last_success_at or mailbox.created_at)
    if now - since > OVERDUE:
        cause = f"The mailbox has not been read since {since.isoformat()}."
        cure = "Look whether the timer scan_mailboxes runs, and its log."
        yield Issue("mailbox_overdue", "error", mailbox.address, cause, cure)


def _webhook_issues(
    mailbox: Mailbox, state: State, subscription: Subscription | None, now: datetime
) -> Iterator[Issue]:
    name, mend = mailbox.address, "It is mended by the next hourly reconciliation; mail comes in by the scan meanwhile."
    known = subscription or Subscription(mailbox.connection_id, mailbox.mailbox_id, "")
    if not known.subscription_id:
        cause = known.failure or "There is no subscription."
        yield Issue("subscription_missing", "warning", name, cause, known.failure_cure or mend)
    elif known.expires_at and from_text(known.expires_at) <= now:
        yield Issue("subscription_expired", "warning", name, f"It expired at {known.expires_at}.", mend)
    elif known.state == "failed":
        yield Issue("subscription_failing", "warning", name, known.failure, known.failure_cure or mend)
    if state.unannounced:
        cause = f"The scan found {state.unannounced} mails that no notification had told of."
        cure = "Check that Graph can reach PUBLIC_URL. Mail is not lost, but comes with the scan, every five minutes."
        yield Issue("webhook_silent", "warning", name, cause, cure)


def _connection_issues(rt: Runtime, now: datetime, hidden: Collection[str]) -> Iterator[Issue]:
    for each in (each for each in connections_store.list_all(rt) if each.connection_id not in hidden):
        if each.state == "needs_sign_in" and each.trouble_code == NOBODY:
            yield Issue("sign_in_awaited", "warning", each.name, each.trouble, each.cure)
        elif each.state == "needs_sign_in":
            cause = f"{each.trouble} (since {each.state_since})"
            yield Issue("connection_lost", "error", each.name, cause, each.cure)
        elif each.state == "disconnected":
            yield Issue("connection_off", "warning", each.name, each.trouble, each.cure)
        if connections_store.is_elsewhere(rt, each):
            yield Issue("connection_elsewhere", "warning", each.name, *connections_store.describe_elsewhere(rt, each))
        if each.ends_at and expiry.find_warning(from_text(each.ends_at), now):
            cause = f"Its {each.credential} {expiry.describe(from_text(each.ends_at), now)}."
            yield Issue("credential_ends", "warning", each.name, cause, "Enter a new one before it ends.")
        if each.method == connections_store.AGENTS:
            yield from _agent_issues(rt, each)


def _agent_issues(rt: Runtime, connection: Connection) -> Iterator[Issue]:
    waiting, more = agent_sign_ins.list_page(rt, connection.connection_id, state="needs_sign_in", limit=MOST_AGENTS)
    for each in waiting:
        name = f"{connection.name}: {each.address}"
        if each.trouble_code == NOBODY:
            yield Issue("agent_awaited", "warning", name, each.trouble, each.cure)
        else:
            yield Issue("agent_lost", "error", name, f"{each.trouble} (since {each.state_since})", each.cure)
    if more:
        cause, cure = f"More than {MOST_AGENTS} of its agents must sign in.", "List its agents by their state."
        yield Issue("agents_wait", "warning", connection.name, cause, cure)


def _alert_issues(rt: Runtime, hidden: Collection[str]) -> Iterator[Issue]:
    for each in (each for each in alerts.list_untold(rt) if each.connection_id not in hidden):
        cause = f"An alert ({each.kind}, {each.raised_at}) could not be told so far: {each.trouble}"
        yield Issue("alert_untold", "warning", each.name, cause, each.trouble_cure)


def _vault_issues(rt: Runtime, hidden: Collection[str]) -> Iterator[Issue]:
    """Whether secrets lie where they should: in the vault where there is one."""
    seen = [each for each in connections_store.list_all(rt) if each.connection_id not in hidden]
    if not rt.settings.key_vault_url:
        for each in (each for each in seen if each.vault_secret or each.vault_certificate):
            cause = "Its secret lies in a key vault, and KEY_VAULT_URL is not set: it cannot sign in."
            cure = "Set KEY_VAULT_URL to that vault again, or enter the secret of the connection anew."
            yield Issue("vault_not_set", "error", each.name, cause, cure)
    elif left := sum(map(vault_moving.is_left, seen)):
        cause = f"KEY_VAULT_URL is set, and {left} secrets of connections still lie sealed in storage."
        yield Issue(
            "secrets_not_in_vault", "warning", "KEY_VAULT_URL", cause, "POST /api/v1/keys/rotate moves them into it."
        )


def _key_issues(
    rt: Runtime, now: datetime, hidden: Collection[str], subscribed: Collection[Subscription]
) -> Iterator[Issue]:
    sealed = [each for each in key_rotation.list_sealed(rt) if each.connection_id not in hidden]
    for each in (each for each in sealed if each.opener is None):
        cause = f"Its {each.what} opens neither with the present SECRET_KEY nor with a former one."
        yield Issue("secret_lost", "error", each.connection_id, cause, each.cure)
    if hidden or not rt.keys.has_former:  # who does not see everything is not told that nothing needs it
        return
    secrets = sum(each.opener == "former" for each in sealed)
    alive = [each for each in subscribed if each.expires_at and from_text(each.expires_at) > now]
    states = sum(each.key_id != rt.keys.key_id for each in alive)
    if secrets or states:
        cause = f"FORMER_SECRET_KEY is still needed: by {secrets} stored secrets and {states} subscriptions."
        cure = "POST /api/v1/keys/rotate seals secrets anew. The hourly reconciliation makes the subscriptions anew."
        yield Issue("former_key_needed", "warning", "FORMER_SECRET_KEY", cause, cure)
    else:
        cause = "FORMER_SECRET_KEY is set, and no stored secret and no subscription needs it any more."
        cure = "Remove the setting, once no mail is answered any more whose ticket tag is older than the present key."
        yield Issue("former_key_idle", "warning", "FORMER_SECRET_KEY", cause, cure)


def _general_issues(waiting: int) -> Iterator[Issue]:
    if waiting:
        cause = f"{waiting} pieces of work could not be done and were set aside."
        yield Issue("work_set_aside", "warning", "work", cause, "List them under /api/v1/set-aside, and replay them.")
