"""Reading what an app is to prove itself with: one of three ways, each looked at before it is kept."""

from datetime import UTC, date, datetime, time

from pydantic import Field

from shared.api.values import Body, ClientSecret, Pem
from shared.clock import to_text
from shared.connections.store import Credential
from shared.errors import BadInput
from shared.graph.proofs import read_certificate


class GivenCredential(Body):
    """What the app proves itself with: one of the three."""

    client_secret: ClientSecret | None = Field(
        default=None, description="The *Value* of a client secret, not its Secret ID."
    )
    secret_ends_on: date | None = Field(
        default=None, strict=False, description="The day on which Entra lets the secret end (UTC)."
    )
    certificate: Pem | None = Field(
        default=None, description="Private key, without a password, and certificate in one PEM text."
    )
    managed_identity: bool = Field(
        default=False,
        description="The app's own managed identity, which the app registration trusts: no secret at all.",
    )


def read_credential(given: GivenCredential) -> Credential:
    """The one credential that was given; raises BadInput where it is none, or several, or cannot be one."""
    chosen = [each for each in (given.client_secret, given.certificate, given.managed_identity) if each]
    if len(chosen) != 1:
        found = "None was given." if not chosen else "More than one was given."
        raise BadInput("client_secret", found, "Give one of client_secret, certificate and managed_identity.")
    if given.secret_ends_on and not given.client_secret:
        raise BadInput("secret_ends_on", "Only a client secret has this.", "Leave it out.")
    if given.client_secret:
        return Credential("secret", _secret_value(given.client_secret.get_secret_value()), ends_at=_end(given))
    if given.certificate:
        pem = given.certificate.get_secret_value()
        about = read_certificate(pem)
        return Credential("certificate", pem, about.thumbprint, about.ends_at)
    return Credential("identity")


def _end(given: GivenCredential) -> str:
    day = given.secret_ends_on
    return to_text(datetime.combine(day, time.max, UTC)) if day else ""


def _secret_value(secret: str) -> str:
    """The secret, if it can be one; Entra shows its value only once, its id ever after."""
    if any(not char.isprintable() for char in secret):
        raise BadInput("client_secret", "The secret holds characters that no client secret has.", "Copy it again.")
    if len(secret) == 36 and secret.count("-") == 4:
        raise BadInput(
            "client_secret",
            "This looks like the Secret ID.",
            "Enter the Value, which Entra shows only when it is made.",
        )
    return secret
