"""The operations on subscriptions, with the validation of the URLs.

https://learn.microsoft.com/en-us/graph/api/subscription-post-subscriptions
"""

import uuid
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from urllib.parse import quote, urlsplit

from dev.graph import odata
from dev.graph.calls import MAIL_READ, Call, Operation
from dev.graph.notifications import VALIDATION_SECONDS
from dev.graph.subscriptions import Resource, Subscription, parse_resource, shown
from dev.graph.wire import GraphError, Json, NotEmulated, Response, denied

# The documentation says 10,080; the live service is reported to refuse more than 10,070
# (https://learn.microsoft.com/en-us/graph/change-notifications-overview#subscription-lifetime).
LONGEST_MINUTES = 10_070
SHORTEST_MINUTES = 45
_PAGE = 100
_CHANGE_TYPES = ("created", "updated", "deleted")
_SETTABLE = (
    "changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState",
    "latestSupportedTlsVersion", "includeResourceData", "encryptionCertificate", "encryptionCertificateId",
)  # fmt: skip
_PROPERTIES = (*_SETTABLE, "id", "applicationId", "creatorId", "notificationQueryOptions", "notificationUrlAppId")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _create(call: Call) -> Response:
    """Check everything, call both URLs, then keep it."""
    odata.allow(call.request)
    new = _checked(call, call.request.json)
    for url in filter(None, (new.notification_url, new.lifecycle_url)):
        _validate(call, url)
    call.gateway.subscriptions.add(new)
    return _answer(call, 201, new)


def _list(call: Call) -> Response:
    """The app's own subscriptions in this tenant."""
    odata.allow(call.request, "$skiptoken")
    own = [s for s in call.gateway.subscriptions.live() if (s.tenant_id, s.client_id) == _owner(call)]
    text = odata.unpack(call.request.options.get("$skiptoken", "")) or "0"
    if not text.isdigit():
        raise GraphError(400, "BadRequest", "The skip token is invalid.")
    body = odata.page(call.request, "subscriptions", own, _shown, odata.Window(_PAGE, int(text), True))
    return call.answer(200, body)


def _get(call: Call) -> Response:
    """One of the app's own subscriptions."""
    odata.allow(call.request, "$select")
    names = odata.selected(call.request, _PROPERTIES, "microsoft.graph.subscription")
    answer = _answer(call, 200, _own(call))
    if names is not None and answer.payload is not None:
        answer.payload = {k: v for k, v in answer.payload.items() if k in (*names, "id", "@odata.context")}
    return answer


def _renew(call: Call) -> Response:
    """A new expiry or a new URL; nothing else can be changed."""
    odata.allow(call.request)
    found, body = _own(call), call.request.json
    for name in body:
        if name not in ("expirationDateTime", "notificationUrl") and not name.startswith("@"):
            raise _invalid(f"Property '{name}' cannot be changed.")
    if "notificationUrl" in body:
        url = _url(body, "notificationUrl")
        _validate(call, url)
        found.notification_url = url
    if "expirationDateTime" in body:
        found.expires = _expiry(call, body)
    return _answer(call, 200, found)


def _delete(call: Call) -> Response:
    """Notify no more."""
    call.gateway.subscriptions.remove(_own(call).id)
    return call.answer(204)


def _reauthorize(call: Call) -> Response:
    """https://learn.microsoft.com/en-us/graph/api/subscription-reauthorize."""
    _own(call)
    return call.answer(204)


def _checked(call: Call, body: Json) -> Subscription:
    for name in body:
        if name not in _SETTABLE and not name.startswith("@"):
            raise _invalid(f"Property '{name}' is not a property of a subscription that can be set.")
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise _invalid(f"Property '{name}' is required.")
    if body.get("includeResourceData"):
        raise NotEmulated("subscriptions with resource data")
    resource = parse_resource(body["resource"])
    mailbox = call.gateway.mailbox_for(call, resource.user, MAIL_READ)
    if call.claims.user_id not in ("", mailbox.id):
        raise denied()  # a person's token cannot watch what is shared with them
    lifecycle = _url(body, "lifecycleNotificationUrl") if body.get("lifecycleNotificationUrl") else None
    return Subscription(
        id=str(uuid.uuid4()),
        tenant_id=call.claims.tenant_id,
        client_id=call.claims.client_id,
        change_types=_change_types(body["changeType"]),
        notification_url=_url(body, "notificationUrl"),
        lifecycle_url=lifecycle,
        resource=body["resource"],
        mailbox=mailbox,
        folder_id=_folder_id(call, resource),
        client_state=_client_state(body),
        expires=_expiry(call, body),
        immutable=call.view.immutable,
        tls=_tls(body),
    )


