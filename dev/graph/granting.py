"""The token endpoint as people's sign-ins meet it: codes are redeemed, refresh tokens renewed, tokens made.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token
https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens
"""

import json
import secrets
import threading
import uuid
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from dev.graph.authorizing import Authorizing, Grant, Scopes, parse_scopes
from dev.graph.sign_in_refusals import lacks, refused
from dev.graph.signing import Signer
from dev.graph.wire import Json, Request
from dev.graph.world import App, Tenant, User, World

CODE_LIFETIME = timedelta(minutes=10)
REFRESH_LIFETIME = timedelta(days=90)
LIFETIME_SECONDS = 3599
_VERIFIER_LENGTHS = range(43, 129)


class Granting:
    """Turns codes and refresh tokens into tokens."""

    def __init__(self, world: World, authorizing: Authorizing, signer: Signer) -> None:
        self._world, self._authorizing, self._signer = world, authorizing, signer
        self._lock = threading.Lock()
        self._refreshable: dict[str, Grant] = {}
        self._revoked: dict[str, tuple[datetime, int]] = {}

    def redeem(self, request: Request, tenant: Tenant, app: App, form: dict[str, str]) -> Grant:
        """What a code was given for; it can be redeemed once."""
        for name in ("code", "redirect_uri"):
            if not form.get(name):
                raise lacks(name)
        grant = self._authorizing.codes.get(form["code"])
        if grant is None or grant.client_id != app.client_id:
            raise refused(70000)
        if grant.tenant_id != tenant.id:
            raise refused(700005)
        if grant.redirect_uri != form["redirect_uri"]:
            raise refused(500112)
        if not _matches(grant.challenge, form.get("code_verifier", "")):
            raise refused(501481)
        with self._lock:
            if grant.redeemed:
                raise refused(54005)
            grant.redeemed = True
        if self._world.clock.now() - grant.issued >= CODE_LIFETIME:
            raise refused(70008)
        return self._narrowed(request, grant, form.get("scope", ""), 28003)

    def refresh(self, request: Request, tenant: Tenant, app: App, form: dict[str, str]) -> Grant:
        """What a refresh token stands for. It goes on to hold when it was used, as Entra's do."""
        if not form.get("refresh_token"):
            raise lacks("refresh_token")
        grant = self._refreshable.get(form["refresh_token"])
        if grant is None:
            raise refused(9002313)
        if grant.client_id != app.client_id or grant.tenant_id != tenant.id or tenant.find_user(grant.user.id) is None:
            raise refused(70000)
        since, number = self._revoked.get(grant.user.id, (grant.issued, 0))
        if number and grant.issued <= since:
            raise refused(number)
        if self._world.clock.now() - grant.issued >= REFRESH_LIFETIME:
            raise refused(700082)
        return self._narrowed(request, replace(grant, nonce=""), form.get("scope", ""), 65001)

    def answer(self, request: Request, grant: Grant, access_token: str, *, wants_client_info: bool) -> Json:
        """The body of the answer to both."""
        body: Json = {"token_type": "Bearer", "scope": str(grant.scopes), "access_token": access_token}
        body |= {"expires_in": LIFETIME_SECONDS, "ext_expires_in": LIFETIME_SECONDS}
        if "offline_access" in grant.scopes.identity:
            body["refresh_token"] = self._refresh_token(grant)
        if "openid" in grant.scopes.identity:
            body["id_token"] = self._signer.sign(self._id_claims(request, grant))
        if wants_client_info:
            body["client_info"] = _client_info(grant)
        return body

    def access_token(self, grant: Grant) -> str:
        """A token for Graph in the name of a person."""
        permissions = " ".join(sorted(grant.scopes.permissions))
        about = {"aud": grant.scopes.resource, "iss": f"https://sts.windows.net/{grant.tenant_id}/", "ver": "1.0"}
        who = {"appid": grant.client_id, "idtyp": "user", "scp": permissions, "upn": grant.user.address}
        return self._signer.sign({**about, **who, **self._times(), **_subject(grant), "uti": secrets.token_urlsafe(16)})

    def revoke(self, user: User, number: int) -> None:
        """Refuse every refresh token that this user's sign-ins have left so far, with this AADSTS number."""
        self._revoked[user.id] = (self._world.clock.now(), number)

    def restore(self, user: User) -> None:
        """Let them hold again, as when an account that was disabled is enabled."""
        self._revoked.pop(user.id, None)

    def forget(self) -> None:
        """Know no token any more."""
        self._refreshable.clear()
        self._revoked.clear()

    def _narrowed(self, request: Request, grant: Grant, asked: str, number: int) -> Grant:
        """The grant for no more than is asked for now, which may not be more than was granted."""
        if not asked:
            return grant
        wanted = parse_scopes(request, asked)
        if wanted.resource != grant.scopes.resource or not wanted.permissions <= grant.scopes.permissions:
            raise refused(number)
        identity = wanted.identity & grant.scopes.identity
        return replace(grant, scopes=Scopes(wanted.resource, wanted.permissions, identity))

    def _refresh_token(self, grant: Grant) -> str:
        token = f"1.AU{secrets.token_urlsafe(600)}"
        self._refreshable[token] = replace(grant, issued=self._world.clock.now())
        return token

    def _id_claims(self, request: Request, grant: Grant) -> Json:
        """https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference."""
        claims: Json = {"aud": grant.client_id, "iss": f"{request.origin}/{grant.tenant_id}/v2.0", "ver": "2.0"}
        claims |= {**self._times(), **_subject(grant)}
        if "profile" in grant.scopes.identity:
            claims |= {"name": grant.user.display_name, "preferred_username": grant.user.address}
        return {**claims, "nonce": grant.nonce} if grant.nonce else claims

    def _times(self) -> Json:
        now = int(self._world.clock.now().timestamp())
        return {"iat": now, "nbf": now, "exp": now + LIFETIME_SECONDS}


def _subject(grant: Grant) -> Json:
    pairwise = sha256(f"{grant.client_id}/{grant.user.id}".encode()).digest()
    return {"oid": grant.user.id, "tid": grant.tenant_id, "sub": urlsafe_b64encode(pairwise).decode().rstrip("=")}


def _client_info(grant: Grant) -> str:
    """Account and home tenant; a guest's home is another tenant than the one that is signed in to."""
    home = grant.tenant_id
    if grant.user.kind == "guest":
        home = str(uuid.uuid5(uuid.NAMESPACE_DNS, grant.user.address.rpartition("@")[2].lower()))
    return urlsafe_b64encode(json.dumps({"uid": grant.user.id, "utid": home}).encode()).decode().rstrip("=")


def _matches(challenge: str, verifier: str) -> bool:
    """https://www.rfc-editor.org/rfc/rfc7636#section-4.6."""
    hashed = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    return len(verifier) in _VERIFIER_LENGTHS and secrets.compare_digest(hashed, challenge)
