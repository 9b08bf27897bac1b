"""What happens to mails in their mailbox once they are safely ours: moved, marked as read, or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared import log
from shared.graph import mail as graph_mail
from shared.graph.batch import Request, perform
from shared.graph.errors import GraphBusy, GraphError, ItemGone, MailboxAway

if TYPE_CHECKING:
    from shared.graph.client import GraphClient, Json
    from shared.mail.mailboxes import Mailbox
    from shared.mail.state import State

DELETED_BEFORE = "ErrorCannotDeleteObject"
"""What deleting by an immutable id answers the second time.
https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3047"""
WAITS = "waits for its folder"
"""What is told of a mail that cannot be moved yet, for there is nowhere to move it to."""
DONE = {"mark_read": "marked as read", "delete": "deleted", "delete_permanently": "deleted permanently"}


def prepare(client: GraphClient, mailbox: Mailbox, state: State) -> None:
    """Find or make the folder for taken mail, once; raises GraphBusy, MailboxAway.

    A refusal is noted, not raised: mail becomes tickets all the same, and is moved once there is a folder.
    """
    if not is_ready(mailbox, state):
        try:
            state.done_folder_id = graph_mail.find_or_create_folder(client, mailbox.address, mailbox.done_folder)
        except (GraphBusy, MailboxAway):
            raise
        except GraphError as refusal:
            log.warning("mail.no_folder", reason=refusal.cause)
            state.folder_trouble, state.folder_cure = refusal.cause[:1000], refusal.cure[:1000]
            return
    state.folder_trouble = state.folder_cure = ""


def is_ready(mailbox: Mailbox, state: State) -> bool:
    """Whether there is all that disposing of mail needs."""
    return mailbox.disposal != "move" or bool(state.done_folder_id)


def dispose(client: GraphClient, mailbox: Mailbox, state: State, message_ids: Sequence[str]) -> list[str | GraphBusy]:
    """Do with messages what their mailbox says; for each what was done, or why it must wait. Repeating it is harmless.

    A refusal is told, not raised: the ticket is safe, and the mails behind this one must go on.
    """
    if not state.folder_trouble:  # else this round was refused it already
        prepare(client, mailbox, state)
    if not is_ready(mailbox, state):
        return [WAITS] * len(message_ids)
    outcomes: Sequence[Json | GraphError | str]
    outcomes = done = perform(client, mailbox.address, [_request(mailbox, state, each) for each in message_ids])
    if mailbox.disposal == "move" and any(isinstance(outcome, ItemGone) for outcome in outcomes):
        outcomes = _move_again(client, mailbox, state, message_ids, done)
    return [_told(mailbox, outcome) for outcome in outcomes]


def _request(mailbox: Mailbox, state: State, message_id: str) -> Request:
    match mailbox.disposal:
        case "mark_read":
            return graph_mail.marking_read(mailbox.address, message_id)
        case "delete":
            return graph_mail.deleting(mailbox.address, message_id)
        case "delete_permanently":
            return graph_mail.purging(mailbox.address, message_id)
        case _:
            return graph_mail.moving(mailbox.address, message_id, state.done_folder_id)


def _move_again(
    client: GraphClient,
    mailbox: Mailbox,
    state: State,
    message_ids: Sequence[str],
    outcomes: Sequence[Json | GraphError],
) -> list[Json | GraphError | str]:
    """Graph answers alike where the message is gone and where the folder is: look, and make the folder again."""
    missing = [each for each, outcome in zip(message_ids, outcomes, strict=True) if isinstance(outcome, ItemGone)]
    left = [each for each in missing if graph_mail.still_there(client, mailbox.address, each)]
    if not left:
        return list(outcomes)
    state.done_folder_id = ""
    prepare(client, mailbox, state)
    requests = [_request(mailbox, state, each) for each in left] if is_ready(mailbox, state) else []
    moved: Sequence[Json | GraphError | str] = perform(client, mailbox.address, requests) or [WAITS] * len(left)
    second = dict(zip(left, moved, strict=True))
    return [second.get(each, outcome) for each, outcome in zip(message_ids, outcomes, strict=True)]


def _told(mailbox: Mailbox, outcome: Json | GraphError | str) -> str | GraphBusy:
    if isinstance(outcome, GraphBusy | str):
        return outcome
    if isinstance(outcome, ItemGone) or (isinstance(outcome, GraphError) and outcome.code == DELETED_BEFORE):
        return "already gone"
    if isinstance(outcome, GraphError):
        return f"failed: {outcome.cause}"
    return DONE.get(mailbox.disposal, f"moved to {mailbox.done_folder}")
