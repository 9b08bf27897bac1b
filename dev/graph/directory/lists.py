"""Lists of the directory: options, pages, and what of each object the caller may see.

https://learn.microsoft.com/en-us/graph/api/user-list
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from dev.graph import odata
from dev.graph.calls import GROUPS_READ, MEMBERS_READ, OWN_READ, USERS_READ, Call
from dev.graph.directory.entries import Entry
from dev.graph.directory.properties import BASIC, USER, Kind
from dev.graph.filters import Filter
from dev.graph.wire import GraphError, Json, Response, graph_time

BASIC_READ = "User.ReadBasic.All"
DEFAULT_PAGE, LARGEST_PAGE = 100, 999
_ADVANCED = {"ne", "not", "endswith"}
_ONLY_ID = frozenset({"id"})
type Names = tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What of each object is shown: the names asked for (None: the default), and what the caller may see of each kind.

    `typed`: with the type of each, in lists of several; `also`: what `$expand` adds.
    """

    names: Names | None
    seen: dict[str, frozenset[str] | None]
    typed: bool = False
    also: Callable[[Entry], Json] | None = None

    def show(self, entry: Entry) -> Json:
        """One object; what it does not have, and what the caller may not see, is null."""
        kind, values = entry.kind, entry.values
        names: Iterable[str] = kind.default if self.names is None else self.names
        visible = self.seen[kind.name]
        if visible is not None:
            values = {name: value for name, value in values.items() if name in visible}
        blanks = kind.blanks
        row = {name: values[name] if name in values else blanks[name] for name in names if name in blanks}
        if entry.deleted is not None:
            row |= _as_deleted(entry, entry.deleted, row)
        if self.also is not None:
            row |= self.also(entry)
        if self.typed or entry.type_name != kind.name:
            return {"@odata.type": entry.odata_type, **row}
        return row


def view(call: Call, kinds: Iterable[Kind], *, typed: bool = False) -> View:
    """What the request asks for by `$select`, as far as the caller may see it."""
    known = [name for kind in kinds for name in kind.properties]
    names = odata.selected(call.request, known, f"microsoft.graph.{next(iter(kinds)).name}")
    return View(names, seen(call), typed)


def seen(call: Call) -> dict[str, frozenset[str] | None]:
    """What the permissions of the caller let it see of each kind, None for all; in any case the id.

    https://devblogs.microsoft.com/microsoft365dev/upcoming-api-changes-to-return-limited-information-for-inaccessible-member-resources/
    """
    return {"user": _seen_of_users(call), "group": _seen_of_groups(call)}


def _seen_of_users(call: Call) -> frozenset[str] | None:
    if call.claims.permissions & set(USERS_READ) or _is_own(call):
        return None
    return BASIC if BASIC_READ in call.claims.permissions else _ONLY_ID


def _is_own(call: Call) -> bool:
    """Whether people ask for their own profile and may."""
    user = call.tenant.directory.find_user(call.keys.get("user", ""))
    return user is not None and user.id == call.claims.user_id and bool(call.claims.permissions & set(OWN_READ))


def _seen_of_groups(call: Call) -> frozenset[str] | None:
    return None if call.claims.permissions & {*GROUPS_READ, *MEMBERS_READ} else _ONLY_ID


def answer(call: Call, entries: Iterable[Entry], what: View, context: str, kinds: tuple[Kind, ...]) -> Response:
    """One page of a list as it is asked for."""
    rows = chosen(call, entries, what, kinds)
    order = odata.ordering(call.request, kinds[0].filterable)
    for name, descending in reversed(order):
        rows.sort(key=lambda row: str(row.values.get(name) or "").casefold(), reverse=descending)
    tail = f"{context}({','.join(what.names)})" if what.names else context
    body: Json = {"@odata.context": call.context(tail)}
    if odata.wants_count(call.request):
        body["@odata.count"] = len(rows)
    return call.answer(200, body | _page(call, rows, what, ordered=bool(order)))


def chosen(call: Call, entries: Iterable[Entry], what: View, kinds: tuple[Kind, ...]) -> list[Entry]:
    """The objects that the filter lets through, in the order of their making."""
    schema = {name: type_ for kind in kinds for name, type_ in kind.filterable.items()}
    wanted = odata.filtered(call.request, schema)
    check_advanced(call, wanted, ordered="$orderby" in call.request.options)
    if wanted is not None:
        _check_sight(wanted, what, kinds)
        entries = [entry for entry in entries if wanted.matches(partial(_value, entry))]
    return sorted(entries, key=attrgetter("serial"))


def check_advanced(call: Call, wanted: Filter | None, *, ordered: bool, special: bool = False) -> None:
    """Some queries need the header `ConsistencyLevel: eventual` together with `$count=true`; `special`: whatever asks.

    https://learn.microsoft.com/en-us/graph/aad-advanced-queries
    """
    count = odata.wants_count(call.request)
    needed = count or special or (wanted is not None and (ordered or bool(wanted.operators & _ADVANCED)))
    if needed and not (is_eventual(call) and count):
        raise GraphError(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")


def is_eventual(call: Call) -> bool:
    """Whether the caller is content with an index that lags behind."""
    return call.request.headers.get("consistencylevel", "").lower() == "eventual"


def missing(key: str) -> GraphError:
    """The directory's 404."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def refused(message: str) -> GraphError:
    """The directory's 400."""
    return GraphError(400, "Request_BadRequest", message)


def _check_sight(wanted: Filter, what: View, kinds: tuple[Kind, ...]) -> None:
    """A filter by what the caller may not read: https://devblogs.microsoft.com/microsoft365dev/ of January 2024."""
    for kind in kinds:
        visible = what.seen[kind.name]
        if visible is not None and not visible.issuperset(wanted.properties):
            raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _page(call: Call, rows: list[Entry], what: View, *, ordered: bool) -> Json:
    """Some rows and the link to the next, which goes on after an object; after a number if an order was asked for."""
    start = _start(call, rows, ordered=ordered)
    top = odata.whole_number(call.request, "$top", DEFAULT_PAGE, 1, LARGEST_PAGE)
    end = start + top
    if call.strikes("no_rows"):
        return {"value": []}
    shown = [] if call.strikes("lost_page") else [what.show(row) for row in rows[start:end]]
    if call.strikes("endless_list"):
        end = start
    if end >= len(rows):
        return {"value": shown}
    token = f"#{end}" if ordered or end == 0 else str(rows[end - 1].serial)
    return {"@odata.nextLink": odata.link(call.request, {"$skiptoken": odata.pack(token)}), "value": shown}


def _start(call: Call, rows: list[Entry], *, ordered: bool) -> int:
    token = call.request.options.get("$skiptoken")
    if token is None:
        return 0
    held = odata.unpack(token) or ""
    if not held.removeprefix("#").isdigit() or (ordered and not held.startswith("#")):
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
    number = int(held.removeprefix("#"))
    return number if held.startswith("#") else bisect_right(rows, number, key=attrgetter("serial"))


def _value(entry: Entry, name: str) -> Any:
    """A property as the filter compares it."""
    value: Any = entry.values.get(name)
    return datetime.fromisoformat(value) if value and entry.kind.properties.get(name) == "moment" else value


def _as_deleted(entry: Entry, moment: datetime, row: Json) -> Json:
    """The bin keeps a user under a name that is free: the id without dashes in front of it.

    https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-get
    """
    changed: Json = {"deletedDateTime": graph_time(moment)} if "deletedDateTime" in row else {}
    if entry.kind is USER and "userPrincipalName" in row:
        changed["userPrincipalName"] = f"{entry.id.replace('-', '')}{entry.name}"
    return changed
