"""What can go wrong between us and Microsoft Graph.

::

    GraphError                  an answer that is no success; has status, code and request id
    |- GraphBusy                throttled, unavailable or not answering: the same may work after ``retry_after`` seconds
    |- ItemGone                 404: the item is not there (any more)
    |- MailboxAway              404 too, but it is the whole mailbox that cannot be reached
    |- AccessDenied             403: no permission, or the mailbox is out of scope
    '- ResyncRequired           410 and its kin: the delta token is too old, begin again
    SignInFailed                no token, or none that Graph accepts: a secret expired, consent missing, ...
"""

from collections.abc import Mapping

from shared.errors import DeskbridgeError
from shared.graph.answer_errors import find_explanation
from shared.graph.limits import DEFAULT_RETRY_AFTER, SIGN_IN_CHANGED_PAUSE
from shared.graph.sign_in_errors import explain_sign_in

RESYNC_CODES = frozenset({"syncstatenotfound", "resyncrequired", "syncstateinvalid"})
"""Seen in several casings and with several 40x statuses; compared in lower case.
https://learn.microsoft.com/en-us/graph/delta-query-overview"""


MAILBOX_CODES = frozenset(
    {"errorinvaliduser", "errornonexistentmailbox", "errormailboxmoveinprogress", "mailboxnotenabledforrestapi"}
    | {"mailboxnotsupportedforrestapi", "mailboxnothostedonline", "request_resourcenotfound"}
)
"""A 404 of one of these says nothing about the item: the mailbox moves, lost its licence, or is not in this tenant.
https://learn.microsoft.com/en-us/graph/resolve-auth-errors, https://learn.microsoft.com/en-us/graph/errors"""


BUSY_STATUSES = frozenset({408, 423, 429, 500, 502, 503, 504, 509})
"""The same request may work later. https://learn.microsoft.com/en-us/graph/errors"""


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

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: float, request_id: str = "", cure: str = ""
    ) -> None:
        super().__init__(status, code, message, request_id, cure or "Nothing to do: it is tried again by itself.")
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
    """Entra gave no token, or Graph took none. ``code``: the AADSTS number, the OAuth error, or Graph's code.

    ``needs_person``: whether the sign-in is lost until somebody has done what the cure says; without it only one
    attempt to sign in has failed. ``of_account``: whether it is one account that was refused, and not the app itself.
    """

    def __init__(
        self, code: str, message: str, cure: str, *, needs_person: bool = True, of_account: bool = False
    ) -> None:
        super().__init__(f"The sign-in failed ({code}): {message}", cure)
        self.code = code
        self.needs_person = needs_person
        self.of_account = of_account


NOBODY = "nobody"
"""The code of a sign-in that failed because there has been none so far."""


def nobody_signed_in() -> SignInFailed:
    """An account has to sign in first."""
    cure = "Begin its sign-in, and sign in with that account."
    return SignInFailed(NOBODY, "No account has signed in yet.", cure, of_account=True)


def token_refused(refusal: GraphError) -> SignInFailed:
    """Graph's 401 for a fresh token: the sign-in was revoked.

    https://learn.microsoft.com/en-us/entra/identity/conditional-access/concept-continuous-access-evaluation
    """
    return SignInFailed(refusal.code, refusal.cause, refusal.cure, of_account=True)


def is_unknown_path(refusal: GraphError) -> bool:
    """Whether Graph has no such operation: this cloud lacks it, for its path is right elsewhere."""
    return refusal.status == 400 and "Resource not found for the segment" in refusal.cause


def sign_in_changed() -> GraphBusy:
    """A sign-in was refused that has been replaced by another one meanwhile: the same may work with that."""
    changed = GraphBusy(503, "signInChanged", "", retry_after=SIGN_IN_CHANGED_PAUSE)
    changed.cause = "The sign-in of this connection was changed while it was in use."
    return changed


OF_THE_APP = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "invalid_scope"}
    | {"invalid_resource", "invalid_tenant"}
)
"""What OAuth calls a refusal of the app or of its proof. All others are about one account; so is what is not known,
lest one account stop all others. https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow"""

LONGEST_MESSAGE = 400
"""Characters of Microsoft's own words that are repeated in a cause."""


def sign_in_failure(answer: Mapping[str, object]) -> SignInFailed | GraphBusy:
    """The error that msal's answer without a token stands for: busy, where the trouble is Microsoft's and passes."""
    codes, error = answer.get("error_codes"), str(answer.get("error") or "no answer")
    code = f"AADSTS{codes[0]}" if isinstance(codes, list) and codes else error
    known = explain_sign_in(code, error)
    words = str(answer.get("error_description") or "").split("Trace ID")[0].split("\r\n")[0]
    message = _told(known.cause, words.removeprefix(f"{code}:"))
    if known.transient:
        return GraphBusy(503, code, message, retry_after=DEFAULT_RETRY_AFTER, cure=known.cure)
    return SignInFailed(code, message, known.cure, needs_person=known.sign_in_lost, of_account=error not in OF_THE_APP)


def answer_failure(status: int, body: object, headers: Mapping[str, str], retry_after: float) -> GraphError:
    """The error that a failed answer of Graph stands for. ``retry_after``: seconds, used where it means *busy*."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    code, words = str(error.get("code") or "unknown"), str(error.get("message") or "no message")
    known, request_id = find_explanation(status, code), headers.get("request-id", "")
    message, cure = (_told(known.cause, words), known.cure) if known else (words[:LONGEST_MESSAGE], "")
    if status in BUSY_STATUSES:
        return GraphBusy(status, code, message, retry_after=retry_after, request_id=request_id, cure=cure)
    return _kind(status, code.lower())(status, code, message, request_id, cure)


def _kind(status: int, code: str) -> type[GraphError]:
    if status == 410 or (400 <= status < 500 and code in RESYNC_CODES):
        return ResyncRequired
    if status == 404:
        return MailboxAway if code in MAILBOX_CODES else ItemGone
    return AccessDenied if status == 403 else GraphError


def _told(cause: str, words: str) -> str:
    """Our words first; Microsoft's name the very thing."""
    words = words.strip()[:LONGEST_MESSAGE]
    return f"{cause} Microsoft says: {words}" if words else cause
