"""Tokens for Microsoft Graph in the name of one account: renewed without it, for as long as Entra goes along.

https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from shared.graph.errors import SignInFailed, nobody_signed_in, sign_in_failure
from shared.graph.limits import RENEW_TOKEN_WHEN_LEFT
from shared.graph.sign_in import Credentials, asking_entra, open_app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import msal
    import requests

    from shared.clock import Clock


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in leaves us. ``ends``: the end of the access token, aware."""

    access_token: str
    refresh_token: str
    ends: datetime

    def __repr__(self) -> str:
        """Everything but the secrets."""
        return f"Tokens(until {self.ends})"


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens as they are stored. ``version`` is another one after every change."""

    tokens: Tokens
    version: str


class Vault(Protocol):
    """Where the tokens of one account are kept, for all processes."""

    def load(self) -> Kept | None:
        """What is kept now; None where nobody has signed in."""

    def save(self, tokens: Tokens, version: str) -> bool:
        """Keep other tokens instead of those of this version; False if somebody else was faster."""


class DelegatedSignIn:
    """The sign-in of one account, with permissions that it delegated to the app.

    In a process one thread renews and the others wait. Several processes may renew at the same time: Entra lets a
    refresh token be used more than once, and who saves last takes what the first one saved.
    """

    def __init__(
        self, credentials: Credentials, http: requests.Session, clock: Clock, vault: Vault, permissions: Sequence[str]
    ) -> None:
        self._credentials, self._http, self._clock, self._vault = credentials, http, clock, vault
        self._scopes = credentials.cloud.scopes(permissions)
        self._lock = Lock()
        self._app: msal.ConfidentialClientApplication | None = None
        self._held: Tokens | None = None
        self._refused = ""

    def token(self) -> str:
        """An access token that is valid for minutes at least; raises SignInFailed, or GraphBusy if Entra is away.

        SignInFailed means that a person has to sign in; msal does not repeat a refused request within a minute.
        """
        with self._lock:
            if self._held is None or not self._is_good(self._held):
                self._held = self._renewed()
            return self._held.access_token

    def forget(self) -> None:
        """Do not use the present token again: Graph refused it, or somebody signed in anew."""
        with self._lock:
            self._refused = self._held.access_token if self._held else ""
            self._app = self._held = None

    def _renewed(self) -> Tokens:
        kept = self._vault.load()
        if kept is None:
            raise nobody_signed_in()
        if self._is_good(kept.tokens):
            return kept.tokens
        try:
            tokens = self._ask(kept.tokens.refresh_token)
        except SignInFailed:
            if newer := self._newer_than(kept.version):
                return newer
            raise
        return tokens if self._vault.save(tokens, kept.version) else self._newer_than(kept.version) or tokens

    def _newer_than(self, version: str) -> Tokens | None:
        """What another process, or a person who signed in anew, has put there since."""
        latest = self._vault.load()
        return latest.tokens if latest and latest.version != version else None

    def _is_good(self, tokens: Tokens) -> bool:
        left = tokens.ends - self._clock.now()
        return left > timedelta(seconds=RENEW_TOKEN_WHEN_LEFT) and tokens.access_token != self._refused

    def _ask(self, refresh_token: str) -> Tokens:
        with asking_entra():
            self._app = self._app or open_app(self._credentials, self._http)
            answer = self._app.acquire_token_by_refresh_token(refresh_token, self._scopes)
        if "access_token" not in answer:
            raise sign_in_failure(answer)
        return read_tokens(answer, self._clock, refresh_token)


def read_tokens(answer: Mapping[str, Any], clock: Clock, refresh_token: str = "") -> Tokens:
    """The tokens in an answer of msal. ``refresh_token``: what goes on to hold where the answer brings no other one."""
    ends = clock.now() + timedelta(seconds=float(answer.get("expires_in", 0)))
    return Tokens(str(answer["access_token"]), str(answer.get("refresh_token") or refresh_token), ends)
