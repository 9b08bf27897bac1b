"""Clients for the storage that the host itself uses: the queues that wake functions, the state of its timers."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from dev.azurite import Azurite

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential


def queue_client(connection: Mapping[str, str], queue: str) -> QueueClient:
    """Return a client for a queue; `connection` as `settings.find_connection` gives it."""
    text = _connection_string(connection)
    if text is None:
        return QueueClient(_account_url(connection, "queue"), queue, credential=_credential())
    return QueueClient.from_connection_string(text, queue)


def container_client(connection: Mapping[str, str], container: str) -> ContainerClient:
    """Return a client for a blob container; `connection` as `settings.find_connection` gives it."""
    text = _connection_string(connection)
    if text is None:
        return ContainerClient(_account_url(connection, "blob"), container, credential=_credential())
    return ContainerClient.from_connection_string(text, container)


def _connection_string(connection: Mapping[str, str]) -> str | None:
    text = connection.get("")
    if text and re.fullmatch(r"UseDevelopmentStorage=true;?", text.strip(), re.IGNORECASE):
        return Azurite(ports={"blob": 10000, "queue": 10001, "table": 10002}).connection_string
    return text


def _account_url(connection: Mapping[str, str], service: str) -> str:
    url = connection.get(f"__{service}ServiceUri") or connection.get("__serviceUri")
    return url or f"https://{connection['__accountName']}.{service}.core.windows.net"


def _credential() -> "DefaultAzureCredential":
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  # slow to import, and seldom needed here

    return DefaultAzureCredential()
