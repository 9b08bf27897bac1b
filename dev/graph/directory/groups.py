"""Groups, who is in them, and in which ones somebody is.

https://learn.microsoft.com/en-us/graph/api/resources/group
"""

from typing import Any

from dev.graph import odata
from dev.graph.calls import GROUPS_READ, MEMBERS_READ, USERS_READ, Call, Operation
from dev.graph.directory import lists
from dev.graph.directory.entries import Entry
from dev.graph.directory.lists import BASIC_READ
from dev.graph.directory.properties import GROUP, KINDS, USER
from dev.graph.directory.users import get_user
from dev.graph.wire import Json, Response

_READ = (*GROUPS_READ, "GroupMember.Read.All")
_ANY_KIND = tuple(dict.fromkeys((BASIC_READ, *USERS_READ, *MEMBERS_READ)))
_MOST_GROUPS_TO_CHECK = 20  # https://learn.microsoft.com/en-us/graph/api/directoryobject-checkmembergroups
_MOST_IDS = 1_000  # https://learn.microsoft.com/en-us/graph/api/directoryobject-getbyids
_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$count", "$skiptoken")


def _get_group(call: Call) -> Entry:
    found = call.tenant.directory.groups.get(call.keys["group"].lower())
    if found is None:
        raise lists.missing(call.keys["group"])
    return found


def _list(call: Call) -> Response:
    """The groups of the tenant."""
    odata.allow(call.request, *_OPTIONS)
    return lists.answer(call, call.tenant.directory.groups.values(), lists.view(call, [GROUP]), "groups", (GROUP,))


def _get(call: Call) -> Response:
    """One group by its id."""
    odata.allow(call.request, "$select")
    what = lists.view(call, [GROUP])
    tail = f"groups({','.join(what.names)})/$entity" if what.names else "groups/$entity"
    return call.answer(200, {"@odata.context": call.context(tail), **what.show(_get_group(call))})


def _delete(call: Call) -> Response:
    """One of Microsoft 365 into the bin, any other at once, https://learn.microsoft.com/en-us/graph/api/group-delete."""
    call.tenant.directory.delete(_get_group(call).id)
    return call.answer(204)


def _members(call: Call) -> Response:
    """The direct members: users and groups."""
    return _objects(call, call.tenant.directory.members(_get_group(call).id))


def _users_among_members(call: Call) -> Response:
    return _users(call, call.tenant.directory.members(_get_group(call).id))


def _all_members(call: Call) -> Response:
    """Members of members too, https://learn.microsoft.com/en-us/graph/api/group-list-transitivemembers."""
    return _objects(call, call.tenant.directory.all_members(_get_group(call).id))


def _users_among_all_members(call: Call) -> Response:
    return _users(call, call.tenant.directory.all_members(_get_group(call).id))


def _groups_of(call: Call) -> Response:
    """The groups that a user is a direct member of."""
    return _objects(call, call.tenant.directory.groups_of(get_user(call).id))


def _all_groups_of(call: Call) -> Response:
    return _objects(call, call.tenant.directory.groups_of(get_user(call).id, deep=True))


def _objects(call: Call, found: list[Entry]) -> Response:
    odata.allow(call.request, *_OPTIONS)
    lists.check_advanced(call, None, ordered=False, special=bool({"$filter", "$orderby"} & set(call.request.options)))
    return lists.answer(call, found, lists.view(call, [USER, GROUP], typed=True), "directoryObjects", (USER, GROUP))


def _users(call: Call, found: list[Entry]) -> Response:
    """Only those of one type, which is an advanced query."""
    odata.allow(call.request, *_OPTIONS)
    lists.check_advanced(call, None, ordered=False, special=True)
    users = [entry for entry in found if entry.kind is USER]
    return lists.answer(call, users, lists.view(call, [USER]), "users", (USER,))


def _check_groups(call: Call) -> Response:
    """Which of up to 20 groups a user is in, through other groups too."""
    asked = _texts(call.request.json, "groupIds")
    if len(asked) > _MOST_GROUPS_TO_CHECK:
        raise lists.refused(f"The number of groupIds is more than {_MOST_GROUPS_TO_CHECK}.")
    within = {group.id for group in call.tenant.directory.groups_of(get_user(call).id, deep=True)}
    body: Json = {"@odata.context": call.context("Collection(Edm.String)")}
    return call.answer(200, {**body, "value": [key for key in asked if key.lower() in within]})


def _by_ids(call: Call) -> Response:
    """Up to 1,000 objects by their ids; what there is not is left out."""
    odata.allow(call.request, "$select")
    asked, types = _texts(call.request.json, "ids"), call.request.json.get("types")
    if len(asked) > _MOST_IDS:
        raise lists.refused(f"The number of ids is more than {_MOST_IDS}.")
    kinds = set(KINDS) if types is None else set(_texts(call.request.json, "types"))
    what, directory = lists.view(call, [USER, GROUP], typed=True), call.tenant.directory
    found = [entry for key in dict.fromkeys(asked) if (entry := directory.find(key)) and entry.kind.name in kinds]
    body: Json = {"@odata.context": call.context("directoryObjects")}
    return call.answer(200, {**body, "value": [what.show(entry) for entry in found]})


def _texts(body: Json, name: str) -> list[str]:
    found: Any = body.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise lists.refused(f"Invalid value specified for parameter '{name}'.")
    return found


OPERATIONS = [
    Operation("GET", "groups", _list, _READ, units=1),
    Operation("GET", "groups/{group}", _get, _READ, units=1),
    Operation("DELETE", "groups/{group}", _delete, ("Group.ReadWrite.All", "Directory.ReadWrite.All"), units=1),
    Operation("GET", "groups/{group}/members", _members, MEMBERS_READ, units=3),
    Operation("GET", "groups/{group}/members/microsoft.graph.user", _users_among_members, MEMBERS_READ, units=3),
    Operation("GET", "groups/{group}/transitiveMembers", _all_members, MEMBERS_READ, units=5),
    Operation(
        "GET", "groups/{group}/transitiveMembers/microsoft.graph.user", _users_among_all_members, MEMBERS_READ, units=5
    ),
    Operation("GET", "users/{user}/memberOf", _groups_of, USERS_READ, units=2),
    Operation("GET", "users/{user}/transitiveMemberOf", _all_groups_of, USERS_READ, units=2),
    Operation("POST", "users/{user}/checkMemberGroups", _check_groups, MEMBERS_READ, units=4),
    Operation("POST", "directoryObjects/getByIds", _by_ids, _ANY_KIND, units=5),
]
