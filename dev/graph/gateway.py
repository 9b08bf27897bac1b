"""What a request goes through, from the first byte to the record: sign-in, limits, faults, operation, answer."""

import contextlib
from collections.abc import Iterator
from email.utils import format_datetime

from dev.graph import (
    batches,
    calendars,
    mail_drafts,
    mail_folders,
    mail_messages,
    mailbox_settings,
    message_delta,
    subscribing,
)
from dev.graph.calls import Call, Operation, Operations
from dev.graph.clock import Clock
from dev.graph.directory import deleted_items, directory_delta, groups, licenses, users
from dev.graph.directory.delta_lines import Round
from dev.graph.directory.properties import SIGN_IN
from dev.graph.entra import Claims, Entra, unauthorized
from dev.graph.faults import Faults
from dev.graph.hosts import is_missing
from dev.graph.kept_rounds import KeptRounds
from dev.graph.key_vaults import KeyVaults
from dev.graph.mailboxes import Change, Mailbox
from dev.graph.notifications import Dispatcher, Post, Send, change_item
from dev.graph.recording import Recorder
from dev.graph.resource_units import ResourceUnits, Spender, cost_of
from dev.graph.subscriptions import Subscriptions
from dev.graph.throttling import Throttle
from dev.graph.wire import ConnectionLost, GraphError, Request, Response, denied, error_response
from dev.graph.world import App, Tenant, World

OPERATIONS = [
    *batches.OPERATIONS,
    *calendars.OPERATIONS,
    *directory_delta.OPERATIONS,  # before users and groups: `delta` is not the id of one
    *users.OPERATIONS,
    *groups.OPERATIONS,
    *deleted_items.OPERATIONS,
    *mail_drafts.OPERATIONS,
    *licenses.OPERATIONS,
    *mail_folders.OPERATIONS,
    *mailbox_settings.OPERATIONS,
    *message_delta.OPERATIONS,  # before the messages: `delta` is not the id of one
    *mail_messages.OPERATIONS,
    *subscribing.OPERATIONS,
]

_LARGEST_BODY = 4 * 1024 * 1024


