"""What can go wrong between us and Microsoft Graph.

::

    GraphError                  an answer that is no success; has status, code and request id
    |- GraphBusy                throttled, unavailable or not answering: the same may work after ``retry_after`` seconds
    |- ItemGone                 404: the item is not there (any more)
    |- MailboxAway              404 too, but it is the whole mailbox that cannot be reached
    |- AccessDenied             403: no permission, or the mailbox is out of scope
    '- ResyncRequired           410 and its kin: the delta token is too old, begin again
    SignInFailed                no token: a secret expired, consent missing, ...
"""

from shared.errors import DeskbridgeError

RESYNC_CODES = frozenset({"syncstatenotfound", "resyncrequired", "syncstateinvalid"})
"""Seen in several casings and with several 40x statuses; compared in lower case.
https://learn.microsoft.com/en-us/graph/delta-query-overview"""


MAILBOX_CODES = frozenset(
    {"errorinvaliduser", "errornonexistentmailbox", "errormailboxmoveinprogress", "mailboxnotenabledforrestapi"}
    | {"mailboxnothostedonline", "request_resourcenotfound"}
)
"""A 404 of one of these says nothing about the item: the mailbox moves, lost its licence, or is not in this tenant.
https://learn.microsoft.com/en-us/graph/resolve-auth-errors, https://learn.microsoft.com/en-us/graph/errors"""


class GraphError(DeskbridgeError):
    """Graph refused or failed a request."""

    def __init__(self, status: int, code: str, message: str, request_id: str = "", cure: str = "") -> None:
        usual = "If it goes on, look the code up in Microsoft's documentation, or give the request id to its support."
        about = f" (request {request_id})" if request_id else ""
        super().__init__(f"Microsoft Graph answered {status} {code}: {message}{about}", cure or usual)
        self.status = status
        self.code = code
        self.request_id = request_id


class GraphBusy(GraphError):
    """Try again, not earlier than after ``retry_after`` seconds."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float, request_id: str = "") -> None:
        super().__init__(status, code, message, request_id, "Nothing to do: it is tried again by itself.")
        self.retry_after = retry_after


class ItemGone(GraphError):
    """The item does not exist: moved, deleted, or never there."""


class MailboxAway(GraphError):
    """The mailbox cannot be reached by Graph; what is in it may well be there."""


class AccessDenied(GraphError):
    """The app may not do this."""


class ResyncRequired(GraphError):
    """The delta token is not known any more; the next round starts from the beginning."""


class SignInFailed(DeskbridgeError):
    """Entra gave no token. ``code``: its AADSTS number, or the OAuth error."""

    def __init__(self, code: str, message: str, cure: str) -> None:
        super().__init__(f"The sign-in failed ({code}): {message}", cure)
        self.code = code


def token_refused(refusal: GraphError) -> SignInFailed:
    """Graph's 401 for a fresh token: the sign-in was revoked.

    https://learn.microsoft.com/en-us/entra/identity/conditional-access/concept-continuous-access-evaluation
    """
    cure = "Look in Entra whether the app was blocked or its sign-in revoked, then test the connection."
    return SignInFailed(refusal.code, refusal.cause, cure)


_SIGN_IN_CURES = {
    7000215: "Enter the secret's Value (not its Secret ID) of a valid client secret.",
    7000222: "The client secret has expired: make a new one in Entra and enter its Value.",
    700016: "Check the client id and the tenant id, and that an admin of the tenant consented to the app.",
    90002: "Check the tenant id, and that the right cloud is chosen.",
}
"""https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"""


def sign_in_failure(answer: dict[str, object]) -> SignInFailed:
    """The error that msal's answer without a token stands for."""
    codes = answer.get("error_codes")
    number = codes[0] if isinstance(codes, list) and codes else None
    code = f"AADSTS{number}" if number else str(answer.get("error") or "no answer")
    message = str(answer.get("error_description") or "").split(" Trace ID")[0].split("\r\n")[0]
    fallback = f"See https://login.microsoftonline.com/error?code={number or code}"
    return SignInFailed(code, message, _SIGN_IN_CURES.get(number, fallback) if isinstance(number, int) else fallback)


def answer_failure(status: int, body: object, headers: dict[str, str], retry_after: float) -> GraphError:
    """The error that a failed answer of Graph stands for. ``retry_after``: seconds, used where it means *busy*."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    code, message = str(error.get("code") or "unknown"), str(error.get("message") or "no message")
    request_id = headers.get("request-id", "")
    if status == 410 or (400 <= status < 500 and code.lower() in RESYNC_CODES):
        return ResyncRequired(status, code, message, request_id)
    if status in (429, 503, 504, 502, 500, 408, 423, 509):
        return GraphBusy(status, code, message, retry_after=retry_after, request_id=request_id)
    if status == 404 and code.lower() in MAILBOX_CODES:
        cure = "Check that the address is right, and that its mailbox is licensed and in Exchange Online."
        return MailboxAway(status, code, message, request_id, cure)
    if status == 404:
        return ItemGone(status, code, message, request_id)
    if status == 403:
        cure = "Check that the app has the permission, with admin consent, and that the mailbox is in its scope."
        return AccessDenied(status, code, message, request_id, cure)
    return GraphError(status, code, message, request_id)
