"""What a mailbox is for. https://learn.microsoft.com/en-us/graph/api/user-get-mailboxsettings"""

from dev.graph import odata
from dev.graph.calls import Call, Operation
from dev.graph.wire import Json, Response

SETTINGS_READ = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")
_TYPE_NAME = "microsoft.graph.mailboxSettings"


def _get(call: Call) -> Response:
    """The settings that the emulator knows: those of every mailbox on its first day, and its purpose."""
    odata.allow(call.request, "$select")
    shown = _shown(call)
    names = odata.selected(call.request, shown, _TYPE_NAME)
    context = call.context(call.user_context("mailboxSettings"))
    return call.answer(200, {"@odata.context": context, **({name: shown[name] for name in names or shown})})


def _shown(call: Call) -> Json:
    """https://learn.microsoft.com/en-us/graph/api/resources/mailboxsettings."""
    return {
        "timeZone": "UTC",
        "dateFormat": "",
        "timeFormat": "",
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "userPurpose": call.tenant.users[call.mailbox.id].kind,
    }


OPERATIONS = [Operation("GET", "users/{user}/mailboxSettings", _get, SETTINGS_READ)]
