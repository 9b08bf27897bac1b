"""Users, their managers, and what an app may change of them.

https://learn.microsoft.com/en-us/graph/api/resources/user
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from dev.graph import odata
from dev.graph.calls import OWN_READ, USERS_READ, Call, Operation
from dev.graph.directory import lists
from dev.graph.directory.entries import Entry
from dev.graph.directory.lists import BASIC_READ, View
from dev.graph.directory.properties import SIGN_IN, USER
from dev.graph.wire import GraphError, Json, Response

USERS_WRITE = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_ANYBODY = (BASIC_READ, *USERS_READ)
_MOST_WITH_SIGN_IN = 500  # https://learn.microsoft.com/en-us/graph/api/user-list
_MANAGER = re.compile(r"manager(?:\(\$select=(?P<names>[\w,]+)\))?")
_READ_ONLY = frozenset(
    {
        "id", "createdDateTime", "deletedDateTime", "creationType", "externalUserState", "proxyAddresses",
        "assignedLicenses", "licenseAssignmentStates", "onPremisesSamAccountName", "onPremisesSyncEnabled",
        "isResourceAccount", "securityIdentifier", SIGN_IN,
    }
)  # fmt: skip
_OF_THE_CLOUD = frozenset({"usageLocation", "otherMails", "userType"})


def get_user(call: Call) -> Entry:
    """The user that the path names, refused as Graph refuses."""
    found = call.tenant.directory.find_user(call.keys["user"])
    if found is None:
        raise lists.missing(call.keys["user"])
    return found


def _list(call: Call) -> Response:
    """The users of the tenant."""
    odata.allow(call.request, "$select", "$filter", "$orderby", "$top", "$count", "$skiptoken", "$expand")
    _check_main_store(call)
    what = replace(lists.view(call, [USER]), also=_expansion(call))
    if SIGN_IN in (what.names or ()):
        _check_sign_in(call)
        odata.whole_number(call.request, "$top", lists.DEFAULT_PAGE, 1, _MOST_WITH_SIGN_IN)
    return lists.answer(call, call.tenant.directory.users.values(), what, "users", (USER,))


def _get(call: Call) -> Response:
    """One user, by object id or user principal name."""
    odata.allow(call.request, "$select", "$expand")
    what, entry = replace(lists.view(call, [USER]), also=_expansion(call)), get_user(call)
    if SIGN_IN in (what.names or ()):
        _check_sign_in(call)
    tail = f"users({','.join(what.names)})/$entity" if what.names else "users/$entity"
    return call.answer(200, {"@odata.context": call.context(tail), **what.show(entry)})


def _count(call: Call) -> Response:
    """How many there are, as plain text."""
    odata.allow(call.request, "$filter")
    if not lists.is_eventual(call):
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    found = lists.chosen(call, call.tenant.directory.users.values(), lists.view(call, [USER]), (USER,))
    return Response(200, content=str(len(found)).encode(), content_type="text/plain")


def _get_manager(call: Call) -> Response:
    """The manager; 404 if there is none."""
    odata.allow(call.request, "$select")
    what = lists.view(call, [USER], typed=True)
    manager = call.tenant.directory.manager_of(get_user(call))
    if manager is None:
        raise lists.missing("manager")
    return call.answer(200, {"@odata.context": call.context("directoryObjects/$entity"), **what.show(manager)})


def _change(call: Call) -> Response:
    """Some properties anew, https://learn.microsoft.com/en-us/graph/api/user-update."""
    entry, values = get_user(call), call.request.json
    for name, value in values.items():
        _check_change(entry, name, value)
    call.tenant.directory.change(entry.id, **values)
    return call.answer(204)


def _delete(call: Call) -> Response:
    """Into the bin, https://learn.microsoft.com/en-us/graph/api/user-delete."""
    call.tenant.directory.delete(get_user(call).id)
    return call.answer(204)


def _check_change(entry: Entry, name: str, value: object) -> None:
    if name not in USER.properties:
        raise lists.refused(f"Property '{name}' does not exist as a declared property or extension property.")
    if name in _READ_ONLY:
        raise lists.refused(f"Property '{name}' is read-only and cannot be set.")
    if entry.values.get("onPremisesSyncEnabled") and name not in _OF_THE_CLOUD:
        raise lists.refused(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
            "currently undergoing migration."
        )
    bad_place = name == "usageLocation" and value is not None and not re.fullmatch("[A-Z]{2}", str(value))
    if bad_place or (value in (None, "") and name in ("displayName", "userPrincipalName", "mailNickname")):
        raise lists.refused(f"Invalid value specified for property '{name}' of resource 'User'.")


def _check_main_store(call: Call) -> None:
    for name in call.request.options.get("$select", "").split(","):
        if name.strip() in USER.foreign:
            raise GraphError(501, "NotImplemented", f"Not implemented: {name.strip()} of a collection of users.")


def _check_sign_in(call: Call) -> None:
    """Sign-ins are told only to who may read the log of them.

    https://learn.microsoft.com/en-us/graph/api/resources/signinactivity
    """
    if not call.claims.permissions & {"AuditLog.Read.All"}:
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _expansion(call: Call) -> Callable[[Entry], Json] | None:
    """What `$expand` adds to each user: the manager, if there is one."""
    text = call.request.options.get("$expand")
    if text is None:
        return None
    found = _MANAGER.fullmatch(text)
    if found is None:
        raise GraphError(400, "BadRequest", f"Parsing OData Select and Expand failed: '{text}'.")
    names = tuple(found["names"].split(",")) if found["names"] else None
    if not set(names or ()) <= set(USER.properties):
        raise GraphError(400, "RequestBroker--ParseUri", f"Could not find a property of '{text}' on type 'user'.")
    return partial(_manager, call, View(names, lists.seen(call), typed=True))


def _manager(call: Call, what: View, entry: Entry) -> Json:
    manager = call.tenant.directory.manager_of(entry)
    return {} if manager is None else {"manager": what.show(manager)}


OPERATIONS = [
    Operation("GET", "users", _list, _ANYBODY, units=2),
    Operation("GET", "users/$count", _count, _ANYBODY, units=1),
    Operation("GET", "users/{user}", _get, _ANYBODY, OWN_READ, 1),
    Operation("PATCH", "users/{user}", _change, USERS_WRITE, units=1),
    Operation("DELETE", "users/{user}", _delete, USERS_WRITE, units=1),
    Operation("GET", "users/{user}/manager", _get_manager, USERS_READ, units=1),
]
