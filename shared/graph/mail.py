"""Mail operations of Microsoft Graph, one short function each; ids are immutable ids throughout.

``mailbox``: the address or the id of its user. https://learn.microsoft.com/en-us/graph/api/resources/message
"""

from __future__ import annotations

from datetime import UTC, datetime

from shared.graph.batch import Request
from shared.graph.client import IMMUTABLE_IDS, GraphClient, Json, segment
from shared.graph.delta import Round, fetch_round
from shared.graph.errors import GraphError, ItemGone, is_unknown_path
from shared.graph.limits import DELTA_PAGE

MESSAGE_FIELDS = "receivedDateTime,subject,from,internetMessageId"
WELL_KNOWN_FOLDERS = frozenset({"inbox", "archive", "deleteditems", "junkemail", "drafts", "sentitems"})
"""https://learn.microsoft.com/en-us/graph/api/resources/mailfolder"""


def fetch_message_round(client: GraphClient, mailbox: str, folder: str, delta_link: str | None) -> Round:
    """What changed in a folder since the link: messages, and ``@removed`` ones.

    https://learn.microsoft.com/en-us/graph/api/message-delta
    """
    return fetch_round(
        client,
        f"{_folder(mailbox, folder)}/messages/delta",
        params={"$select": MESSAGE_FIELDS},
        delta_link=delta_link,
        prefer=f"{IMMUTABLE_IDS}, odata.maxpagesize={DELTA_PAGE}",
        mailbox=mailbox,
    )


def has_delta(client: GraphClient, mailbox: str, folder: str) -> bool:
    """Whether Graph knows delta rounds over messages here; raises GraphError where the mailbox cannot be asked."""
    params, prefer = {"$select": "id"}, f"{IMMUTABLE_IDS}, odata.maxpagesize=1"
    try:
        client.get(f"{_folder(mailbox, folder)}/messages/delta", params=params, prefer=prefer, mailbox=mailbox)
    except GraphError as refusal:
        if not is_unknown_path(refusal):
            raise
        return False
    return True


def list_messages(client: GraphClient, mailbox: str, folder: str, since: datetime | None) -> list[Json]:
    """The messages of a folder, or those received since, oldest first.

    https://learn.microsoft.com/en-us/graph/api/mailfolder-list-messages
    """
    params = {"$select": MESSAGE_FIELDS, "$orderby": "receivedDateTime asc", "$top": str(DELTA_PAGE)}
    if since is not None:
        params["$filter"] = f"receivedDateTime ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    page = client.get(f"{_folder(mailbox, folder)}/messages", params=params, prefer=IMMUTABLE_IDS, mailbox=mailbox)
    found = list(page.get("value", []))
    while "@odata.nextLink" in page:
        page = client.get(page["@odata.nextLink"], prefer=IMMUTABLE_IDS, mailbox=mailbox)
        found += page.get("value", [])
    return found


def find_message(client: GraphClient, mailbox: str, message_id: str) -> Json | None:
    """One message with the fields that a delta round asks for; None if it is gone."""
    try:
        return client.get(
            _message(mailbox, message_id), params={"$select": MESSAGE_FIELDS}, prefer=IMMUTABLE_IDS, mailbox=mailbox
        )
    except ItemGone:
        return None


def get_mime(client: GraphClient, mailbox: str, message_id: str) -> bytes:
    """The message as raw MIME; raises ItemGone. https://learn.microsoft.com/en-us/graph/outlook-get-mime-message"""
    return client.get_bytes(f"{_message(mailbox, message_id)}/$value", prefer=IMMUTABLE_IDS, mailbox=mailbox)


def moving(mailbox: str, message_id: str, folder_id: str) -> Request:
    """Move a message to a folder (id or well-known name). https://learn.microsoft.com/en-us/graph/api/message-move"""
    return Request("POST", f"{_message(mailbox, message_id)}/move", {"destinationId": folder_id})


def marking_read(mailbox: str, message_id: str) -> Request:
    """Mark a message as read."""
    return Request("PATCH", _message(mailbox, message_id), {"isRead": True})


def deleting(mailbox: str, message_id: str) -> Request:
    """Delete a message so that people can still recover it."""
    return Request("DELETE", _message(mailbox, message_id))


def purging(mailbox: str, message_id: str) -> Request:
    """Delete a message for good; only in the global cloud.

    https://learn.microsoft.com/en-us/graph/api/message-permanentdelete
    """
    return Request("POST", f"{_message(mailbox, message_id)}/permanentDelete")


def get_folder(client: GraphClient, mailbox: str, folder: str) -> Json:
    """A folder by id or well-known name, with its counts; raises ItemGone, AccessDenied."""
    params = {"$select": "id,displayName,totalItemCount,unreadItemCount"}
    return client.get(_folder(mailbox, folder), params=params, mailbox=mailbox)


def find_folder(client: GraphClient, mailbox: str, name: str) -> str | None:
    """The id of the folder of this display name at the top level of the mailbox, or None."""
    quoted = name.replace("'", "''")
    params = {"$filter": f"displayName eq '{quoted}'", "$select": "id,displayName"}
    found = client.get(f"/users/{segment(mailbox)}/mailFolders", params=params, mailbox=mailbox)
    return str(found["value"][0]["id"]) if found.get("value") else None


def find_or_create_folder(client: GraphClient, mailbox: str, name: str) -> str:
    """The id of the top-level folder of this display name, made where missing; a well-known name is its own id."""
    if name.lower() in WELL_KNOWN_FOLDERS:
        return name.lower()
    found = find_folder(client, mailbox, name)
    if found is not None:
        return found
    try:
        return str(
            client.send("POST", f"/users/{segment(mailbox)}/mailFolders", {"displayName": name}, mailbox=mailbox)["id"]
        )
    except GraphError as error:
        found = find_folder(client, mailbox, name) if error.status == 409 else None
        if found is None:
            raise
        return found


def received_date_time(message: Json) -> datetime:
    """When the mailbox received the message, aware, UTC; the epoch where Graph does not say."""
    text = message.get("receivedDateTime") or "1970-01-01T00:00:00Z"
    return datetime.fromisoformat(text).astimezone(UTC)


def is_removed(message: Json) -> bool:
    """Whether this item of a delta round says that a message left the folder."""
    return "@removed" in message


def still_there(client: GraphClient, mailbox: str, message_id: str) -> bool:
    """Whether the message exists in any folder of the mailbox."""
    try:
        client.get(_message(mailbox, message_id), params={"$select": "id"}, prefer=IMMUTABLE_IDS, mailbox=mailbox)
    except ItemGone:
        return False
    return True


def _message(mailbox: str, message_id: str) -> str:
    return f"/users/{segment(mailbox)}/messages/{segment(message_id)}"


def _folder(mailbox: str, folder: str) -> str:
    return f"/users/{segment(mailbox)}/mailFolders/{segment(folder)}"
