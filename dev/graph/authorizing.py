"""The sign-in of a person: what Entra's page does that a browser is sent to, and what the browser is sent back with.

Who sits at the browser is set by the test. https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import html
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from dev.graph.hosts import GRAPH_HOSTS
from dev.graph.sign_in_refusals import SignInError, lacks, refused
from dev.graph.wire import Request, Response
from dev.graph.world import App, Tenant, User, World

IDENTITY_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
ADMIN_SCOPES = frozenset(
    {
        *("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
        *("GroupMember.Read.All", "Group.Read.All", "AuditLog.Read.All", "Organization.Read.All"),
        "LicenseAssignment.ReadWrite.All",
    }
)
"""Only an administrator may consent to these. https://learn.microsoft.com/en-us/graph/permissions-reference"""
SCOPES = ADMIN_SCOPES | {
    *("Mail.Read", "Mail.ReadWrite", "Mail.Send", "Mail.Read.Shared", "Mail.ReadWrite.Shared", "Mail.Send.Shared"),
    *("Calendars.Read", "Calendars.ReadWrite", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared"),
    *("Contacts.Read", "Contacts.ReadWrite", "User.Read", "User.ReadBasic.All"),
}
PROMPTS = frozenset({"", "login", "none", "consent", "select_account", "create"})
_CHALLENGE_LENGTHS = range(43, 129)


@dataclass(frozen=True)
class Person:
    """Who sits at the browser. `refusal`: the AADSTS number that a policy of the tenant meets this sign-in with."""

    address: str
    consents: bool = True
    refusal: int = 0


@dataclass(frozen=True)
class Scopes:
    """What a sign-in asks for: permissions of one resource, and what is said of the person."""

    resource: str
    permissions: frozenset[str]
    identity: frozenset[str]

    def __str__(self) -> str:
        """As the token endpoint writes it: `offline_access` is never among it."""
        named = sorted(self.identity - {"offline_access"})
        return " ".join([*named, *(f"{self.resource}/{name}" for name in sorted(self.permissions))])


@dataclass
class Grant:
    """What somebody granted to an app by signing in: what a code or a refresh token stands for."""

    tenant_id: str
    client_id: str
    user: User
    scopes: Scopes
    issued: datetime
    nonce: str = ""
    redirect_uri: str = ""
    challenge: str = ""
    redeemed: bool = field(default=False, compare=False)


class Authorizing:
    """The page to sign in at. The codes that it gives out are redeemed elsewhere."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.person: Person | None = None
        self.codes: dict[str, Grant] = {}

    def answer(self, request: Request, tenant: Tenant) -> Response:
        """Sign the person in and send the browser back; what is wrong with the app itself is only shown."""
        asked = request.options
        try:
            app = _app(tenant, asked)
            user = self._user(tenant)
        except SignInError as error:
            return _page(400, error)
        if user is None and asked.get("prompt") != "none":
            return _page(200, refused(50058))
        try:
            found = {"code": self._code(request, tenant, app, user)}
        except SignInError as error:
            found = {"error": error.error, "error_description": f"AADSTS{error.number}: {error.message}"}
        state = {"state": asked["state"]} if "state" in asked else {}
        return _back(asked["redirect_uri"], {**found, **state})

    def forget(self) -> None:
        """Nobody sits there, and no code is known."""
        self.person = None
        self.codes.clear()

    def _user(self, tenant: Tenant) -> User | None:
        if self.person is None:
            return None
        user = tenant.find_user(self.person.address)
        if user is None:
            raise refused(50020)
        return user

    def _code(self, request: Request, tenant: Tenant, app: App, user: User | None) -> str:
        asked = request.options
        _check(asked)
        scopes = parse_scopes(request, asked["scope"])
        if user is None or self.person is None:
            raise refused(50058)
        if self.person.refusal:
            raise refused(self.person.refusal)
        self._consent(tenant, app, user, scopes, asked.get("prompt", ""))
        code = f"1.A{secrets.token_urlsafe(300)}"
        now = self._world.clock.now()
        grant = Grant(tenant.id, app.client_id, user, scopes, now)
        grant.nonce, grant.redirect_uri = asked.get("nonce", ""), asked["redirect_uri"]
        grant.challenge = asked["code_challenge"]
        self.codes[code] = grant
        return code

    def _consent(self, tenant: Tenant, app: App, user: User, scopes: Scopes, prompt: str) -> None:
        """https://learn.microsoft.com/en-us/entra/identity-platform/permissions-consent-overview."""
        granted = app.consents.setdefault(user.id, set())
        missing = scopes.permissions - app.scopes - granted
        if missing and prompt == "none":
            raise refused(65001)
        if missing and (missing & ADMIN_SCOPES or not tenant.people_consent):
            raise refused(90094)
        if (missing or prompt == "consent") and not (self.person and self.person.consents):
            raise refused(65004)
        granted |= scopes.permissions


def parse_scopes(request: Request, text: str) -> Scopes:
    """What is asked for; a permission without a resource is one of Graph."""
    identity, permissions, resources = set(), set(), set()
    for each in text.split():
        resource, _, name = each.rpartition("/")
        if not resource and name in IDENTITY_SCOPES:
            identity.add(name)
            continue
        if name not in SCOPES:
            raise refused(650053)
        resources.add(resource or f"https://{GRAPH_HOSTS[0]}")
        permissions.add(name)
    if len(resources) != 1 or not all(_is_graph(request, each) for each in resources):
        raise refused(70011)
    return Scopes(resources.pop(), frozenset(permissions), frozenset(identity))


def _app(tenant: Tenant, asked: dict[str, str]) -> App:
    """The app, if the browser may be sent back to where it says: the address is compared letter by letter.

    https://learn.microsoft.com/en-us/entra/identity-platform/reply-url
    """
    for name in ("client_id", "redirect_uri"):
        if not asked.get(name):
            raise lacks(name)
    app = tenant.apps.get(asked["client_id"].lower())
    if app is None:
        raise SignInError(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    if asked["redirect_uri"] not in app.redirect_uris:
        raise refused(50011)
    return app


def _check(asked: dict[str, str]) -> None:
    """The form of what the app asks for.

    Entra demands PKCE of some apps and recommends it to all; here it is demanded of all, and by SHA-256.
    """
    for name in ("response_type", "scope"):
        if not asked.get(name):
            raise lacks(name)
    if asked["response_type"] != "code":
        raise refused(70005)
    if asked.get("response_mode", "query") != "query":
        raise refused(70007)
    if asked.get("prompt", "") not in PROMPTS:
        raise SignInError(400, "invalid_request", 90023, "Unsupported 'prompt' value.")
    if asked.get("code_challenge_method") != "S256" or "code_challenge" not in asked:
        raise refused(9002325)
    if len(asked["code_challenge"]) not in _CHALLENGE_LENGTHS:
        raise refused(501491)


def _is_graph(request: Request, resource: str) -> bool:
    parts = urlsplit(resource)
    return resource == request.origin or (parts.scheme == "https" and parts.netloc in GRAPH_HOSTS)


def _back(redirect_uri: str, values: dict[str, str]) -> Response:
    joint = "&" if "?" in redirect_uri else "?"
    location = f"{redirect_uri}{joint}{urlencode({**values, 'session_state': secrets.token_hex(16)})}"
    return Response(302, headers={"Location": location, "Cache-Control": "no-store, no-cache"})


def _page(status: int, error: SignInError) -> Response:
    text = f"<html><body>Sign in. AADSTS{error.number}: {html.escape(error.message)}</body></html>"
    return Response(status, content=text.encode(), content_type="text/html; charset=utf-8")
