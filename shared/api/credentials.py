"""Reading what an app is to prove itself with: one of four ways, each looked at before it is kept."""

from datetime import UTC, date, datetime, time

from pydantic import Field

from shared.api.values import Body, ClientSecret, Pem, VaultName
from shared.clock import to_text
from shared.connections.safekeeping import LARGEST_IN_VAULT, Credential, read_vault_certificate
from shared.errors import BadInput
from shared.graph.proofs import read_certificate
from shared.runtime import Runtime
from shared.storage.vault_errors import VaultRefused


class GivenCredential(Body):
    """What the app proves itself with: one of the four."""

    client_secret: ClientSecret | None = Field(
        default=None, description="The *Value* of a client secret, not its Secret ID."
    )
    secret_ends_on: date | None = Field(
        default=None, strict=False, description="The day on which Entra lets the secret end (UTC)."
    )
    certificate: Pem | None = Field(
        default=None, description="Private key, without a password, and certificate in one PEM text."
    )
    vault_certificate: VaultName | None = Field(
        default=None,
        description="The name of a certificate in the app's key vault; what the vault renews is taken up by itself.",
    )
    managed_identity: bool = Field(
        default=False,
        description="The app's own managed identity, which the app registration trusts: no secret at all.",
    )


def read_credential(rt: Runtime, given: GivenCredential) -> Credential:
    """The one credential that was given; raises BadInput where it is none, or several, or cannot be one.

    A certificate of the vault is looked at there; raises VaultRefused, VaultAway where that fails.
    """
    _check_one(given)
    if given.vault_certificate:
        return _of_vault(rt, given.vault_certificate)
    if given.client_secret:
        return Credential("secret", _secret_value(given.client_secret.get_secret_value()), ends_at=_end(given))
    if given.certificate:
        pem = given.certificate.get_secret_value()
        about = read_certificate(pem)
        if rt.settings.key_vault_url and len(pem.encode()) > LARGEST_IN_VAULT:
            cure = "Leave out the certificates of the issuers."
            raise BadInput("certificate", f"A key vault takes {LARGEST_IN_VAULT} bytes, and this has more.", cure)
        return Credential("certificate", pem, about.thumbprint, about.ends_at)
    return Credential("identity")


def _check_one(given: GivenCredential) -> None:
    ways = (given.client_secret, given.certificate, given.vault_certificate, given.managed_identity)
    chosen = [each for each in ways if each]
    if len(chosen) != 1:
        found = "None was given." if not chosen else "More than one was given."
        cure = "Give one of client_secret, certificate, vault_certificate and managed_identity."
        raise BadInput("client_secret", found, cure)
    if given.secret_ends_on and not given.client_secret:
        raise BadInput("secret_ends_on", "Only a client secret has this.", "Leave it out.")


def _of_vault(rt: Runtime, name: str) -> Credential:
    try:
        return read_vault_certificate(rt, name)
    except VaultRefused as refused:
        if refused.code in ("SecretNotFound", "SecretDisabled"):
            raise BadInput("vault_certificate", refused.cause, refused.cure) from refused
        raise


def _end(given: GivenCredential) -> str:
    day = given.secret_ends_on
    return to_text(datetime.combine(day, time.max, UTC)) if day else ""


def _secret_value(secret: str) -> str:
    """The secret, if it can be one; Entra shows its value only once, its id ever after.

    What was pasted along with it at either end goes: no secret that Entra makes begins or ends with a space.
    """
    secret = secret.strip()
    if any(not char.isprintable() for char in secret):
        raise BadInput("client_secret", "The secret holds characters that no client secret has.", "Copy it again.")
    if len(secret) == 36 and secret.count("-") == 4:
        raise BadInput(
            "client_secret",
            "This looks like the Secret ID.",
            "Enter the Value, which Entra shows only when it is made.",
        )
    return secret
