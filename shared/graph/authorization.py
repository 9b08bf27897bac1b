"""A person signs in for the app: where their browser is sent to, and what becomes of what they bring back.

The authorization code flow with PKCE, by msal: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.graph.delegated_sign_in import Tokens, read_tokens
from shared.graph.errors import GraphBusy, SignInFailed, sign_in_failure
from shared.graph.sign_in import Credentials, asking_entra, open_app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

    from shared.clock import Clock

type Flow = dict[str, Any]
"""What msal must know again when the browser comes back: state, nonce and PKCE verifier. A secret."""

_AGAIN = "Begin the sign-in again."
_NUMBER = re.compile(r"AADSTS(\d{4,8}):")
_WORD = re.compile(r"[a-z_]{1,40}")
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account that has signed in. ``account``: its user principal name, ``object_id``: its id in the tenant."""

    account: str
    object_id: str
    tokens: Tokens


class Authorization:
    """Signs people in for one app registration in one tenant."""

    def __init__(self, credentials: Credentials, http: requests.Session, clock: Clock) -> None:
        self._credentials, self._http, self._clock = credentials, http, clock

    def begin(self, permissions: Sequence[str], redirect_uri: str, *, account: str = "") -> Flow:
        """Where to send the browser (``auth_uri``), with what has to be known when it comes back.

        ``account`` is proposed to the person. Raises SignInFailed where the tenant is unknown, GraphBusy.
        """
        with asking_entra():
            flow: Flow = open_app(self._credentials, self._http).initiate_auth_code_flow(
                self._credentials.cloud.scopes(permissions),
                redirect_uri=redirect_uri,
                prompt="select_account",
                login_hint=account or None,
            )
        return flow

    def redeem(self, flow: Flow, brought: Mapping[str, str]) -> SignedIn:
        """Make tokens of what the browser brought back; raises SignInFailed where anything is not as it should be."""
        if "code" not in brought:
            raise _refusal(brought)
        try:
            with asking_entra():
                answer = open_app(self._credentials, self._http).acquire_token_by_auth_code_flow(flow, dict(brought))
        except RuntimeError:  # msal's word for another nonce; its text holds both
            raise SignInFailed("other_nonce", "The answer of Entra belongs to another sign-in.", _AGAIN) from None
        if "access_token" not in answer:
            raise sign_in_failure(answer)
        return self._checked(answer, flow)

    def _checked(self, answer: Mapping[str, Any], flow: Flow) -> SignedIn:
        """Msal checks the nonce, if there is an ID token at all, and leaves all other claims to us.

        The token came from Entra itself over TLS, so that its signature need not be checked again:
        https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
        """
        claims = answer.get("id_token_claims") or {}
        if claims.get("aud") != self._credentials.client_id or not claims.get("oid") or not answer.get("refresh_token"):
            raise SignInFailed("incomplete", "The answer of Entra names no account, or no refresh token.", _AGAIN)
        tenant = self._credentials.tenant_id
        if {claims.get("tid"), _home_tenant(answer)} != {tenant}:
            cure = "Sign in with an account of this tenant that is no guest."
            raise SignInFailed("other_tenant", f"This account does not belong to the tenant {tenant}.", cure)
        if missing := _permissions(flow["scope"]) - _permissions(str(answer.get("scope", "")).split()):
            cure = "Sign in again and consent to all permissions."
            raise SignInFailed("less_granted", f"Entra did not grant {', '.join(sorted(missing))}.", cure)
        account = str(claims.get("preferred_username") or claims["oid"])
        return SignedIn(account, str(claims["oid"]), read_tokens(answer, self._clock))


def _refusal(brought: Mapping[str, str]) -> SignInFailed | GraphBusy:
    """The refusal that the browser brought. All of it may be written by whoever knows the state."""
    error, text = brought.get("error", ""), brought.get("error_description", "")
    if not error:
        return SignInFailed("no_code", "The browser came back without an answer of Entra.", _AGAIN)
    number = _NUMBER.match(text)
    return sign_in_failure(
        {
            "error": error if _WORD.fullmatch(error) else "unknown_error",
            "error_description": text[:_LONGEST_MESSAGE],
            "error_codes": [int(number[1])] if number else [],
        }
    )


def _home_tenant(answer: Mapping[str, Any]) -> str:
    """The tenant that the account comes from; of a guest it is another one than that of the token."""
    part = str(answer.get("client_info", ""))
    try:
        return str(json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))["utid"])
    except (ValueError, KeyError, TypeError):
        return ""


def _permissions(scopes: Sequence[str]) -> set[str]:
    """Permissions without their resource, which Entra may leave out; what OpenID Connect asks for is none."""
    names = {scope.rpartition("/")[2].lower() for scope in scopes}
    return names - {"openid", "profile", "email", "offline_access"}