def _folder_id(call: Call, resource: Resource) -> str:
    if resource.folder is None:
        return ""
    return call.gateway.mailbox_for(call, resource.user, MAIL_READ).folder(resource.folder).id


def _change_types(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(","))
    if not all(part in _CHANGE_TYPES for part in found) or len(set(found)) != len(found):
        raise _invalid(f"Value '{text}' of changeType is invalid.")
    return found


def _url(body: Json, name: str) -> str:
    """Graph wants https; the emulator also lets a loopback host have http, for a local function host."""
    url = body.get(name)
    parts = urlsplit(url if isinstance(url, str) else "")
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise _invalid(f"The '{name}' must be an HTTPS URL.")
    return str(url)


def _client_state(body: Json) -> str | None:
    state = body.get("clientState")
    if state is not None and (not isinstance(state, str) or len(state) > 128):
        raise _invalid("The clientState must be a text of at most 128 characters.")
    return state


def _tls(body: Json) -> str:
    version = body.get("latestSupportedTlsVersion", "v1_2")
    if version not in ("v1_0", "v1_1", "v1_2", "v1_3"):
        raise _invalid("The latestSupportedTlsVersion is invalid.")
    return str(version)


def _expiry(call: Call, body: Json) -> datetime:
    """The moment asked for; too soon is put off to 45 minutes from now, too late is refused."""
    try:
        wanted = datetime.fromisoformat(str(body["expirationDateTime"]))
    except ValueError as error:
        raise _invalid("The expirationDateTime is no date and time.") from error
    now = call.gateway.clock.now()
    wanted = (wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)).astimezone(UTC)
    if wanted > now + timedelta(minutes=LONGEST_MINUTES):
        raise GraphError(
            400, "ExtensionError", f"Subscription expiration can only be {LONGEST_MINUTES} minutes in the future."
        )
    if wanted <= now:
        raise _invalid("The expirationDateTime must be in the future.")
    return max(wanted, now + timedelta(minutes=SHORTEST_MINUTES))


def _validate(call: Call, url: str) -> None:
    """The handshake: the URL must give back the decoded token as plain text within ten seconds."""
    words = "Validation: Testing client application reachability for subscription Request-Id:"
    token = f"{words} {call.request.id} {token_urlsafe(9)}+/%"  # signs that a double decoding spoils
    joined = f"{url}{'&' if urlsplit(url).query else '?'}validationToken={quote(token, safe='')}"
    sent = call.gateway.post(joined, {"Content-Type": "text/plain; charset=utf-8"}, b"", VALIDATION_SECONDS)
    if sent.status == 0 and sent.seconds >= VALIDATION_SECONDS:
        raise _unreached("Subscription validation request timed out.")
    if sent.status != 200:
        raise _unreached(
            "Subscription validation request failed. "
            "Notification endpoint must respond with 200 OK to validation request."
        )
    kind = sent.answer_headers.get("content-type", "text/plain")
    if not kind.lower().startswith("text/plain") or sent.text != token:
        raise _unreached(
            "Subscription validation request failed. Response must exactly match validationToken query parameter."
        )


def _own(call: Call) -> Subscription:
    return call.gateway.subscriptions.get(call.keys["subscription"], *_owner(call))


def _owner(call: Call) -> tuple[str, str]:
    return call.claims.tenant_id, call.claims.client_id


def _shown(found: Subscription) -> Json:
    return shown(found, precise(found.expires))


def precise(moment: datetime) -> str:
    """A moment as Graph writes the expiry of a subscription: with its fraction."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _answer(call: Call, status: int, found: Subscription) -> Response:
    return call.answer(status, {"@odata.context": call.context("subscriptions/$entity"), **_shown(found)})


def _invalid(message: str) -> GraphError:
    return GraphError(400, "InvalidRequest", message)


def _unreached(message: str) -> GraphError:
    return GraphError(400, "ValidationError", message)


OPERATIONS = [
    Operation("POST", "subscriptions", _create),
    Operation("GET", "subscriptions", _list),
    Operation("GET", "subscriptions/{subscription}", _get),
    Operation("PATCH", "subscriptions/{subscription}", _renew),
    Operation("DELETE", "subscriptions/{subscription}", _delete),
    Operation("POST", "subscriptions/{subscription}/reauthorize", _reauthorize),
]
