"""The list of a mailbox's calendars: the one that every mailbox has, and the birthdays that Outlook adds.

https://learn.microsoft.com/en-us/graph/api/user-list-calendars
"""

from dev.graph import identifiers, odata
from dev.graph.calls import Call, Operation
from dev.graph.wire import Json, Response

CALENDARS_READ = ("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite")
_TYPE_NAME = "Microsoft.OutlookServices.Calendar"
_CALENDARS = (("Calendar", True), ("Birthdays", False))
_FIRST_SERIAL = 1_000_000
"""Calendars are folders too; their ids are none of those of mail."""
_DEFAULT_PAGE, _LARGEST_PAGE = 10, 1000


def _list(call: Call) -> Response:
    """The calendars of a mailbox; ten a page by default."""
    request = call.request
    odata.allow(request, "$select", "$top", "$skip", "$count")
    rows = [_shown(call, index) for index in range(len(_CALENDARS))]
    names = odata.selected(request, rows[0], _TYPE_NAME)
    top = odata.whole_number(request, "$top", _DEFAULT_PAGE, 1, _LARGEST_PAGE)
    skip = odata.whole_number(request, "$skip", 0, 0, 10**9)
    context = call.user_context("calendars")
    body = odata.page(request, context, rows, lambda row: _only(row, names), odata.Window(top, skip))
    return call.answer(200, body)


def _shown(call: Call, index: int) -> Json:
    """https://learn.microsoft.com/en-us/graph/api/resources/calendar."""
    (name, is_own), mailbox = _CALENDARS[index], call.mailbox
    owner = call.tenant.users[mailbox.id]
    teams = "teamsForBusiness" if is_own else "unknown"
    return {
        "id": identifiers.folder_id(mailbox.id, _FIRST_SERIAL + index),
        "name": name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": is_own,
        "changeKey": identifiers.change_key(mailbox.id, _FIRST_SERIAL + index, 0),
        "canShare": is_own,
        "canViewPrivateItems": True,
        "canEdit": is_own,
        "allowedOnlineMeetingProviders": [teams] if is_own else [],
        "defaultOnlineMeetingProvider": teams,
        "isTallyingResponses": is_own,
        "isRemovable": not is_own,
        "owner": {"name": owner.display_name, "address": owner.address},
    }


def _only(row: Json, names: tuple[str, ...] | None) -> Json:
    return row if names is None else {name: row[name] for name in ("id", *names)}


OPERATIONS = [Operation("GET", "users/{user}/calendars", _list, CALENDARS_READ)]
