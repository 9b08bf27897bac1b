"""The bin of the directory: what lies there for 30 days, and the way back out of it.

https://learn.microsoft.com/en-us/graph/api/resources/directory
"""

from dev.graph import odata
from dev.graph.calls import GROUPS_READ, USERS_READ, Call, Operation
from dev.graph.directory import lists
from dev.graph.directory.entries import Entry
from dev.graph.directory.properties import GROUP, USER, Kind
from dev.graph.directory.users import USERS_WRITE
from dev.graph.wire import Response

_READ = tuple(dict.fromkeys((*USERS_READ, *GROUPS_READ)))
_WRITE = tuple(dict.fromkeys((*USERS_WRITE, "User.DeleteRestore.All", "Group.ReadWrite.All")))
_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$count", "$skiptoken")


def _found(call: Call) -> Entry:
    call.tenant.directory.purge_what_is_due()
    found = call.tenant.directory.bin.get(call.keys["item"].lower())
    if found is None:
        raise lists.missing(call.keys["item"])
    return found


def _users(call: Call) -> Response:
    return _list(call, USER)


def _groups(call: Call) -> Response:
    return _list(call, GROUP)


def _list(call: Call, kind: Kind) -> Response:
    """What lies in the bin of one kind."""
    odata.allow(call.request, *_OPTIONS)
    call.tenant.directory.purge_what_is_due()
    found = [entry for entry in call.tenant.directory.bin.values() if entry.kind is kind]
    return lists.answer(call, found, lists.view(call, [kind]), kind.collection, (kind,))


def _get(call: Call) -> Response:
    """One of them."""
    odata.allow(call.request, "$select")
    return _one(call, _found(call))


def _restore(call: Call) -> Response:
    """Back where it was; refused while somebody else has its name."""
    entry = _found(call)
    try:
        call.tenant.directory.restore(entry.id)
    except ValueError as taken:
        raise lists.refused(
            "Another object with the same value for property userPrincipalName already exists."
        ) from taken
    return _one(call, entry)


def _delete(call: Call) -> Response:
    """For good."""
    call.tenant.directory.purge(_found(call).id)
    return call.answer(204)


def _one(call: Call, entry: Entry) -> Response:
    what = lists.view(call, [entry.kind], typed=True)
    return call.answer(200, {"@odata.context": call.context("directoryObjects/$entity"), **what.show(entry)})


OPERATIONS = [
    Operation("GET", "directory/deletedItems/microsoft.graph.user", _users, _READ, units=1),
    Operation("GET", "directory/deletedItems/microsoft.graph.group", _groups, _READ, units=1),
    Operation("GET", "directory/deletedItems/{item}", _get, _READ, units=1),
    Operation("DELETE", "directory/deletedItems/{item}", _delete, _WRITE, units=1),
    Operation("POST", "directory/deletedItems/{item}/restore", _restore, _WRITE, units=1),
]
