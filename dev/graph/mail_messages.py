"""Messages: list, get, MIME, change, move, copy, delete.

https://learn.microsoft.com/en-us/graph/api/resources/message
"""

from collections.abc import Callable
from typing import Any

from dev.graph import odata
from dev.graph.calls import MAIL_READ, MAIL_WRITE, Call, Operation
from dev.graph.mailboxes import Folder, StoredMessage
from dev.graph.message_shapes import FILTERABLE, PROPERTIES, TYPE_NAME, shown, value_of
from dev.graph.wire import GraphError, Json, Response

_LIST_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$skip", "$count")
_DEFAULT_PAGE, _LARGEST_PAGE = 10, 1000
_FLAGS = ("notFlagged", "complete", "flagged")


def _list(call: Call) -> Response:
    """A page of messages, newest first unless ordered otherwise."""
    request = call.request
    odata.allow(request, *_LIST_OPTIONS)
    names = odata.selected(request, PROPERTIES, TYPE_NAME)
    top = odata.whole_number(request, "$top", _preferred_page(call), 1, _LARGEST_PAGE)
    skip = odata.whole_number(request, "$skip", 0, 0, 10**9)
    rows = _matching(call, _scope(call))
    context = call.user_context(
        "mailFolders('" + call.keys["folder"] + "')/messages" if "folder" in call.keys else "messages"
    )
    context += f"({','.join(names)})" if names else ""
    body = odata.page(request, context, rows, lambda m: shown(m, call.view, names), odata.Window(top, skip))
    return call.answer(200, body)


def _count(call: Call) -> Response:
    """How many messages, as a plain number."""
    odata.allow(call.request, "$filter")
    answer = call.answer(200)
    answer.content, answer.content_type = str(len(_matching(call, _scope(call)))).encode(), "text/plain"
    return answer


def _get(call: Call) -> Response:
    """One message."""
    odata.allow(call.request, "$select")
    names = odata.selected(call.request, PROPERTIES, TYPE_NAME)
    return call.answer(200, _entity(call, _message(call), names))


def _mime(call: Call) -> Response:
    """The MIME bytes as they were delivered."""
    odata.allow(call.request)
    answer = call.answer(200)
    answer.content, answer.content_type = _message(call).raw, "text/plain"
    return answer


def _update(call: Call) -> Response:
    """The few properties that can be changed once a message has been received."""
    odata.allow(call.request)
    message = _message(call)
    changes = call.request.json
    _check_version(call, message)
    setters = [_setter(name, value) for name, value in changes.items() if not name.startswith("@")]
    before = _mutable_state(message)
    for setter in setters:
        setter(message)
    if _mutable_state(message) != before:
        call.mailbox.changed(message)
    return call.answer(200, _entity(call, message, None))


def _delete(call: Call) -> Response:
    """Into Deleted Items; an immutable id that is gone is answered with 403, not 404.

    https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3047
    """
    try:
        message = _message(call)
    except GraphError as error:
        if call.view.immutable and error.status == 404:
            raise GraphError(403, "ErrorCannotDeleteObject", "Object cannot be deleted.") from error
        raise
    _check_version(call, message)
    call.mailbox.delete(message)
    return call.answer(204)


def _permanently_delete(call: Call) -> Response:
    """Out of the mailbox, https://learn.microsoft.com/en-us/graph/api/message-permanentdelete."""
    call.mailbox.delete_for_good(_message(call))
    return call.answer(204)


def _move(call: Call) -> Response:
    """Into another folder; the answer has the new id."""
    message = _message(call)
    return call.answer(201, _entity(call, call.mailbox.move(message, _destination(call)), None))


def _copy(call: Call) -> Response:
    """A copy in another folder."""
    message = _message(call)
    return call.answer(201, _entity(call, call.mailbox.copy(message, _destination(call)), None))


def _scope(call: Call) -> list[StoredMessage]:
    if "folder" in call.keys:
        return list(call.mailbox.folder(call.keys["folder"]).messages.values())
    return call.mailbox.messages()


def _message(call: Call) -> StoredMessage:
    """The message that the path names; below a folder it must lie in that folder."""
    message = call.mailbox.message(call.keys["message"], immutable=call.view.immutable)
    if "folder" in call.keys and call.mailbox.folder(call.keys["folder"]).id != message.folder_id:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return message


