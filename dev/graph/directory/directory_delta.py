"""Delta rounds over users and groups.

https://learn.microsoft.com/en-us/graph/delta-query-overview, https://learn.microsoft.com/en-us/graph/delta-query-users
and https://learn.microsoft.com/en-us/graph/delta-query-groups

A round is fixed when its first page is asked for; each object shows as it is when its page is served. A large group
comes in pieces on several pages, with other groups in between.
"""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from urllib.parse import quote

from dev.graph import odata
from dev.graph.calls import MEMBERS_READ, USERS_READ, Call, Operation
from dev.graph.directory import lists
from dev.graph.directory.delta_lines import Line, Query, Round, changed_since, everything, page_end, put_off
from dev.graph.directory.delta_shapes import Shape
from dev.graph.directory.lists import BASIC_READ
from dev.graph.directory.properties import GROUP, SIGN_IN, USER, Kind
from dev.graph.wire import GraphError, Json, Response

ROUNDS_KEPT = 100
TOKENS_LIVE = timedelta(days=7)  # https://learn.microsoft.com/en-us/graph/delta-query-overview#token-duration
_DEFAULT_PAGE, _LARGEST_PAGE = 100, 999
_MOST_IDS = 50  # https://learn.microsoft.com/en-us/graph/api/user-delta
_LATEST = "latest"
_ONE_ID = re.compile(r"\(?id eq '([0-9a-fA-F-]{36})'\)?")


def _delta(kind: Kind, call: Call) -> Response:
    """One page of a round."""
    options, directory = call.request.options, call.tenant.directory
    directory.purge_what_is_due()
    tokens = [n for n in ("$deltatoken", "$skiptoken") if options.get(n) and options[n] != _LATEST]
    if tokens:
        odata.allow(call.request, *tokens)
    if "$skiptoken" in tokens:
        return _next_page(call, kind, options["$skiptoken"])
    if "$deltatoken" in tokens:
        query, position = _opened(call, kind, options["$deltatoken"])
        lines = changed_since(directory, query, position)
    else:
        query = _asked(call, kind)
        lines = [] if options.get("$deltatoken") == _LATEST else everything(directory, query)
    found = Round(call.tenant.id, query, lines, len(directory.log), call.gateway.clock.now())
    return _page(call, found, "", 0)


def _asked(call: Call, kind: Kind) -> Query:
    """The options of a first request; the directory takes only these, and everything it has may be selected."""
    odata.allow(call.request, "$select", "$filter", "$deltatoken")
    text = call.request.options.get("$select", "")
    if SIGN_IN in {name.strip() for name in text.split(",")}:
        # https://github.com/microsoftgraph/microsoft-graph-explorer-v4/issues/3189
        raise lists.refused(f"$expand/$select is not supported for the following properties: {SIGN_IN}")
    known = {*kind.properties, *kind.foreign, kind.relation}
    names = odata.selected(call.request, known, f"microsoft.graph.{kind.name}")
    return Query(kind, names, _asked_ids(call.request.options.get("$filter")))


def _asked_ids(text: str | None) -> frozenset[str] | None:
    """Up to 50 ids; nothing else may be filtered by."""
    if text is None:
        return None
    found = [_ONE_ID.fullmatch(part.strip()) for part in text.split(" or ")]
    if len(found) > _MOST_IDS:
        raise lists.refused(f"Too many ids in $filter: at most {_MOST_IDS} objects can be tracked.")
    ids = frozenset(one[1].lower() for one in found if one is not None)
    if None in found:
        raise lists.refused("Change tracking: $filter takes only id eq ... or id eq ...")
    return ids


def _next_page(call: Call, kind: Kind, token: str) -> Response:
    parts = (odata.unpack(token) or "").split("|")
    if len(parts) != 4 or not (parts[1] + parts[2]).isdigit() or parts[3] != kind.name:
        raise _malformed()
    found = call.gateway.directory_rounds.find(parts[0])
    if found is not None and found.tenant_id != call.tenant.id:
        raise _malformed()
    if found is None or _is_over(call, int(parts[2]), found.started):
        raise _gone(call, found.query if found else None)
    return _page(call, found, parts[0], int(parts[1]))


def _opened(call: Call, kind: Kind, token: str) -> tuple[Query, int]:
    """The query and the position in the log that a delta token stands for."""
    try:
        name, names, ids, tenant_id, position, epoch, issued = json.loads(odata.unpack(token) or "")
    except (ValueError, TypeError) as error:
        raise _malformed() from error
    if (name, tenant_id) != (kind.name, call.tenant.id):
        raise _malformed()
    query = Query(kind, None if names is None else tuple(names), None if ids is None else frozenset(ids))
    if _is_over(call, epoch, datetime.fromtimestamp(issued, UTC)) or position > len(call.tenant.directory.log):
        raise _gone(call, query)
    return query, position


