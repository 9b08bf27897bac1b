"""A certificate that lives in the key vault is renewed there; its connection takes the new one up when Entra does.

The vault makes a new version by itself, and nobody tells Entra: until its public part is uploaded there, only the old
one is accepted. https://learn.microsoft.com/en-us/azure/key-vault/certificates/tutorial-rotate-certificates
"""

from __future__ import annotations

from shared import log
from shared.connections import alerts, safekeeping, store
from shared.connections.safekeeping import Credential
from shared.connections.store import Connection
from shared.graph.errors import SignInFailed
from shared.runtime import Runtime


def follow(rt: Runtime, connection: Connection) -> bool:
    """Let a connection go on with the newest version of its certificate, if Entra takes that; whether it does.

    Raises RowChanged where somebody is changing it, BadInput, VaultRefused, VaultAway, GraphBusy.
    """
    if not connection.vault_certificate:
        return False
    newest = safekeeping.read_vault_certificate(rt, connection.vault_certificate)
    if newest.vault_version == connection.vault_version or not _is_accepted(rt, connection, newest):
        return False
    store.follow_vault(rt, connection, newest)
    log.info("connection.certificate_renewed", connection_id=connection.connection_id, thumbprint=newest.thumbprint)
    return True


def _is_accepted(rt: Runtime, connection: Connection, newest: Credential) -> bool:
    """Whether Entra gives a token for it; where it refuses, people are told once what to upload."""
    client = rt.graph.get(
        tenant_id=connection.tenant_id,
        client_id=connection.client_id,
        secret=newest.secret,
        cloud=connection.cloud,
        kind=newest.kind,
    )
    try:
        client.sign_in_anew()
    except SignInFailed as failure:
        _tell(rt, connection, newest, failure)
        return False
    return True


def _tell(rt: Runtime, connection: Connection, newest: Credential, failure: SignInFailed) -> None:
    name = connection.vault_certificate
    cause = (
        f"The key vault has renewed the certificate {name} of {connection.name} (thumbprint {newest.thumbprint}, until "
        f"{newest.ends_at[:10]}), and Entra does not take the new one; the connection goes on with the old one, until "
        f"{connection.ends_at[:10]}. {failure.cause}"
    )
    cure = (
        "Download the new version in CER format from the vault and upload it in Entra (App registrations, "
        "Certificates & secrets). It is taken up within the hour."
    )
    key = f"{connection.connection_id}~renewed~{newest.vault_version}"
    alerts.raise_alert(rt, key, "certificate_renewed", connection, cause=cause, cure=cure)
