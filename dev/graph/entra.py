"""Sign-in: the endpoints of Microsoft Entra ID that an app uses, for itself or for people, and the check of its tokens.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import json
import secrets
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from dev.graph import refusals
from dev.graph.authorizing import Authorizing
from dev.graph.client_proofs import IDENTITY_PATH, ClientProofs, ProofRefused
from dev.graph.faults import Faults
from dev.graph.granting import LIFETIME_SECONDS, Granting
from dev.graph.hosts import GRAPH_HOSTS, INSTANCES, instance_of, meets
from dev.graph.sign_in_refusals import SignInError
from dev.graph.signing import Signer
from dev.graph.wire import GraphError, Json, Request, Response
from dev.graph.world import App, Tenant, World

_OF_PEOPLE = ("authorization_code", "refresh_token")
_SHARED_AUTHORITIES = ("common", "organizations", "consumers")


@dataclass(frozen=True)
class Claims:
    """What a token says, and until when it holds (on a steady clock, as msal counts its own).

    `permissions`: the roles of an app, or what it may do for the person `user_id`.
    """

    tenant_id: str
    client_id: str
    audience: str
    permissions: frozenset[str]
    expires: float
    user_id: str = ""


class Entra:
    """Issues tokens and knows them again."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults
        self.proofs = ClientProofs(world.clock)
        self._lock = threading.Lock()
        self._issued: dict[str, Claims] = {}
        self.signer = Signer()
        self.authorizing = Authorizing(world)
        self.granting = Granting(world, self.authorizing, self.signer)

    # ---- endpoints
    def handles(self, request: Request) -> bool:
        """Whether this path belongs to sign-in."""
        marks = ("/oauth2/", "/.well-known/", "/discovery/", IDENTITY_PATH)
        return any(mark in request.path for mark in marks)

    def answer(self, request: Request) -> Response:
        """Answer a request to the login host."""
        try:
            return self._faults.around(request, "", lambda: self._route(request))
        except GraphError as trouble:
            return self._refused(request, _in_oauth_form(trouble))
        except SignInError as error:
            return self._refused(request, error)

    def _refused(self, request: Request, error: SignInError) -> Response:
        return Response(error.status, self._error_body(request, error), headers=dict(error.headers))

    def _route(self, request: Request) -> Response:
        tail = request.path.strip("/").split("/")
        if request.path == IDENTITY_PATH:
            return self.proofs.give_token(request)
        if request.path == "/common/discovery/instance" and request.method == "GET":
            return Response(200, _instance_discovery(request))
        if tail[1:] in (["v2.0", ".well-known", "openid-configuration"], [".well-known", "openid-configuration"]):
            return Response(200, self._openid_configuration(request, tail[0]))
        if tail[1:] == ["discovery", "v2.0", "keys"] and request.method == "GET":
            return Response(200, self.signer.jwks())
        if tail[1:] == ["oauth2", "v2.0", "authorize"] and request.method == "GET":
            return self.authorizing.answer(request, self._tenant_here(request, tail[0]))
        if tail[1:] == ["oauth2", "v2.0", "token"] and request.method == "POST":
            return self._token(request, tail[0])
        raise GraphError(404, "NotFound", f"There is nothing at {request.path}.")

    def _token(self, request: Request, tenant_key: str) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if fault := self._faults.strike("revoke_sign_in", "POST", request.path):
            raise _refusals(fault.code, form.get("client_id", ""))
        tenant = self._tenant_here(request, tenant_key)
        _check_grant(form)
        app = tenant.apps.get(form["client_id"].lower())
        if app is None:
            raise _refusals(700016, form["client_id"], tenant.id)
        self._check_proof(request, app, tenant, form)
        body = self._granted(request, tenant, app, form)
        return Response(200, body, headers={"Cache-Control": "no-store, no-cache"})

    def _granted(self, request: Request, tenant: Tenant, app: App, form: dict[str, str]) -> Json:
        if form["grant_type"] == "client_credentials":
            return self._issue(tenant, app, _resource(request, form["scope"]))
        is_code = form["grant_type"] == "authorization_code"
        grant = (self.granting.redeem if is_code else self.granting.refresh)(request, tenant, app, form)
        token = self.granting.access_token(grant)
        self._keep(
            token,
            Claims(tenant.id, app.client_id, grant.scopes.resource, grant.scopes.permissions, _end(), grant.user.id),
        )
        return self.granting.answer(request, grant, token, wants_client_info="client_info" in form)

    def _tenant(self, key: str) -> Tenant:
        if key.lower() in _SHARED_AUTHORITIES:
            raise SignInError(
                400,
                "invalid_request",
                50059,
                "No tenant-identifying information found in either the request or implied.",
            )
        tenant = self._world.tenant(key)
        if tenant is None:
            raise _refusals(90002, "", key)
        return tenant

    def _tenant_here(self, request: Request, key: str) -> Tenant:
        """The tenant, if it lives in the cloud of the host that was asked."""
        tenant = self._tenant(key)
        if not meets(tenant.cloud, request.host):
            raise _refusals(90002 if "china" in (tenant.cloud, _cloud_at(request.host)) else 900382, "", key)
        return tenant

    def _check_proof(self, request: Request, app: App, tenant: Tenant, form: dict[str, str]) -> None:
        endpoint = f"{request.origin}/{tenant.id}/oauth2/v2.0/token"
        try:
            self.proofs.check(app, form, (endpoint, f"{request.origin}/{tenant.id}/v2.0"))
        except ProofRefused as refused:
            raise SignInError(401, "invalid_client", refused.number, refused.message) from None

    def _issue(self, tenant: Tenant, app: App, audience: str) -> Json:
        roles = [r for r in app.roles if app.mailboxes is None or not r.startswith("Mail.")]
        now = int(self._world.clock.now().timestamp())
        payload = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "appid": app.client_id,
            "idtyp": "app",
            "roles": roles,
            "tid": tenant.id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        token = ".".join(
            (_part({"typ": "JWT", "alg": "RS256", "kid": "emulator"}), _part(payload), secrets.token_urlsafe(256))
        )
        self._keep(token, Claims(tenant.id, app.client_id, audience, frozenset(roles), _end()))
        body = {"token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "ext_expires_in": LIFETIME_SECONDS}
        return {**body, "access_token": token}

    def _keep(self, token: str, claims: Claims) -> None:
        with self._lock:
            self._issued[token] = claims

    def _openid_configuration(self, request: Request, tenant_key: str) -> Json:
        shared = tenant_key.lower() in _SHARED_AUTHORITIES
        tenant = "{tenantid}" if shared else self._tenant(tenant_key).id
        lives = "" if shared else self._tenant(tenant_key).cloud
        if not meets(lives, request.host) and "china" in (lives, _cloud_at(request.host)):
            raise _refusals(90002, "", tenant_key)
        instance, _, graph, region, part = instance_of(lives, request.host)
        base = f"{request.origin}/{tenant_key}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{request.origin}/{tenant}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": None if shared else region,
            **({"tenant_region_sub_scope": part} if part and not shared else {}),
            "cloud_instance_name": instance,
            "msgraph_host": graph,
        }

    def _error_body(self, request: Request, error: SignInError) -> Json:
        stamp = self._world.clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
        correlation = request.headers.get("client-request-id", str(uuid.uuid4()))
        tail = f" Trace ID: {request.id} Correlation ID: {correlation} Timestamp: {stamp}"
        return {
            "error": error.error,
            "error_description": f"AADSTS{error.number}: {error.message}{tail}",
            "error_codes": [error.number],
            "timestamp": stamp,
            "trace_id": request.id,
            "correlation_id": correlation,
            "error_uri": f"{request.origin}/error?code={error.number}",
        }

    # ---- tokens
    def claims(self, request: Request) -> Claims:
        """Who asks; a missing, unknown, expired or misplaced token is refused with 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("Access token is empty.")
        if token.count(".") != 2:
            raise unauthorized("IDX14100: JWT is not well formed, there are no dots (.).")
        claims = self._issued.get(token.strip())
        if claims is None or self._world.tenant(claims.tenant_id) is None:
            raise unauthorized("Access token validation failure. Invalid issuer or signature.")
        if time.monotonic() >= claims.expires:
            raise unauthorized("Lifetime validation failed, the token is expired.")
        if claims.audience != request.origin:
            raise unauthorized("Access token validation failure. Invalid audience.")
        if self._faults.strike("revoke_sign_in", request.method, request.path):
            raise unauthorized("Continuous access evaluation resulted in challenge: the session was revoked.")
        return claims

    def expire_tokens(self) -> None:
        """Every token given out so far is refused from now on."""
        with self._lock:
            self._issued.clear()

    def forget(self) -> None:
        """Every token, code and sign-in."""
        self.expire_tokens()
        self.authorizing.forget()
        self.granting.forget()

    def app_of(self, claims: Claims) -> App | None:
        """The app registration behind a token, if it is still there."""
        tenant = self._world.tenant(claims.tenant_id)
        return tenant.apps.get(claims.client_id.lower()) if tenant else None


def _cloud_at(host: str) -> str:
    return next((name for name, known in INSTANCES.items() if known[1] == host), "")


def _check_grant(form: dict[str, str]) -> None:
    for name in ("client_id", "grant_type", "scope"):
        if not form.get(name) and (name != "scope" or form["grant_type"] not in _OF_PEOPLE):
            raise SignInError(
                400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
            )
    if form["grant_type"] in _OF_PEOPLE:
        return
    if form["grant_type"] != "client_credentials":
        raise SignInError(
            400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{form['grant_type']}'."
        )
    if not form["scope"].endswith("/.default") or " " in form["scope"].strip():
        raise SignInError(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {form['scope']} is not valid: it must end in /.default.",
        )


def _end() -> float:
    return time.monotonic() + LIFETIME_SECONDS


def _resource(request: Request, scope: str) -> str:
    """The audience of the token: a Graph host, or the emulator's own origin when it plays both."""
    resource = scope.removesuffix("/.default").rstrip("/")
    if resource == request.origin or (
        urlsplit(resource).scheme == "https" and urlsplit(resource).netloc in GRAPH_HOSTS
    ):
        return resource
    raise SignInError(
        400, "invalid_resource", 500011, f"The resource principal named {resource} was not found in the tenant."
    )


