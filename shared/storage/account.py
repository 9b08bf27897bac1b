"""Clients of the storage account, by connection string or managed identity, and of the key vault.

Each SDK is loaded only when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.errors import Misconfigured

if TYPE_CHECKING:
    import requests

    from shared.settings import Settings
    from shared.storage.blobs import Blobs
    from shared.storage.queues import Queues
    from shared.storage.tables import Tables
    from shared.storage.vault import Vault


def open_tables(settings: Settings, transport: Any = None) -> Tables:
    """All tables of the account."""
    from azure.data.tables import TableServiceClient  # noqa: PLC0415 - not for the webhook, which needs no table

    from shared.storage.tables import Tables  # noqa: PLC0415 - the same
    from shared.storage.transactions import Transactions  # noqa: PLC0415 - the same

    service = _client(TableServiceClient, "table", settings, transport)
    return Tables(service, Transactions(service.url, service.credential, transport), settings.storage_prefix)


def open_queues(settings: Settings, transport: Any = None) -> Queues:
    """All queues of the account."""
    from azure.storage.queue import ExponentialRetry, QueueServiceClient  # noqa: PLC0415 - 60 ms that indexing spares

    from shared.storage.queues import PATIENCE, Queues  # noqa: PLC0415 - the same

    soon = ExponentialRetry(initial_backoff=0, increment_base=1, retry_total=1, random_jitter_range=0)
    return Queues(_client(QueueServiceClient, "queue", settings, transport, retry_policy=soon, **PATIENCE), transport)


def open_blobs(settings: Settings, transport: Any = None) -> Blobs:
    """The container of the account."""
    from azure.storage.blob import BlobServiceClient, ExponentialRetry  # noqa: PLC0415 - the webhook needs no blob

    from shared.storage.blobs import Blobs  # noqa: PLC0415 - the same

    # The SDK's own first pause is 15 s, longer than anything may sleep inside a function.
    soon = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3, random_jitter_range=1)
    service = _client(BlobServiceClient, "blob", settings, transport, retry_policy=soon)
    return Blobs(service, settings.storage_prefix, transport)


def open_vault(settings: Settings, http: requests.Session | None = None) -> Vault | None:
    """The key vault, None where none is configured. ``http`` carries all traffic; left out, it makes its own."""
    if not settings.key_vault_url:
        return None
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415 - 200 ms, only where there is a vault
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - 190 ms more
    from azure.keyvault.secrets import SecretClient  # noqa: PLC0415 - the same

    from shared.storage.vault import API_VERSION, PATIENCE, Vault, see_outage  # noqa: PLC0415 - the same

    options: dict[str, Any] = dict(PATIENCE)
    if http is not None:
        options["transport"] = RequestsTransport(session=http, session_owner=False)
    client_id = settings.identity_client_id or None
    identity = ManagedIdentityCredential(client_id=client_id, raw_response_hook=see_outage, **options)
    return Vault(SecretClient(settings.key_vault_url, identity, api_version=API_VERSION, **options))


def _client(kind: Any, service: str, settings: Settings, transport: Any, **options: Any) -> Any:
    from shared.storage.counted import Counted  # noqa: PLC0415 - with the SDK that it is for

    options["raw_request_hook"] = Counted().on_request
    if transport is not None:
        options["transport"] = transport
    connection = settings.storage_connection.get_secret_value()
    if connection:
        return kind.from_connection_string(connection, **options)
    name = "endpoint" if service == "table" else "account_url"
    return kind(**{name: _address(service, settings)}, credential=_identity(settings), **options)


def _address(service: str, settings: Settings) -> str:
    """Where a service of the account answers; raises Misconfigured."""
    told = {"blob": settings.blob_uri, "queue": settings.queue_uri, "table": settings.table_uri}[service]
    if told:
        return told
    if settings.storage_account:
        return f"https://{settings.storage_account}.{service}.core.windows.net"
    raise Misconfigured(
        "No storage account is configured.", "Set AzureWebJobsStorage or AzureWebJobsStorage__accountName."
    )


def _identity(settings: Settings) -> Any:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - 190 ms, only where no key is used

    return ManagedIdentityCredential(client_id=settings.identity_client_id or None)
