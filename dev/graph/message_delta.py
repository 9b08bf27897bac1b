"""Delta rounds over the messages of one folder.

https://learn.microsoft.com/en-us/graph/api/message-delta and https://learn.microsoft.com/en-us/graph/delta-query-overview

A round is fixed when its first page is asked for: a list of log lines, cut into pages. Each page shows its messages as
they are at that moment; what has left the folder meanwhile shows as removed, and once more in the next round. Items of
a page come in no particular order.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from dev.graph import odata
from dev.graph.calls import MAIL_READ, Call, Operation
from dev.graph.filters import Filter, parse_filter
from dev.graph.mailboxes import Change, Folder, StoredMessage
from dev.graph.message_shapes import PROPERTIES, TYPE_NAME, shown, value_of
from dev.graph.wire import GraphError, Json, Response

_DEFAULT_PAGE = 10
_LARGEST_PAGE = 512
_MOST_WITH_FILTER = 5_000
ROUNDS_KEPT = 1_000
_CHANGE_TYPES = ("created", "updated", "deleted")


@dataclass(frozen=True)
class Query:
    """What the first request of a chain of rounds asked for; every link carries it on."""

    names: tuple[str, ...] | None = None
    received: str = ""
    newest_first: bool = False
    change_type: str = ""

    @cached_property
    def _filter(self) -> Filter | None:
        return _received_filter(self.received) if self.received else None

    def fits(self, message: StoredMessage) -> bool:
        """Whether the filter lets this message through."""
        return self._filter is None or self._filter.matches(lambda path: value_of(message, path))

    def wants(self, line: Change) -> bool:
        """Whether a later round shows this line; what has been removed is told whatever the filter says."""
        kind_fits = not self.change_type or line.kind == self.change_type
        return kind_fits and (line.kind == "deleted" or self.fits(line.message))


@dataclass(frozen=True)
class Round:
    """The lines to be shown and the length that the folder's log had when they were taken."""

    mailbox_id: str
    folder_id: str
    query: Query
    lines: list[Change]
    log_length: int


def _delta(call: Call) -> Response:
    """One page of a round."""
    folder = call.mailbox.folder(call.keys["folder"])
    options = call.request.options
    tokens = [name for name in ("$deltatoken", "$skiptoken") if options.get(name)]
    if tokens:
        odata.allow(call.request, *tokens)
        if call.strikes("expire_delta"):
            raise _gone(call)
    if "$skiptoken" in tokens:
        return _next_page(call, folder, options["$skiptoken"])
    if "$deltatoken" in tokens:
        query, position = _opened(call, folder, options["$deltatoken"])
        lines = _changed_since(folder, query, position)
    else:
        query = _asked(call)
        lines = _everything(folder, query)
    found = Round(call.mailbox.id, folder.id, query, lines, len(folder.log))
    return _page(call, found, "", 0, _page_size(call))


def _asked(call: Call) -> Query:
    """The options of a first request; mail takes only these."""
    request = call.request
    odata.allow(request, "$select", "$filter", "$orderby", "$top", "changeType", "$deltatoken")
    names = odata.selected(request, PROPERTIES, TYPE_NAME)
    received = request.options.get("$filter", "")
    if received:
        _received_filter(received)
    order = request.options.get("$orderby", "")
    if order and order.split() != ["receivedDateTime", "desc"]:
        raise GraphError(
            400, "ErrorInvalidUrlQuery", "With change tracking, $orderby takes only 'receivedDateTime desc'."
        )
    change_type = request.options.get("changeType", "")
    if change_type and change_type not in _CHANGE_TYPES:
        raise GraphError(400, "BadRequest", f"Invalid value '{change_type}' for changeType.")
    return Query(names, received, bool(order), change_type)


def _received_filter(text: str) -> Filter:
    found = parse_filter(text, {"receivedDateTime": "moment"})
    if not found.operators <= {"ge", "gt"} or text.count("receivedDateTime") != 1:
        raise GraphError(
            400, "ErrorInvalidUrlQuery", "With change tracking, $filter takes only receivedDateTime with ge or gt."
        )
    return found


def _everything(folder: Folder, query: Query) -> list[Change]:
    """The first round: what lies in the folder, at most 5,000 messages when there is a filter."""
    if query.change_type in ("updated", "deleted"):
        return []
    found = [message for message in folder.messages.values() if query.fits(message)]
    if query.newest_first or query.received:
        found.sort(key=lambda message: message.received_date_time, reverse=True)
    if query.received:
        found = found[:_MOST_WITH_FILTER]
    return [Change("created", folder.id, message, message.rest_id) for message in found]


def _changed_since(folder: Folder, query: Query, position: int) -> list[Change]:
    """The latest log line of every message that changed."""
    lines = list({line.rest_id: line for line in folder.log[position:] if query.wants(line)}.values())
    if query.newest_first:
        lines.sort(key=lambda line: line.message.received_date_time, reverse=True)
    return lines


