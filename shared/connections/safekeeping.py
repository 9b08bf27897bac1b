"""Where the secret of a connection is kept: in Key Vault where one is configured, else sealed in the connection's row.

In a vault it is one version of a secret, which the row names. A version is written before the row that names it, and
switched off after the row has named another one: whoever dies in between leaves at worst a version that nothing uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared import log
from shared.errors import BadInput, Misconfigured
from shared.graph.errors import SignInFailed
from shared.graph.proofs import read_certificate
from shared.graph.vault_certificates import FIELD, PEM, to_pem
from shared.storage.vault_errors import VaultAway, VaultRefused

if TYPE_CHECKING:
    from shared.connections.store import Connection
    from shared.graph.proofs import Kind
    from shared.runtime import Runtime
    from shared.storage.vault import Vault, VaultSecret

LARGEST_IN_VAULT = 25 * 1024
"""Bytes. https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets"""
REMEMBERED_SECONDS = 10 * 60
"""A version never changes; but it may be switched off, and a secret shall not lie in memory for ever."""
LONGER_SECONDS = 60
"""For so long the vault is not asked again that did not answer, where what it said before is known."""
_KEPT_FOR_A_CONNECTION = re.compile("deskbridge-[0-9a-f]{8}-", re.IGNORECASE)
"""How the names begin that ``name_in_vault`` gives, here and in other installations that share the vault."""
_CONTENT_TYPES: dict[str, str] = {"secret": "text/plain", "certificate": PEM}


@dataclass(frozen=True, slots=True)
class Credential:
    """What an app proves itself with. ``secret``: the client secret, or key and certificate as one PEM text.

    ``vault_certificate``: the name of the vault's own certificate that it is, in its version ``vault_version``.
    """

    kind: Kind
    secret: str = ""
    thumbprint: str = ""
    ends_at: str = ""
    vault_certificate: str = ""
    vault_version: str = ""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Credential({self.kind}, {self.thumbprint}, {self.ends_at}, {self.vault_certificate})"


@dataclass(frozen=True, slots=True)
class _Remembered:
    secret: str = field(repr=False)
    until: float


def context_of(connection_id: str) -> str:
    """The context that the secret of a connection is sealed in."""
    return f"connection/{connection_id}"


def name_in_vault(rt: Runtime, connection_id: str) -> str:
    """The name of a connection's secret, at most 84 of the characters that Key Vault allows.

    https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates#objects-identifiers-and-versioning
    """
    return f"deskbridge-{rt.settings.installation}-{connection_id}"


def keep(rt: Runtime, connection_id: str, credential: Credential) -> dict[str, str]:
    """Put a credential where it belongs; the columns that lead to it. Raises VaultRefused, VaultAway."""
    columns = {
        "credential": credential.kind,
        "thumbprint": credential.thumbprint,
        "ends_at": credential.ends_at,
        "sealed_secret": "",
        "vault_secret": "",
        "vault_certificate": credential.vault_certificate,
        "vault_version": credential.vault_version,
    }
    if credential.vault_certificate:
        return columns
    if rt.vault is None or not credential.secret:
        return {**columns, "sealed_secret": rt.keys.seal(credential.secret, context=context_of(connection_id))}
    name, about = name_in_vault(rt, connection_id), {"application": "deskbridge", "connection": connection_id}
    content_type = _CONTENT_TYPES[credential.kind]
    version = rt.vault.put(name, credential.secret, content_type=content_type, tags=about)
    return {**columns, "vault_secret": name, "vault_version": version}


def left_behind(before: Connection, columns: dict[str, str]) -> str:
    """The versions that are to be switched off once these columns are written: what the row named, and still does."""
    named = f"{before.vault_secret}/{before.vault_version}" if before.vault_secret else ""
    kept = f"{columns['vault_secret']}/{columns['vault_version']}"
    return " ".join(each for each in (*before.vault_stale.split(), named) if each and each != kept)


def switch_off(rt: Runtime, versions: str) -> bool:
    """Switch off the versions that a row has left behind; whether that is done. If not, the hourly look tries again."""
    if rt.vault is None:
        return False
    try:
        for each in versions.split():
            name, _, version = each.partition("/")
            rt.vault.disable(name, version)
    except (VaultRefused, VaultAway) as failure:
        log.warning("vault.version_left_on", reason=failure.cause)
        return False
    return True


def secret_of(rt: Runtime, connection: Connection) -> str:
    """The secret of a connection; raises Misconfigured, VaultAway, and SignInFailed where the vault refuses it."""
    key, now = _reference(connection), rt.clock.steady()
    if not key[0]:
        return rt.keys.unseal(connection.sealed_secret, context=context_of(connection.connection_id))
    memory: dict[tuple[str, str], _Remembered] = rt.memory.setdefault("vault_secrets", {})
    known = memory.get(key)
    if known is None or known.until <= now:
        memory[key] = known = _look_up(rt, connection, known)
    return known.secret


def is_same(rt: Runtime, one: Connection, other: Connection) -> bool:
    """Whether both have the same secret. Of the vault's, which may be away, the version is compared, and no value."""
    if any(each.vault_secret or each.vault_certificate for each in (one, other)):
        return _reference(one) == _reference(other)
    return secret_of(rt, one) == secret_of(rt, other)


def _reference(connection: Connection) -> tuple[str, str]:
    """The name of a secret in the vault, empty where it lies in storage, and its version."""
    return connection.vault_secret or connection.vault_certificate, connection.vault_version


def _look_up(rt: Runtime, connection: Connection, known: _Remembered | None) -> _Remembered:
    """From the vault; while that is away, what it said before goes on to hold."""
    now = rt.clock.steady()
    try:
        found = _opened(rt, connection).get(*_reference(connection))
    except VaultAway as away:
        if known is None:
            raise
        log.warning("vault.away", connection_id=connection.connection_id, reason=away.cause)
        return replace(known, until=now + LONGER_SECONDS)
    except VaultRefused as refused:
        rt.memory.pop("vault_secrets", None)
        raise SignInFailed(refused.code, refused.cause, refused.cure) from refused
    return _Remembered(found.value if connection.vault_secret else _pair(found), now + REMEMBERED_SECONDS)


def _opened(rt: Runtime, connection: Connection) -> Vault:
    if rt.vault is None:
        raise Misconfigured(
            f"The secret of {connection.connection_id} lies in a key vault (as {_reference(connection)[0]}), and "
            "KEY_VAULT_URL is not set.",
            "Set KEY_VAULT_URL to that vault again, or enter the secret of the connection anew.",
        )
    return rt.vault


def _pair(found: VaultSecret) -> str:
    try:
        return to_pem(found.value, found.content_type)
    except BadInput as unusable:
        raise SignInFailed("vaultCertificateUnusable", unusable.cause, unusable.cure) from unusable


def read_vault_certificate(rt: Runtime, name: str) -> Credential:
    """The newest version of a certificate that lives in the vault; raises BadInput, VaultRefused, VaultAway."""
    if rt.vault is None:
        raise BadInput(FIELD, "There is no key vault.", "Set KEY_VAULT_URL to the vault that has the certificate.")
    if _KEPT_FOR_A_CONNECTION.match(name):
        raise BadInput(FIELD, "Under this name the secret of a connection is kept.", "Name a certificate of your own.")
    found = rt.vault.get(name)
    pem = to_pem(found.value, found.content_type)
    try:
        about = read_certificate(pem)
    except BadInput as unusable:
        raise BadInput(FIELD, unusable.cause, unusable.cure) from None
    return Credential("certificate", pem, about.thumbprint, about.ends_at, name, found.version)
