"""Requests to Microsoft Graph: signed in, within its limits, tried again where that may help, failures by their names.

An onion, from the outside: ``_insist`` (tries again) -> ``_through_gate`` (limits) -> ``_once`` (token, one request).
"""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from shared import log, tally
from shared.graph import patience
from shared.graph.authorization import Authorization
from shared.graph.clouds import get_cloud
from shared.graph.delegated_sign_in import DelegatedSignIn, Vault
from shared.graph.errors import GraphBusy, GraphError, SignInFailed, answer_failure, sign_in_changed, token_refused
from shared.graph.gate import Gates, MailboxGate
from shared.graph.grants import find_grants, find_tenant
from shared.graph.limits import (
    CONNECT_SECONDS,
    DEFAULT_RETRY_AFTER,
    READ_SECONDS,
    TRIES,
    USUAL_PAUSE,
)
from shared.graph.sign_in import Credentials, SignIn
from shared.graph.tenant_cloud import find_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.clock import Clock
    from shared.graph.proofs import Kind

Json = dict[str, Any]
type OnLost = Callable[[SignInFailed], bool]
"""Told of a lost sign-in; whether it is indeed, and not one that somebody has mended meanwhile."""

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""Ids that survive a move between folders. https://learn.microsoft.com/en-us/graph/outlook-immutable-id"""


class TokenSource(Protocol):
    """Where the access tokens of a client come from."""

    def token(self) -> str:
        """One that is valid for minutes at least; raises SignInFailed, GraphBusy."""

    def forget(self) -> None:
        """Do not use the present one again."""