class Gateway:
    """Holds all state and answers requests; safe to use from many threads."""

    def __init__(self, send: Send | None) -> None:
        self.clock = Clock()
        self.faults = Faults(self.clock)
        self.throttle = Throttle(self.clock)
        self.units = ResourceUnits(self.clock)
        self.recorder = Recorder(self.throttle.most_at_once)
        self.subscriptions = Subscriptions(self.clock)
        self.rounds = KeptRounds[message_delta.Round](message_delta.ROUNDS_KEPT)
        self.directory_rounds = KeptRounds[Round](directory_delta.ROUNDS_KEPT)
        self.post = Post(self.clock, self.recorder, send)
        self.dispatcher = Dispatcher(self.clock, self.faults, self.post)
        self.world = World(self.clock, self.tell)
        self.entra = Entra(self.world, self.faults)
        self.vaults = KeyVaults(self.clock, self.entra.proofs, self.faults)
        self._operations = Operations(OPERATIONS)

    def handle(self, request: Request) -> Response:
        """Answer one request that came over the wire; ConnectionLost if there is to be no answer."""
        if self.vaults.handles(request.host):  # not of Graph, and not for its record: it holds secrets
            return self.vaults.answer(request).finished()
        moment = self.clock.now()
        try:
            response = self._answer(request)
        except ConnectionLost:
            self.recorder.count(f"{request.method} (lost)", 0)
            raise
        response.headers.setdefault("Date", format_datetime(moment.replace(microsecond=0), usegmt=True))
        self.recorder.exchange(request, response.finished(), moment)
        return response

    def reset(self) -> None:
        """Forget every tenant and all that happened; the time is the real one again."""
        self.faults.clear()
        self.dispatcher.clear()
        self.subscriptions.clear()
        self.world.tenants.clear()
        self.entra.forget()
        self.vaults.clear()
        self.rounds.forget()
        self.directory_rounds.forget()
        self.throttle.forget()
        self.units.forget()
        self.recorder.reset()
        self.clock.reset()

    def answer_step(self, request: Request) -> Response:
        """Answer one request inside of a batch, where a lost connection shows as 504."""
        try:
            return self._graph(request)
        except ConnectionLost:
            lost = GraphError(504, "UnknownError", "The gateway did not receive a response in time.")
            return error_response(request, lost, self.clock.now())

    def tell(self, mailbox: Mailbox, change: Change) -> None:
        """A mailbox has changed: whoever subscribed hears of it."""
        for found in self.subscriptions.concerned(mailbox, change):
            if self.faults.strike(
                "remove_subscription", "POST", found.notification_url, f"{mailbox.address} {mailbox.id}"
            ):
                self.subscriptions.remove(found.id)
                continue
            self.dispatcher.put(found.notification_url, change_item(found, change, subscribing.precise(found.expires)))

    def mailbox_for(self, call: Call, user: str, roles: tuple[str, ...]) -> Mailbox:
        """The mailbox of a user in the tenant of the call, if the app may reach it in one of these roles."""
        mailbox = call.tenant.mailbox(user)
        if call.claims.user_id:
            _check_access_of_person(call.claims, call.tenant, mailbox, roles)
        else:
            _check_mail_access(call.app, call.claims, mailbox, roles)
        return mailbox

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/v1.0/"):
            return self._graph(request)
        if self.entra.handles(request):
            response = self.entra.answer(request)
            self.recorder.count(f"{request.method} {request.path.split('/', 2)[-1]}", response.status)
            return response
        unknown = GraphError(400, "BadRequest", f"Invalid version: {request.path.strip('/').split('/')[0]}")
        return error_response(request, unknown, self.clock.now())

    def _graph(self, request: Request) -> Response:
        name = f"{request.method} (unknown)"
        try:
            claims = self.entra.claims(request)
            if len(request.body) > _LARGEST_BODY:
                raise GraphError(413, "RequestEntityTooLarge", "The request is too large.")
            if is_missing(request.host, request.path):
                segment = request.path.rpartition("/")[2]
                raise GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
            operation, keys = self._operations.find(request.method, _named(request.segments[1:], claims))
            name = operation.name
            response = self._run(request, claims, operation, keys)
        except GraphError as error:
            response = error_response(request, error, self.clock.now())
        self.recorder.count(name, response.status)
        response.headers["request-id"] = request.id
        response.headers["client-request-id"] = request.headers.get("client-request-id", request.id)
        return response

    def _run(self, request: Request, claims: Claims, operation: Operation, keys: dict[str, str]) -> Response:
        app, tenant = self.entra.app_of(claims), self.world.tenant(claims.tenant_id)
        if app is None or tenant is None:
            raise unauthorized("The identity of the calling application could not be established.")
        call = Call(self, request, claims, app, tenant, keys)
        with self._admitted(call, operation):
            mailbox = call.found_mailbox
            who = f"{mailbox.address} {mailbox.id}" if mailbox else ""
            response = self.faults.around(request, who, lambda: _locked(call, operation))
        response.headers.update(call.told)
        return response

    @contextlib.contextmanager
    def _admitted(self, call: Call, operation: Operation) -> Iterator[None]:
        """Rights first, then, for Outlook, one of the four places in the mailbox."""
        if not operation.of_outlook:
            if operation.roles and not call.claims.permissions & _enough(call, operation):
                raise GraphError(
                    403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
                )
            if operation.units:
                call.told = self._spend(call, operation.units)
            yield
            return
        call.found_mailbox = self.mailbox_for(call, call.keys["user"], operation.roles)
        with self.throttle.slot(call.claims.client_id, call.found_mailbox.address):
            yield

    def _spend(self, call: Call, units: int) -> dict[str, str]:
        """The limits of the directory; what costs more than one unit to begin with is no write, whatever its method."""
        spender = Spender(call.claims.client_id, call.tenant.id, len(call.tenant.directory.users))
        write = units == 1 and call.request.method != "GET"
        sign_ins = SIGN_IN in call.request.options.get("$select", "")
        return self.units.spend(spender, cost_of(call.request, units), write=write, sign_ins=sign_ins)


def _named(segments: list[str], claims: Claims) -> list[str]:
    """`/me` is another name of the person who signed in; where an app signed in for itself it is nobody's.

    https://learn.microsoft.com/en-us/graph/api/user-get#permissions
    """
    if segments[:1] != ["me"]:
        return segments
    if not claims.user_id:
        raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    return ["users", claims.user_id, *segments[1:]]


def _enough(call: Call, operation: Operation) -> set[str]:
    """The permissions of which any one lets this call through."""
    user = call.tenant.find_user(call.keys["user"]) if "user" in call.keys else None
    own = user is not None and user.id == call.claims.user_id
    return {*operation.roles, *(operation.own_roles if own else ())}


def _locked(call: Call, operation: Operation) -> Response:
    if call.found_mailbox is None and not operation.units:
        return operation.run(call)
    with call.found_mailbox.lock if call.found_mailbox else call.tenant.directory.lock:
        response = operation.run(call)
    for follow in call.afterwards:
        follow()
    return response


def _check_mail_access(app: App, claims: Claims, mailbox: Mailbox, roles: tuple[str, ...]) -> None:
    if app.mailboxes is not None:
        allowed = mailbox.address.lower() in app.mailboxes and bool(set(app.roles) & set(roles))
    else:
        allowed = bool(claims.permissions & set(roles))
    if not allowed:
        raise denied()


def _check_access_of_person(claims: Claims, tenant: Tenant, mailbox: Mailbox, roles: tuple[str, ...]) -> None:
    """A person's token reaches their own mailbox, and by permissions of its own those they were given access to.

    https://learn.microsoft.com/en-us/graph/outlook-share-messages-folders
    """
    own = mailbox.id == claims.user_id
    if not claims.permissions & {role if own else f"{role}.Shared" for role in roles}:
        raise denied()
    if not own and claims.user_id not in tenant.users[mailbox.id].delegates:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
