"""Users, as far as mail needs them.

https://learn.microsoft.com/en-us/graph/api/user-list
"""

from typing import Any

from dev.graph import odata
from dev.graph.calls import DIRECTORY_READ, OWN_READ, Call, Operation
from dev.graph.filters import Filter
from dev.graph.wire import GraphError, Json, Response
from dev.graph.world import User

_TYPE_NAME = "microsoft.graph.user"
_DEFAULT = (
    "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
)  # fmt: skip
_PROPERTIES = (*_DEFAULT, "accountEnabled", "mailNickname", "userType", "proxyAddresses", "department", "companyName")
_FILTERABLE = {
    "id": "string",
    "displayName": "string",
    "givenName": "string",
    "surname": "string",
    "mail": "string",
    "userPrincipalName": "string",
    "mailNickname": "string",
    "userType": "string",
    "accountEnabled": "boolean",
}
_ADVANCED = {"ne", "not", "endswith"}  # https://learn.microsoft.com/en-us/graph/aad-advanced-queries
_DEFAULT_PAGE, _LARGEST_PAGE = 100, 999


def _list(call: Call) -> Response:
    """The users of the tenant."""
    request = call.request
    odata.allow(request, "$select", "$filter", "$orderby", "$top", "$count", "$skiptoken")
    names = odata.selected(request, _PROPERTIES, _TYPE_NAME)
    wanted = odata.filtered(request, _FILTERABLE)
    order = odata.ordering(request, _FILTERABLE)
    _check_advanced(call, wanted, bool(order))
    rows = [_full(user) for user in list(call.tenant.users.values())]
    rows = [row for row in rows if wanted is None or wanted.matches(row.get)]
    for name, descending in reversed(order or [("displayName", False)]):
        rows.sort(key=lambda row: str(row[name]).casefold(), reverse=descending)
    top = odata.whole_number(request, "$top", _DEFAULT_PAGE, 1, _LARGEST_PAGE)
    context = f"users({','.join(names)})" if names else "users"
    body = odata.page(request, context, rows, lambda row: _only(row, names), odata.Window(top, _skipped(call), True))
    return call.answer(200, body)


def _get(call: Call) -> Response:
    """One user, by object id or user principal name."""
    odata.allow(call.request, "$select")
    names = odata.selected(call.request, _PROPERTIES, _TYPE_NAME)
    key = call.keys["user"]
    user = call.tenant.find_user(key)
    if user is None:
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
        )
    tail = f"users({','.join(names)})/$entity" if names else "users/$entity"
    return call.answer(200, {"@odata.context": call.context(tail), **_only(_full(user), names)})


def _full(user: User) -> Json:
    given, _, surname = user.display_name.partition(" ")
    shown: dict[str, Any] = dict.fromkeys(_PROPERTIES)
    shown.update(
        id=user.id,
        displayName=user.display_name,
        givenName=given if user.kind == "user" else None,
        surname=(surname or None) if user.kind == "user" else None,
        mail=user.address,
        userPrincipalName=user.address,
        mailNickname=user.address.partition("@")[0],
        accountEnabled=user.kind != "shared",
        userType="Guest" if user.kind == "guest" else "Member",
        businessPhones=[],
        proxyAddresses=[f"SMTP:{user.address}", *(f"smtp:{alias}" for alias in user.aliases)] if user.mailbox else [],
    )
    return shown


def _only(row: Json, names: tuple[str, ...] | None) -> Json:
    return {name: row[name] for name in names or _DEFAULT}


def _skipped(call: Call) -> int:
    token = call.request.options.get("$skiptoken")
    if token is None:
        return 0
    skipped = odata.unpack(token)
    if skipped is None or not skipped.isdigit():
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
    return int(skipped)


def _check_advanced(call: Call, wanted: Filter | None, ordered: bool) -> None:
    """Some queries need the header `ConsistencyLevel: eventual` together with `$count=true`."""
    count = odata.wants_count(call.request)
    needed = count or (wanted is not None and (ordered or bool(wanted.operators & _ADVANCED)))
    eventual = call.request.headers.get("consistencylevel", "").lower() == "eventual"
    if needed and not (eventual and count):
        raise GraphError(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")


OPERATIONS = [
    Operation("GET", "users", _list, DIRECTORY_READ),
    Operation("GET", "users/{user}", _get, DIRECTORY_READ, OWN_READ),
]
