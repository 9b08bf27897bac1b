"""Whether an access token was issued by Entra, by one tenant of it, for one API, and holds now.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-tokens
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jwt
import requests

from shared.errors import Unauthorized
from shared.graph.limits import CLOCK_SKEW
from shared.graph.signing_keys import ALGORITHM, SigningKeys

if TYPE_CHECKING:
    from shared.clock import Clock

Claims = dict[str, Any]

LONGEST = 16_384
"""Characters. What Entra issues stays far below: beyond 200 groups a token refers to them instead of naming them.
https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference"""
_REQUIRED = ["iss", "aud", "exp", "nbf", "tid", "oid", "sub", "ver", "azp"]
_CURE = "Get a new access token (v2.0) for the app registration of this API from the tenant of this app."


class AccessTokens:
    """Checks tokens for the API that is registered as ``audience`` in this tenant."""

    def __init__(
        self, authority: str, *, tenant_id: str, audience: str, clock: Clock, http: requests.Session | None = None
    ) -> None:
        self._keys = SigningKeys(authority, tenant_id, http or requests.Session(), clock)
        self._tenant_id, self._audience, self._clock = tenant_id, audience, clock

    def check(self, token: str) -> Claims:
        """What a token says, once all of it is certain; raises Unauthorized, and Later if Entra cannot be asked."""
        key = self._keys.find(_key_id(token))
        if key is None:
            raise _refused("Entra signs with no such key as this token names.")
        claims = self._decoded(token, key)
        self._check_times(claims)
        if claims["tid"] != self._tenant_id:
            raise _refused("The token was issued by another tenant.")
        _check_kind(claims)
        return claims

    def _decoded(self, token: str, key: jwt.PyJWK) -> Claims:
        """The claims, their signature, issuer and audience checked; of time PyJWT would ask a clock of its own."""
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._keys.issuer,
                audience=self._audience,
                options={
                    "require": _REQUIRED,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidAudienceError:
            raise _refused("The token was issued for another API.") from None
        except jwt.InvalidIssuerError:
            raise _refused("The token was issued by somebody else than Entra, or by another tenant.") from None
        except jwt.PyJWTError:
            raise _refused("The signature of the token is wrong, or claims are missing.") from None

    def _check_times(self, claims: Claims) -> None:
        now = self._clock.now().timestamp()
        begins, ends = claims["nbf"], claims["exp"]
        if not (_is_number(begins) and begins - CLOCK_SKEW <= now):
            raise _refused("The token does not hold yet.")
        if not (_is_number(ends) and now < ends + CLOCK_SKEW):
            raise _refused("The token has expired.")


def _key_id(token: str) -> str:
    """The id of the key that a token claims to be signed with; nothing of this is certain yet."""
    if len(token) > LONGEST:
        raise _refused("The token is longer than any that Entra issues.")
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise _refused("This is no token.") from None
    if head.get("alg") != ALGORITHM:
        raise _refused(f"The token is not signed with {ALGORITHM}.")
    return str(head.get("kid", ""))


def _check_kind(claims: Claims) -> None:
    """An ID token has the same audience and roles, and says nothing about who may call: it has no ``azp``, no ``scp``.

    A token for a person names scopes (``scp``); one for an app itself has its object id as subject.
    https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    """
    if claims["ver"] != "2.0" or not isinstance(claims["oid"], str) or not claims["oid"]:
        raise _refused("This is no access token of version 2.0.")
    if not claims.get("scp") and claims["sub"] != claims["oid"]:
        raise _refused("The token allows nobody to call this API.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refused(cause: str) -> Unauthorized:
    return Unauthorized(cause, _CURE)
