"""The sign-in of the account in whose name a connection acts: begun here, ended where Entra sends the browser."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs, sets_up
from shared.api.values import Output, Slug
from shared.connections import consent, store, tokens

router = APIRouter(prefix="/connections", tags=["connections"])

_REDIRECT_URI = "The redirect URI, platform *Web*, that the app registration must name, letter by letter."


class BegunSignIn(Output):
    """A sign-in that waits for a person."""

    url: str = Field(description="What to open in a browser. Whoever signs in there, signs in for the connection.")
    redirect_uri: str = Field(description=_REDIRECT_URI)
    expires_at: datetime


class SignIn(Output):
    """Who signed in for a connection; null where nobody has."""

    redirect_uri: str = Field(description=_REDIRECT_URI)
    account: str | None = None
    signed_in_at: datetime | None = None


@router.get("/{connection_id}/sign-in", openapi_extra=needs(Role.READER), responses=documented(404))
def get_sign_in(rt: Rt, connection_id: Slug) -> SignIn:
    """Read who signed in for a connection."""
    store.get(rt, connection_id)
    found = tokens.find_account(rt, connection_id)
    about = {"account": found.account, "signed_in_at": found.signed_in_at} if found else {}
    return SignIn.model_validate({"redirect_uri": consent.redirect_uri(rt), **about})


@router.post("/{connection_id}/sign-in", openapi_extra=sets_up(), responses=documented(404, 409))
def begin_sign_in(rt: Rt, caller: Admitted, connection_id: Slug) -> BegunSignIn:
    """Begin the sign-in of an account, for a connection with the method `delegated`."""
    store.get(rt, connection_id)
    with audit.recorded(rt, caller, "connection.sign_in_begun", connection_id):
        begun = consent.begin(rt, connection_id, begun_by=caller.name, begun_by_id=caller.object_id)
    return BegunSignIn.model_validate(begun)