class GraphClient:
    """Microsoft Graph v1.0 as one app registration in one tenant, for itself or in the name of an account."""

    def __init__(
        self,
        credentials: Credentials,
        http: requests.Session,
        clock: Clock,
        sign_in: TokenSource,
    ) -> None:
        self.cloud, self.root = credentials.cloud, f"{credentials.cloud.graph}/v1.0"
        self._sign_in = sign_in
        self._http, self._clock, self._gates = http, clock, Gates(clock)
        self._on_lost: dict[str, OnLost] = {}

    def get(self, path: str, *, params: Mapping[str, str] | None = None, prefer: str = "", mailbox: str = "") -> Json:
        """Read JSON. ``path`` begins with a slash, or is a link that Graph gave; ``mailbox`` whose limits count."""
        answer: Json = self._insist("GET", path, mailbox, params=params, headers=_prefer(prefer)).json()
        return answer

    def get_bytes(self, path: str, *, prefer: str = "", mailbox: str = "") -> bytes:
        """Read raw bytes."""
        return self._insist("GET", path, mailbox, headers=_prefer(prefer)).content

    def send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        prefer: str = "",
        mailbox: str = "",
        places: int = 1,
        once: bool = False,
    ) -> Json:
        """Change something; the JSON of the answer, or nothing.

        ``places``: how many requests it counts as; ``once``: not to be tried again, for it might then happen twice.
        """
        tries = 1 if once else TRIES
        answer = self._insist(method, path, mailbox, places, tries, json=body, headers=_prefer(prefer))
        return dict(answer.json()) if answer.content else {}

    def hold(self, mailbox: str, seconds: float) -> None:
        """Send nothing more about this mailbox for so long: Graph said so."""
        self._gates.of(mailbox).close_for(seconds)

    def when_lost(self, name: str, tell: OnLost) -> None:
        """Whom to tell when Entra refuses to sign it in, or Graph refuses a fresh token; one for each ``name``."""
        self._on_lost[name] = tell

    def sign_in_anew(self) -> None:
        """Get a fresh token, if only to see that we can; raises SignInFailed, GraphBusy."""
        self.forget_token()
        self._token()

    def find_grants(self) -> frozenset[str] | None:
        """The permissions that the present token says it has; None where it cannot be read."""
        return find_grants(self._token())

    def find_tenant(self) -> str:
        """The tenant that the present token says it is of; empty where it cannot be read."""
        return find_tenant(self._token())

    def prove_sign_in(self) -> None:
        """Get a fresh token and see that Graph takes it, whatever it then permits; raises SignInFailed, GraphBusy."""
        self.sign_in_anew()
        try:
            self.get("/users", params={"$select": "id", "$top": "1"})
        except GraphBusy:
            raise
        except GraphError as refusal:
            log.debug("graph.signed_in", status=refusal.status)

    def forget_token(self) -> None:
        """Look for another token before the next request: somebody has signed in anew."""
        self._sign_in.forget()

    def _insist(
        self, method: str, path: str, mailbox: str, places: int = 1, tries: int = TRIES, **options: Any
    ) -> requests.Response:
        gate = self._gates.of(mailbox)
        for attempt in range(1, tries + 1):
            try:
                return self._through_gate(gate, places, method, self._url(path), **options)
            except GraphBusy as busy:
                wait = max(busy.retry_after, USUAL_PAUSE * 2 ** (attempt - 1))
                if attempt == tries or not self._may_pause(wait):
                    raise
                log.info("graph.again", method=method, status=busy.status, code=busy.code, wait=busy.retry_after)
                self._pause(wait)
        raise AssertionError("unreachable: the last try returns or raises")

    def _through_gate(self, gate: MailboxGate, places: int, method: str, url: str, **options: Any) -> requests.Response:
        wait = gate.closed_for
        if wait and not self._may_pause(wait):
            raise GraphBusy(429, "TooManyRequests", "The mailbox is still throttled.", retry_after=wait)
        with gate.slots(places):
            if gate.closed_for:
                self._pause(gate.closed_for)
            try:
                return self._once(method, url, **options)
            except GraphBusy as busy:
                if busy.status == 429:
                    gate.close_for(busy.retry_after)
                raise

    def _may_pause(self, seconds: float) -> bool:
        return patience.allows(self._clock.steady(), seconds)

    def _pause(self, seconds: float) -> None:
        patience.spend(self._clock.steady(), seconds)
        self._clock.pause(seconds)
        tally.count("graph_paused_ms", round(seconds * 1000))

    def _once(self, method: str, url: str, *, renewed: bool = False, **options: Any) -> requests.Response:
        tally.count("graph_requests")
        try:
            answer = self._http.request(
                method,
                url,
                auth=_Bearer(self._token()),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as error:
            reason = {"code": "noAnswer", "message": f"No answer: {type(error).__name__}"}
            raise answer_failure(504, {"error": reason}, {}, USUAL_PAUSE) from error
        if answer.status_code == 401 and not renewed:
            self._sign_in.forget()
            return self._once(method, url, renewed=True, **options)
        if answer.status_code == 401:
            raise self._lost(token_refused(_failure(answer)))
        if answer.status_code == 429:
            tally.count("graph_throttled")
        if answer.status_code >= 300:
            raise _failure(answer)
        return answer

    def _token(self) -> str:
        try:
            return self._sign_in.token()
        except SignInFailed as failure:
            raise self._lost(failure) from failure

    def _lost(self, failure: SignInFailed) -> SignInFailed | GraphBusy:
        """Tell that this sign-in is lost: no other work shall try it in vain. Who has another one by now is not told
        again of this one; their work goes on later, with that.
        """
        if not failure.needs_person:
            return failure
        mended = [name for name, tell in list(self._on_lost.items()) if not tell(failure)]
        for name in mended:
            self._on_lost.pop(name, None)
        return sign_in_changed() if mended else failure

    def _url(self, path: str) -> str:
        if path.startswith("/"):
            return self.root + path
        if urlsplit(path)[:2] != urlsplit(self.root)[:2]:
            raise GraphError(0, "foreignLink", "A link of another host is not followed: it would be given our token.")
        return path


class _Bearer(AuthBase):
    """Puts the token on a request; as ``auth``, not as a header, so that requests reads no ``.netrc`` file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Brought:
    """One token, which cannot be renewed."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def token(self) -> str:
        return self._access_token

    def forget(self) -> None:
        """There is no other one."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """An account that lets us act in its name. ``name``: by which its client is known, ``permissions``: Graph's."""

    name: str
    vault: Vault
    permissions: Sequence[str]


class GraphClients:
    """One client for each connection, so that tokens and limits are shared by everything in this process."""

    def __init__(
        self, clock: Clock, http: requests.Session | None = None, local_cloud_url: str = "", identity: str = ""
    ) -> None:
        self._clock, self._http = clock, http or _session()
        self._local_cloud_url, self._identity = local_cloud_url, identity
        self._clients: dict[tuple[str, str, str, Kind, str, str], GraphClient] = {}
        self._lock = Lock()

    def get(
        self,
        *,
        tenant_id: str,
        client_id: str,
        secret: str,
        cloud: str,
        kind: Kind = "secret",
        delegation: Delegation | None = None,
    ) -> GraphClient:
        """The client of this app registration in this tenant, shared by all that use it: a mailbox's limits are counted
        for the app. A changed secret makes a new one.
        """
        key = (cloud, tenant_id, client_id, kind, secret, delegation.name if delegation else "")
        with self._lock:
            if key not in self._clients:
                credentials = self._credentials(tenant_id, client_id, secret, cloud, kind)
                sign_in = self._sign_in(credentials, delegation)
                self._clients[key] = GraphClient(credentials, self._http, self._clock, sign_in)
            return self._clients[key]

    def newly_signed_in(
        self, access_token: str, *, tenant_id: str, client_id: str, secret: str, cloud: str, kind: Kind = "secret"
    ) -> GraphClient:
        """A client with the token that a sign-in has just brought, and no other one: to see whose it is."""
        credentials = self._credentials(tenant_id, client_id, secret, cloud, kind)
        return GraphClient(credentials, self._http, self._clock, _Brought(access_token))

    def authorization(
        self, *, tenant_id: str, client_id: str, secret: str, cloud: str, kind: Kind = "secret"
    ) -> Authorization:
        """What signs people in for this app registration in this tenant."""
        credentials = self._credentials(tenant_id, client_id, secret, cloud, kind)
        return Authorization(credentials, self._http, self._clock)

    def find_cloud(self, tenant_id: str, cloud: str) -> str | None:
        """The name of the cloud that a tenant lives in, asked first in this one; None where nobody can tell."""
        return find_cloud(self._http, tenant_id, get_cloud(cloud, self._local_cloud_url))

    def _credentials(self, tenant_id: str, client_id: str, secret: str, cloud: str, kind: Kind) -> Credentials:
        place = get_cloud(cloud, self._local_cloud_url)
        return Credentials(tenant_id, client_id, kind, secret, self._identity, place)

    def _sign_in(self, credentials: Credentials, delegation: Delegation | None) -> TokenSource:
        if delegation is None:
            return SignIn(credentials, self._http, self._clock)
        return DelegatedSignIn(credentials, self._http, self._clock, delegation.vault, delegation.permissions)


def segment(text: str) -> str:
    """A value as one segment of a path: nothing in it can end the segment or begin a query."""
    return quote(text, safe="@")


def _prefer(text: str) -> dict[str, str]:
    return {"Prefer": text} if text else {}


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_connections=8, pool_maxsize=64))
    return session


def _failure(answer: requests.Response) -> GraphError:
    try:
        body: object = answer.json()
    except ValueError:
        body = None
    return answer_failure(answer.status_code, body, dict(answer.headers), _retry_after(answer))


def _retry_after(answer: requests.Response) -> float:
    """Seconds that Graph asks us to wait: a number, a date, or nothing.

    https://learn.microsoft.com/en-us/graph/throttling
    """
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    until, now = email.utils.parsedate_tz(text), email.utils.parsedate_tz(answer.headers.get("Date", ""))
    if until and now:
        return max(0.0, float(email.utils.mktime_tz(until) - email.utils.mktime_tz(now)))
    return DEFAULT_RETRY_AFTER if answer.status_code == 429 else USUAL_PAUSE