def _is_over(call: Call, epoch: int, since: datetime) -> bool:
    """Whether a token has been taken back or has lived too long."""
    old = call.gateway.clock.now() - since >= TOKENS_LIVE
    return old or epoch != call.tenant.directory.delta_epoch or call.strikes("expire_delta")


def _page(call: Call, found: Round, name: str, start: int) -> Response:
    """Some lines of a round, and the link to what comes next."""
    size = _page_size(call)
    if call.strikes("no_rows"):
        return _answer(call, found, [], _delta_link(call, found))
    if call.strikes("empty_delta_page"):
        return _answer(call, found, [], _skip_link(call, found, name, start))
    end = page_end(found.lines, start, size)
    lines = found.lines[start:end]
    if start and call.strikes("replay_delta"):
        lines = [found.lines[start - 1], *lines]
    if call.strikes("endless_delta"):
        return _answer(call, found, lines, _skip_link(call, found, "", start))
    ahead = end < len(found.lines)
    if ahead and call.strikes("partial_delta"):
        put_off(call.tenant.directory, found.query, found.lines[end:])
        found, ahead = replace(found, lines=lines), False
    elif end - start == size:
        ahead = True  # a full last page has an empty one behind it
    if call.strikes("lost_page"):
        lines = []
    link = _skip_link(call, found, name, end) if ahead else _delta_link(call, found)
    if not ahead and call.strikes("lost_link"):
        link = {}
    return _answer(call, found, lines, link)


def _answer(call: Call, found: Round, lines: list[Line], ahead: Json) -> Response:
    query = found.query
    minimal = call.wishes.get("return") == "minimal"
    shape = Shape(call.tenant.directory, query, lists.seen(call)[query.kind.name], minimal)
    items = [shape.item(line) for line in lines]
    if call.gateway.directory_rounds.shuffle:
        Random(len(items)).shuffle(items)  # noqa: S311 - the same disorder every time
    tail = f"{query.kind.collection}({','.join(query.names)})" if query.names else query.kind.collection
    answer = call.answer(200, {"@odata.context": call.context(tail), **ahead, "value": items})
    met = ["return=minimal"] * minimal
    if "odata.maxpagesize" in call.wishes:
        met.append(f"odata.maxpagesize={_page_size(call)}")
    if met:
        answer.headers["Preference-Applied"] = ", ".join(met)
    return answer


def _page_size(call: Call) -> int:
    wish = call.wishes.get("odata.maxpagesize", "")
    return min(int(wish), _LARGEST_PAGE) if wish.isdigit() and int(wish) > 0 else _DEFAULT_PAGE


def _skip_link(call: Call, found: Round, name: str, start: int) -> Json:
    name = name or call.gateway.directory_rounds.keep(found)
    token = odata.pack(f"{name}|{start}|{call.tenant.directory.delta_epoch}|{found.query.kind.name}")
    return {"@odata.nextLink": f"{_url(call)}?$skiptoken={token}"}


def _delta_link(call: Call, found: Round) -> Json:
    query, epoch = found.query, call.tenant.directory.delta_epoch
    ids = None if query.ids is None else sorted(query.ids)
    held = [query.kind.name, query.names, ids, found.tenant_id, found.log_length, epoch, found.started.timestamp()]
    return {"@odata.deltaLink": f"{_url(call)}?$deltatoken={odata.pack(json.dumps(held))}"}


def _url(call: Call) -> str:
    return f"{call.request.origin}{call.request.path}"


def _gone(call: Call, query: Query | None) -> GraphError:
    """410, and where to begin anew: the first request with an empty token."""
    options = {"$deltatoken": ""}
    if query is not None and query.names:
        options["$select"] = ",".join(query.names)
    if query is not None and query.ids:
        options["$filter"] = " or ".join(f"id eq '{key}'" for key in sorted(query.ids))
    again = f"{_url(call)}?{'&'.join(f'{name}={quote(value)}' for name, value in options.items())}"
    return GraphError(410, "syncStateNotFound", "The sync state generation is not found.", {"Location": again})


def _malformed() -> GraphError:
    return lists.refused("Badly formed token.")


# The page of user: delta names User.Read.All as the least permission of an app. Whether Graph refuses the basic one was
# not found; it is let in here because silent gaps are the harder answer to survive.
OPERATIONS = [
    Operation("GET", "users/delta", partial(_delta, USER), (BASIC_READ, *USERS_READ), units=1),
    Operation("GET", "groups/delta", partial(_delta, GROUP), MEMBERS_READ, units=1),
]
