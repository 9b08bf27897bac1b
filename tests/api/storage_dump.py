"""Everything that a test's app has stored, to compare before and after."""

from __future__ import annotations

from typing import Any

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dev.azurite import Azurite
from tests.world import World


def dump(azurite: Azurite, world: World) -> dict[str, Any]:
    """Every row of every table, every message's text and every blob's name."""
    prefix = world.rt.settings.storage_prefix
    tables = TableServiceClient.from_connection_string(azurite.connection_string)
    rows = {
        each.name: sorted(
            ({**row, "etag": row.metadata["etag"]} for row in tables.get_table_client(each.name).list_entities()),
            key=lambda row: (row["PartitionKey"], row["RowKey"]),
        )
        for each in tables.list_tables()
        if each.name.startswith(prefix)
    }
    return {"rows": rows, "messages": _messages(azurite), "blobs": _blobs(azurite, prefix)}


def _messages(azurite: Azurite) -> dict[str, int]:
    service = QueueServiceClient.from_connection_string(azurite.connection_string)
    return {
        each.name: service.get_queue_client(each.name).get_queue_properties().approximate_message_count or 0
        for each in service.list_queues()
    }


def _blobs(azurite: Azurite, prefix: str) -> list[str]:
    service = BlobServiceClient.from_connection_string(azurite.connection_string)
    containers = [each.name for each in service.list_containers() if each.name.startswith(prefix)]
    return [blob.name for name in containers for blob in service.get_container_client(name).list_blobs()]