def _matching(call: Call, messages: list[StoredMessage]) -> list[StoredMessage]:
    """Filter and sort. Graph refuses an order whose properties do not lead the filter, in the same sequence.

    https://learn.microsoft.com/en-us/graph/api/user-list-messages#using-filter-and-orderby-in-the-same-query
    """
    wanted = odata.filtered(call.request, FILTERABLE)
    order = odata.ordering(call.request, FILTERABLE)
    names = [name for name, _ in order]
    if wanted and names and wanted.properties[: len(names)] != names:
        raise GraphError(400, "InefficientFilter", "The restriction or sort order is too complex for this operation.")
    if wanted:
        messages = [m for m in messages if wanted.matches(lambda path, m=m: value_of(m, path))]  # type: ignore[misc]  # the default binds m
    for name, descending in reversed(order or [("receivedDateTime", True)]):
        messages.sort(key=_sort_key(name), reverse=descending)
    return messages


def _sort_key(name: str) -> Callable[[StoredMessage], Any]:
    def key(message: StoredMessage) -> Any:
        value = value_of(message, name)
        return (value is not None, value.casefold() if isinstance(value, str) else value or 0)

    return key


def _preferred_page(call: Call) -> int:
    wish = call.wishes.get("odata.maxpagesize", "")
    return min(int(wish), _LARGEST_PAGE) if wish.isdigit() and int(wish) > 0 else _DEFAULT_PAGE


def _entity(call: Call, message: StoredMessage, names: tuple[str, ...] | None) -> Json:
    tail = f"({','.join(names)})" if names else ""
    return {
        "@odata.context": call.context(call.user_context(f"messages{tail}/$entity")),
        **shown(message, call.view, names),
    }


def _destination(call: Call) -> Folder:
    odata.allow(call.request)
    key = call.request.json.get("destinationId", call.request.json.get("DestinationId"))
    if not isinstance(key, str) or not key:
        raise GraphError(400, "ErrorInvalidRequest", "Parameter 'destinationId' is required.")
    return call.mailbox.folder(key)


def _check_version(call: Call, message: StoredMessage) -> None:
    wanted = call.request.headers.get("if-match", "*")
    if wanted not in ("*", message.etag):
        raise GraphError(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request "
            "does not match the current change key for the item.",
        )


def _mutable_state(message: StoredMessage) -> tuple[object, ...]:
    return (message.is_read, message.categories, message.flag, message.importance_set, message.inference)


def _setter(name: str, value: Any) -> Callable[[StoredMessage], None]:
    """Checks one change now, makes it later, so that a refused request changes nothing."""
    kinds: dict[str, tuple[str, bool]] = {
        "isRead": ("is_read", isinstance(value, bool)),
        "categories": ("categories", isinstance(value, list) and all(isinstance(one, str) for one in value)),
        "flag": ("flag", isinstance(value, dict) and value.get("flagStatus") in _FLAGS),
        "importance": ("importance_set", value in ("low", "normal", "high")),
        "inferenceClassification": ("inference", value in ("focused", "other")),
    }
    if name in kinds:
        attribute, valid = kinds[name]
        if not valid:
            raise GraphError(400, "RequestBodyRead", f"Cannot convert the value of '{name}' to the expected type.")
        return lambda message: setattr(message, attribute, value)
    if name in PROPERTIES:
        raise GraphError(400, "ErrorInvalidPropertySet", f"Set action is invalid for property '{name}'.")
    raise GraphError(
        400,
        "RequestBodyRead",
        f"The property '{name}' does not exist on type '{TYPE_NAME}'. "
        "Make sure to only use property names that are defined by the type.",
    )


def _below(prefix: str) -> list[Operation]:
    one = f"{prefix}/messages/{{message}}"
    return [
        Operation("GET", f"{prefix}/messages", _list, MAIL_READ),
        Operation("GET", f"{prefix}/messages/$count", _count, MAIL_READ),
        Operation("GET", one, _get, MAIL_READ),
        Operation("PATCH", one, _update, MAIL_WRITE),
        Operation("DELETE", one, _delete, MAIL_WRITE),
        Operation("GET", f"{one}/$value", _mime, MAIL_READ),
        Operation("POST", f"{one}/move", _move, MAIL_WRITE),
        Operation("POST", f"{one}/copy", _copy, MAIL_WRITE),
        Operation("POST", f"{one}/permanentDelete", _permanently_delete, MAIL_WRITE),
    ]


OPERATIONS = _below("users/{user}") + _below("users/{user}/mailFolders/{folder}")