def _next_page(call: Call, folder: Folder, token: str) -> Response:
    parts = (odata.unpack(token) or "").split("|")
    if len(parts) != 4 or not (parts[1] + parts[2] + parts[3]).isdigit():
        raise _malformed()
    name, offset, size, epoch = parts[0], int(parts[1]), int(parts[2]), int(parts[3])
    found = call.gateway.rounds.find(name)
    if found is None or epoch != call.mailbox.delta_epoch:
        raise _gone(call)
    if (found.mailbox_id, found.folder_id) != (call.mailbox.id, folder.id):
        raise _malformed()
    return _page(call, found, name, offset, size)


def _opened(call: Call, folder: Folder, token: str) -> tuple[Query, int]:
    """The query and the position in the log that a delta token stands for."""
    try:
        names, received, newest_first, change_type, mailbox_id, folder_id, position, epoch = json.loads(
            odata.unpack(token) or ""
        )
    except (ValueError, TypeError) as error:
        raise _malformed() from error
    if (mailbox_id, folder_id) != (call.mailbox.id, folder.id):
        raise _malformed()
    if epoch != call.mailbox.delta_epoch or position > len(folder.log):
        raise _gone(call)
    return Query(None if names is None else tuple(names), received, newest_first, change_type), position


def _page(call: Call, found: Round, name: str, offset: int, size: int) -> Response:
    """Some lines of a round, and the link to what comes next."""
    if call.strikes("empty_delta_page"):
        return _answer(call, found, [], _skip_link(call, name or call.gateway.rounds.keep(found), offset, size))
    lines = found.lines[offset : offset + size]
    ahead = len(found.lines) - offset - size
    if call.strikes("endless_delta"):
        return _answer(call, found, lines, _skip_link(call, call.gateway.rounds.keep(found), offset, size))
    if ahead > 0 and call.strikes("partial_delta"):
        _put_off(call, found.lines[offset + size :])
        ahead = -1
    elif ahead > 0 or len(lines) == size:
        return _answer(
            call, found, lines, _skip_link(call, name or call.gateway.rounds.keep(found), offset + size, size)
        )
    return _answer(call, found, lines, _delta_link(call, found))


def _put_off(call: Call, lines: list[Change]) -> None:
    """Replication lags behind: these come in the next round only.

    https://learn.microsoft.com/en-us/graph/delta-query-overview#replication-delays
    """
    for line in lines:
        call.mailbox.folders[line.folder_id].log.append(replace(line))


def _items(call: Call, found: Round, lines: list[Change]) -> list[Json]:
    items = [item for line in lines if (item := _item(call, found.query, line)) is not None]
    if call.gateway.rounds.shuffle and not found.query.newest_first:
        Random(len(items)).shuffle(items)  # noqa: S311 - the same disorder every time
    return items


def _item(call: Call, query: Query, line: Change) -> Json | None:
    """The message as it is now, or that it is gone, or nothing if another line of the round speaks for it."""
    message, immutable = line.message, call.view.immutable
    here = message.immutable_id in call.mailbox.folders[line.folder_id].messages
    if here and (message.rest_id == line.rest_id or (immutable and line.kind != "deleted")):
        return {"@odata.type": "#microsoft.graph.message", **shown(message, call.view, query.names)}
    if here and immutable:
        return None
    key = message.immutable_id if immutable else line.rest_id
    return {"@odata.type": "#microsoft.graph.message", "id": key, "@removed": {"reason": "deleted"}}


def _answer(call: Call, found: Round, lines: list[Change], ahead: dict[str, str]) -> Response:
    answer = call.answer(
        200,
        {"@odata.context": call.context("Collection(message)"), **ahead, "value": _items(call, found, lines)},
    )
    if "odata.maxpagesize" in call.wishes:
        met = [answer.headers.get("Preference-Applied", ""), f"odata.maxpagesize={_page_size(call)}"]
        answer.headers["Preference-Applied"] = ", ".join(filter(None, met))
    return answer


def _page_size(call: Call) -> int:
    wish = call.wishes.get("odata.maxpagesize", "")
    if wish.isdigit() and int(wish) > 0:
        return min(int(wish), _LARGEST_PAGE)
    return odata.whole_number(call.request, "$top", _DEFAULT_PAGE, 1, 1_000)


def _skip_link(call: Call, name: str, offset: int, size: int) -> dict[str, str]:
    token = odata.pack(f"{name}|{offset}|{size}|{call.mailbox.delta_epoch}")
    return {"@odata.nextLink": f"{call.request.origin}{call.request.path}?$skiptoken={token}"}


def _delta_link(call: Call, found: Round) -> dict[str, str]:
    query = found.query
    held = [query.names, query.received, query.newest_first, query.change_type]
    place = [found.mailbox_id, found.folder_id, found.log_length, call.mailbox.delta_epoch]
    token = odata.pack(json.dumps([*held, *place]))
    return {"@odata.deltaLink": f"{call.request.origin}{call.request.path}?$deltatoken={token}"}


def _gone(call: Call) -> GraphError:
    again = f"{call.request.origin}{call.request.path}?$deltatoken="
    return GraphError(410, "syncStateNotFound", "The sync state generation is not found.", {"Location": again})


def _malformed() -> GraphError:
    return GraphError(400, "syncStateInvalid", "Badly formed token.")


OPERATIONS = [Operation("GET", "users/{user}/mailFolders/{folder}/messages/delta", _delta, MAIL_READ)]