def _refusals(number: int, client_id: str, tenant_id: str = "") -> SignInError:
    """The refusal of this number; one that we do not know is refused as a grant that does not hold."""
    status, error, words = refusals.SIGN_IN.get(number, (400, "invalid_grant", "The sign-in was refused."))
    return SignInError(status, error, number, words.format(client_id=client_id, tenant_id=tenant_id))


def _in_oauth_form(trouble: GraphError) -> SignInError:
    """Trouble on the way, as the token endpoint words it."""
    if trouble.status < 429:
        return SignInError(trouble.status, "invalid_request", 900561, trouble.message)
    error = SignInError(trouble.status, "temporarily_unavailable", 90033, "A transient error has occurred.")
    error.headers = trouble.headers
    return error


def unauthorized(message: str) -> GraphError:
    """The 401 of Graph, with its challenge."""
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": refusals.CHALLENGE})


def _instance_discovery(request: Request) -> Json:
    aliases = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    return {
        "tenant_discovery_endpoint": f"{request.origin}/common/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": aliases[0], "preferred_cache": "login.windows.net", "aliases": aliases},
            {
                "preferred_network": "login.microsoftonline.us",
                "preferred_cache": "login.microsoftonline.us",
                "aliases": ["login.microsoftonline.us", "login.usgovcloudapi.net"],
            },
        ],
    }


def _part(value: Json) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
