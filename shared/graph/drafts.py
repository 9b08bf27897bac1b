"""Mail that goes out, in steps that can be looked at: a draft with an immutable id is made, then it is sent.

Sending has no receipt but that the draft is gone: Graph answers 202 before anything has happened, and the copy in Sent
Items may have another id. https://learn.microsoft.com/en-us/graph/api/message-send,
https://learn.microsoft.com/en-us/graph/outlook-immutable-id,
https://github.com/microsoftgraph/microsoft-graph-docs/issues/1533
"""

from __future__ import annotations

from shared.graph.client import IMMUTABLE_IDS, GraphClient, Json, segment
from shared.graph.errors import ItemGone


def find_draft(client: GraphClient, mailbox: str, message_id: str) -> str | None:
    """The id of the draft with this ``Message-ID``, which must hold no quotation mark; None where there is none."""
    params = {"$filter": f"internetMessageId eq '{message_id}'", "$select": "id"}
    path = f"/users/{segment(mailbox)}/mailFolders/drafts/messages"
    found = client.get(path, params=params, prefer=IMMUTABLE_IDS, mailbox=mailbox).get("value", [])
    return str(found[0]["id"]) if found else None


def create_draft(client: GraphClient, mailbox: str, message: Json) -> str:
    """Make a draft, and give its id. It is tried once: look for the draft before it is tried again.

    https://learn.microsoft.com/en-us/graph/api/user-post-messages
    """
    path = f"/users/{segment(mailbox)}/messages"
    return str(client.send("POST", path, message, prefer=IMMUTABLE_IDS, mailbox=mailbox, once=True)["id"])


def is_unsent(client: GraphClient, mailbox: str, draft_id: str) -> bool:
    """Whether the draft is still there."""
    try:
        found = client.get(
            _draft(mailbox, draft_id), params={"$select": "isDraft"}, prefer=IMMUTABLE_IDS, mailbox=mailbox
        )
    except ItemGone:
        return False
    return bool(found.get("isDraft"))


def send_draft(client: GraphClient, mailbox: str, draft_id: str) -> None:
    """Send a draft. It is tried once: look whether it is still there before it is tried again."""
    client.send("POST", f"{_draft(mailbox, draft_id)}/send", prefer=IMMUTABLE_IDS, mailbox=mailbox, once=True)


def _draft(mailbox: str, draft_id: str) -> str:
    return f"/users/{segment(mailbox)}/messages/{segment(draft_id)}"
