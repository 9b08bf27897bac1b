"""What happens to a mail in its mailbox once it is safely ours: moved, marked as read, or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import mail as graph_mail
from shared.graph.errors import GraphBusy, GraphError, ItemGone

if TYPE_CHECKING:
    from shared.graph.client import GraphClient
    from shared.mail.mailboxes import Mailbox
    from shared.mail.state import State


def dispose(client: GraphClient, mailbox: Mailbox, state: State, message_id: str) -> str:
    """Do with a message what its mailbox says, and tell what was done; repeating it is harmless. Raises GraphBusy.

    A refusal is told, not raised: the ticket is safe, and the mails behind this one must go on.
    """
    try:
        return _dispose(client, mailbox, state, message_id)
    except GraphBusy:
        raise
    except ItemGone:
        return "already gone"
    except GraphError as error:
        return f"failed: {error.cause}"


def prepare(client: GraphClient, mailbox: Mailbox, state: State) -> None:
    """Find or make the folder for taken mail, once; raises GraphError."""
    if mailbox.disposal == "move" and not state.done_folder_id:
        state.done_folder_id = graph_mail.find_or_create_folder(client, mailbox.address, mailbox.done_folder)


def _dispose(client: GraphClient, mailbox: Mailbox, state: State, message_id: str) -> str:
    match mailbox.disposal:
        case "mark_read":
            graph_mail.mark_read(client, mailbox.address, message_id)
            return "marked as read"
        case "delete":
            graph_mail.delete(client, mailbox.address, message_id)
            return "deleted"
        case "delete_permanently":
            graph_mail.permanently_delete(client, mailbox.address, message_id)
            return "deleted permanently"
        case _:
            _move(client, mailbox, state, message_id)
            return f"moved to {mailbox.done_folder}"


def _move(client: GraphClient, mailbox: Mailbox, state: State, message_id: str) -> None:
    try:
        graph_mail.move(client, mailbox.address, message_id, state.done_folder_id)
    except ItemGone:
        # The message may be gone, or the folder: Graph answers both alike.
        if not graph_mail.still_there(client, mailbox.address, message_id):
            raise
        state.done_folder_id = graph_mail.find_or_create_folder(client, mailbox.address, mailbox.done_folder)
        graph_mail.move(client, mailbox.address, message_id, state.done_folder_id)
