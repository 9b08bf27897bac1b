"""Mail that goes out: a draft is made, and sent.

https://learn.microsoft.com/en-us/graph/api/user-post-messages
https://learn.microsoft.com/en-us/graph/api/message-send
"""

from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any

from dev.graph import odata
from dev.graph.calls import MAIL_SEND, MAIL_WRITE, Call, Operation
from dev.graph.mailboxes import StoredMessage
from dev.graph.message_shapes import PROPERTIES, TYPE_NAME, shown
from dev.graph.wire import GraphError, Json, Response

_RECIPIENTS = {"toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc"}
_WRITABLE = {"subject", "body", "importance", "internetMessageId", "internetMessageHeaders", "from", *_RECIPIENTS}
_MOST_HEADERS = 5
"""https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2105"""


def _create(call: Call) -> Response:
    """A draft, in Drafts or in the folder that the path names."""
    odata.allow(call.request)
    body = call.request.json
    for name in (each for each in body if not each.startswith("@")):
        _check_name(name)
    raw = _mime(call, body)
    folder = call.mailbox.folder(call.keys.get("folder", "drafts"))
    draft = call.mailbox.deliver(raw, folder)
    draft.is_draft = draft.is_read = True
    context = call.context(call.user_context("messages/$entity"))
    return call.answer(201, {"@odata.context": context, **shown(draft, call.view, None)})


def _send(call: Call) -> Response:
    """Off it goes: the draft becomes the copy in Sent Items, with the same immutable id.

    https://learn.microsoft.com/en-us/graph/outlook-immutable-id
    """
    odata.allow(call.request)
    message = call.mailbox.message(call.keys["message"], immutable=call.view.immutable)
    if not message.is_draft:  # the words are ours: no page says what Graph answers
        raise GraphError(400, "ErrorInvalidRequest", "The message is no draft and cannot be sent.")
    addressed = [*message.headers.to, *message.headers.cc, *message.headers.bcc]
    if not addressed:
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    message.is_draft = False
    sent = call.mailbox.move(message, call.mailbox.folder("sentitems"))
    call.afterwards.extend(lambda to=address: _deliver(call, to, sent) for _, address in addressed)  # type: ignore[misc]  # the default binds the address
    return call.answer(202)


def _deliver(call: Call, address: str, sent: StoredMessage) -> None:
    """Into the mailbox of this address, if the tenant has one; others are far away."""
    user = call.tenant.find_user(address)
    if user and user.mailbox:
        user.mailbox.deliver(sent.raw, user.mailbox.folder("inbox"))


def _check_name(name: str) -> None:
    if name in _WRITABLE:
        return
    if name in PROPERTIES:
        raise GraphError(400, "ErrorInvalidPropertySet", f"The emulator cannot set '{name}' on a draft.")
    raise GraphError(400, "RequestBodyRead", f"The property '{name}' does not exist on type '{TYPE_NAME}'.")


def _mime(call: Call, body: Json) -> bytes:
    made = EmailMessage()
    made["From"] = _author(call, body)
    for name, header in _RECIPIENTS.items():
        if body.get(name):
            made[header] = ", ".join(formataddr(each) for each in _addresses(body[name]))
    made["Subject"] = " ".join(_text(body, "subject").splitlines())
    made["Date"] = format_datetime(call.gateway.clock.now())
    if body.get("internetMessageId"):
        made["Message-ID"] = _text(body, "internetMessageId")
    for name, value in _headers(body):
        made[name] = value
    content = body.get("body") or {"contentType": "text", "content": ""}
    kind = str(content.get("contentType", "")).lower()
    if kind not in ("text", "html") or not isinstance(content.get("content"), str):
        raise _unreadable("body")
    made.set_content(content["content"], subtype="plain" if kind == "text" else "html")
    return made.as_bytes()


def _author(call: Call, body: Json) -> str:
    """Whose mailbox it is; nobody else, unless Exchange lets them."""
    given = _addresses([body["from"]])[0][1] if body.get("from") else call.mailbox.address
    if given.lower() != call.mailbox.address.lower():
        raise GraphError(
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not "
            "have the right to send mail on behalf of the specified sending account.",
        )
    user = call.tenant.find_user(call.mailbox.address)
    return formataddr((user.display_name if user else "", call.mailbox.address))


def _addresses(given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, list):
        raise _unreadable("toRecipients")
    found = [each.get("emailAddress") if isinstance(each, dict) else None for each in given]
    if not all(isinstance(each, dict) and isinstance(each.get("address"), str) for each in found):
        raise _unreadable("emailAddress")
    return [(str(each.get("name") or ""), each["address"]) for each in found if each]


def _headers(body: Json) -> list[tuple[str, str]]:
    """Own headers: five at most, and each name begins with ``x-``.

    https://learn.microsoft.com/en-us/graph/api/resources/internetmessageheader
    """
    if "internetMessageHeaders" not in body:
        return []
    given = [(str(each["name"]), str(each["value"])) for each in body["internetMessageHeaders"]]
    if not 0 < len(given) <= _MOST_HEADERS:
        raise GraphError(400, "InvalidInternetMessageHeaderCollection", "Maximum number of headers is 5.")
    for name, _ in given:
        if not name.lower().startswith("x-"):
            raise GraphError(
                400,
                "InvalidInternetMessageHeader",
                f"The internet message header name '{name}' should start with 'x-'.",
            )
    return given


def _text(body: Json, name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise _unreadable(name)
    return value


def _unreadable(name: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", f"Cannot convert the value of '{name}' to the expected type.")


OPERATIONS = [
    Operation("POST", "users/{user}/messages", _create, MAIL_WRITE),
    Operation("POST", "users/{user}/mailFolders/{folder}/messages", _create, MAIL_WRITE),
    Operation("POST", "users/{user}/messages/{message}/send", _send, MAIL_SEND),
]
