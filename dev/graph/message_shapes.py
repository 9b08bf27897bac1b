"""A stored message as Graph's JSON, property by property, so that `$select` costs only what it names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dev.graph.mailboxes import StoredMessage
from dev.graph.mime_reading import Mailbox as Correspondent
from dev.graph.mime_reading import html_to_text
from dev.graph.wire import Json, graph_time

TYPE_NAME = "Microsoft.OutlookServices.Message"


@dataclass(frozen=True)
class View:
    """What the request prefers: immutable ids, bodies as text."""

    immutable: bool = False
    text_body: bool = False


def _recipient(found: Correspondent | None) -> Json | None:
    return {"emailAddress": {"name": found[0], "address": found[1]}} if found else None


def _recipients(found: list[Correspondent]) -> list[Json | None]:
    return [_recipient(one) for one in found]


def _body(message: StoredMessage, view: View) -> Json:
    """Graph answers HTML unless the request prefers text."""
    content = message.content
    if view.text_body:
        return {"contentType": "text", "content": content.text or html_to_text(content.html)}
    return {"contentType": "html", "content": content.html}


def _web_link(message: StoredMessage, view: View) -> str:
    return f"https://outlook.office365.com/owa/?ItemID={quote(message.id(view.immutable))}&exvsurl=1&viewmodel=ReadMessageItem"


type Property = Callable[[StoredMessage, View], Any]

_ALWAYS: dict[str, Property] = {
    "id": lambda m, v: m.id(v.immutable),
    "createdDateTime": lambda m, _: graph_time(m.created),
    "lastModifiedDateTime": lambda m, _: graph_time(m.modified),
    "changeKey": lambda m, _: m.change_key,
    "categories": lambda m, _: list(m.categories),
    "receivedDateTime": lambda m, _: graph_time(m.received_date_time),
    "sentDateTime": lambda m, _: graph_time(m.headers.sent or m.received_date_time),
    "hasAttachments": lambda m, _: m.summary[1],
    "internetMessageId": lambda m, _: m.internet_message_id,
    "subject": lambda m, _: m.subject,
    "bodyPreview": lambda m, _: m.summary[0],
    "importance": lambda m, _: m.importance_set or m.headers.importance,
    "parentFolderId": lambda m, _: m.folder_id,
    "conversationId": lambda m, _: m.conversation_id,
    "isDeliveryReceiptRequested": lambda _, __: None,
    "isReadReceiptRequested": lambda m, _: m.headers.wants_receipt,
    "isRead": lambda m, _: m.is_read,
    "isDraft": lambda m, _: m.is_draft,
    "webLink": _web_link,
    "inferenceClassification": lambda m, _: m.inference,
    "body": _body,
    "sender": lambda m, _: _recipient(m.headers.sender),
    "from": lambda m, _: _recipient(m.headers.author),
    "toRecipients": lambda m, _: _recipients(m.headers.to),
    "ccRecipients": lambda m, _: _recipients(m.headers.cc),
    "bccRecipients": lambda m, _: _recipients(m.headers.bcc),
    "replyTo": lambda m, _: _recipients(m.headers.reply_to),
    "flag": lambda m, _: dict(m.flag),
}
_ON_SELECT: dict[str, Property] = {
    "internetMessageHeaders": lambda m, _: [{"name": name, "value": value} for name, value in m.headers.every],
    "uniqueBody": _body,
}
PROPERTIES = {**_ALWAYS, **_ON_SELECT}

FILTERABLE = {
    "receivedDateTime": "moment",
    "sentDateTime": "moment",
    "createdDateTime": "moment",
    "lastModifiedDateTime": "moment",
    "subject": "string",
    "internetMessageId": "string",
    "conversationId": "string",
    "parentFolderId": "string",
    "importance": "string",
    "isRead": "boolean",
    "isDraft": "boolean",
    "hasAttachments": "boolean",
    "from/emailAddress/address": "string",
    "sender/emailAddress/address": "string",
}
_MOMENTS: dict[str, Callable[[StoredMessage], Any]] = {  # Exchange compares with more digits than Graph shows
    "receivedDateTime": lambda m: m.received_date_time,
    "sentDateTime": lambda m: m.headers.sent or m.received_date_time,
    "createdDateTime": lambda m: m.created,
    "lastModifiedDateTime": lambda m: m.modified,
}


def shown(message: StoredMessage, view: View, names: tuple[str, ...] | None) -> Json:
    """The message as JSON: the named properties and the id, or those that Graph gives without `$select`."""
    body: Json = {"@odata.etag": message.etag, "id": message.id(view.immutable)}
    for name in _ALWAYS if names is None else names:
        body[name] = PROPERTIES[name](message, view)
    return body


def value_of(message: StoredMessage, path: str) -> Any:
    """The value that `$filter` and `$orderby` see."""
    if path in _MOMENTS:
        return _MOMENTS[path](message)
    first, *rest = path.split("/")
    value = PROPERTIES[first](message, View())
    for name in rest:
        value = value[name] if value else None
    return value
