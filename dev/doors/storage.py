"""Clients for the queues that wake functions."""

import re
from collections.abc import Mapping

from azure.storage.queue import QueueClient

from dev.azurite import Azurite


def queue_client(connection: Mapping[str, str], queue: str) -> QueueClient:
    """Return a client for a queue; `connection` as `settings.find_connection` gives it."""
    text = connection.get("")
    if text is None:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415  # slow to import, and seldom needed here

        return QueueClient(_account_url(connection), queue, credential=DefaultAzureCredential())
    if re.fullmatch(r"UseDevelopmentStorage=true;?", text.strip(), re.IGNORECASE):
        text = Azurite(ports={"blob": 10000, "queue": 10001, "table": 10002}).connection_string
    return QueueClient.from_connection_string(text, queue)


def _account_url(connection: Mapping[str, str]) -> str:
    url = connection.get("__queueServiceUri") or connection.get("__serviceUri")
    return url or f"https://{connection['__accountName']}.queue.core.windows.net"
