"""Why Microsoft Graph refuses or fails a request: what each code means, and what an admin does about it.

https://learn.microsoft.com/en-us/graph/errors
"""

from __future__ import annotations

from shared.explanations import Explanation, by_code

ERRORS_PAGE = "https://learn.microsoft.com/en-us/graph/errors"
_ACCESS_PAGE = "https://learn.microsoft.com/en-us/graph/resolve-auth-errors"
_SCOPE_PAGE = "https://learn.microsoft.com/en-us/exchange/permissions-exo/application-rbac"
_WEBHOOK_PAGE = "https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks"

_TOKEN = Explanation(
    ("InvalidAuthenticationToken", "Authorization_IdentityNotFound"),
    "Graph does not accept the sign-in",
    "Graph refused a token that Entra had just given out: the sign-in was revoked, or the app was removed.",
    "Authorize the connection again: sign in anew, or check under Enterprise applications in Entra that the app is "
    "still there and enabled.",
    _ACCESS_PAGE,
    sign_in_lost=True,
)
_ACCESS = Explanation(
    ("ErrorAccessDenied", "AccessDenied"),
    "The app may not do this in this mailbox",
    "The app has no permission for it, or the mailbox lies outside the scope that was set for the app in Exchange.",
    "Check that the app has the permission, with admin consent, and that the mailbox is in its scope. Exchange takes "
    "up to two hours to notice a change of scope.",
    _SCOPE_PAGE,
)
_THROTTLED = Explanation(
    ("ApplicationThrottled", "TooManyRequests", "activityLimitReached"),
    "Graph asks for a pause",
    "More was asked than Graph allows this app in so short a time.",
    "Nothing to do: it is tried again by itself, when Graph allows it. If it never ends, see which other program uses "
    "the same app registration.",
    "https://learn.microsoft.com/en-us/graph/throttling",
    transient=True,
)
_AWAY = Explanation(
    ("serviceNotAvailable", "UnknownError", "generalException", "ErrorServerBusy", "noAnswer"),
    "Graph is out of order for the moment",
    "The trouble is Microsoft's, or on the way to it, and passes.",
    "Nothing to do: it is tried again by itself. If it lasts, look at https://status.cloud.microsoft.",
    ERRORS_PAGE,
    transient=True,
)

ANSWER_ERRORS = (
    _TOKEN,
    Explanation(
        ("Authorization_RequestDenied",),
        "A permission is missing",
        "The app asked for something that it has no permission for.",
        "Add the permission to the app registration in Entra (Test connection lists those that are missing), choose "
        "Grant admin consent, and wait a few minutes.",
        _ACCESS_PAGE,
    ),
    Explanation(
        ("Authentication_RequestFromNonPremiumTenantOrB2CTenant",),
        "The tenant has no licence for it",
        "Graph tells this only in a tenant with Microsoft Entra ID P1 or P2, whatever the app was granted.",
        "Do without it (last sign-ins are read only where that is switched on), or get the licence for the tenant.",
        "https://learn.microsoft.com/en-us/graph/api/resources/signinactivity",
    ),
    _ACCESS,
    Explanation(
        ("ErrorItemNotFound", "itemNotFound"),
        "It is not in the mailbox, or not to be seen yet",
        "The folder or the mail is not there. Of a folder that was shared a short time ago Graph says the same "
        "(“The specified object was not found in the store”) until the new right has reached every server.",
        "Check that the folder exists. If access to it was granted just now, wait up to an hour and test again.",
        ERRORS_PAGE,
    ),
    Explanation(
        ("ErrorInvalidUser", "ErrorNonExistentMailbox", "Request_ResourceNotFound", "ResourceNotFound"),
        "There is no such user",
        "The tenant has nobody, and no shared mailbox, of this address or id.",
        "Check that the address is right, that it is the primary one, and that its mailbox is licensed and in "
        "Exchange Online, in the tenant of this connection.",
        ERRORS_PAGE,
    ),
    Explanation(
        ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "MailboxNotHostedOnline"),
        "The user has no mailbox in Exchange Online",
        "The account is a guest, has no licence, or its mailbox is inactive or still on a server of your own.",
        "Give the user a licence with Exchange Online, or move the mailbox there; a new one takes up to a day.",
        "https://learn.microsoft.com/en-us/exchange/troubleshoot/user-and-shared-mailboxes/"
        "rest-api-is-not-yet-supported-for-this-mailbox-error",
    ),
    Explanation(
        ("ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable"),
        "The mailbox is being moved",
        "Exchange moves the mailbox, or its store does not answer; meanwhile nobody can reach it by Graph.",
        "Nothing to do: it is tried again by itself. If it lasts for a day, ask your Exchange administrator.",
        ERRORS_PAGE,
        transient=True,
    ),
    _THROTTLED,
    _AWAY,
    Explanation(
        ("syncStateNotFound", "resyncRequired", "syncStateInvalid"),
        "Graph has forgotten how far we were",
        "The mark that tells what is new is too old for Graph.",
        "Nothing to do: the folder is compared from the beginning, and nothing is taken in twice.",
        "https://learn.microsoft.com/en-us/graph/delta-query-overview",
        transient=True,
    ),
    Explanation(
        ("ValidationError", "ExtensionError"),
        "Graph refuses the subscription",
        "Graph could not reach the app at its public address, does not know the folder, or has as many subscriptions "
        "on the mailbox as it allows.",
        "Check that PUBLIC_URL is https, with a certificate that everybody trusts, and can be reached from the "
        "internet; then the mailbox's address and folder. Mail comes in by the scan meanwhile.",
        _WEBHOOK_PAGE,
    ),
    Explanation(
        ("BadRequest", "ErrorInvalidRequest", "Request_BadRequest", "Request_UnsupportedQuery"),
        "Graph does not understand the request",
        "The app asked for something in a way that Graph does not accept, or the cloud of the tenant lacks it.",
        "Report this as a fault of Deskbridge, with the code and the request id.",
        ERRORS_PAGE,
    ),
    Explanation(
        ("mailMovedByRule",),
        "A mail came, and no ticket (Graph reports no error)",
        "A rule of the mailbox, a sweep or a person moves mail out of the folder before it is read.",
        "Look through the rules of the mailbox in Outlook, and switch off those that move or delete new mail; or let "
        "the mailbox watch the folder to which the rule moves it.",
        "https://learn.microsoft.com/en-us/graph/api/resources/messagerule",
    ),
)
_BY_CODE = by_code(ANSWER_ERRORS)
_BY_STATUS = {401: _TOKEN, 403: _ACCESS, 429: _THROTTLED}


def find_explanation(status: int, code: str) -> Explanation | None:
    """What a failed answer means: by its code, or by a status that says enough; None where we know no more than it."""
    return _BY_CODE.get(code.lower()) or _BY_STATUS.get(status) or (_AWAY if status >= 500 else None)
