"""Storage queues, in the encoding that the Functions host expects (base64)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient, QueueServiceClient

    from shared.work import Work


class Queues:
    """All queues of the installation, by name; made on first use."""

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    def put(self, work: Work, delay: float = 0) -> None:
        """Put work on its queue, to be seen after ``delay`` seconds (rounded up to whole ones)."""
        self.put_text(work.queue, work.model_dump_json(), delay)

    def put_text(self, queue: str, text: str, delay: float = 0) -> None:
        """Put a message on a queue."""
        client, hidden = self._client(queue), -int(-delay // 1)
        try:
            client.send_message(text, visibility_timeout=hidden)
        except ResourceNotFoundError:
            self._create(client)
            client.send_message(text, visibility_timeout=hidden)

    def length(self, queue: str) -> int:
        """About how many messages are on the queue, hidden ones included."""
        try:
            return self._client(queue).get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0

    def _client(self, queue: str) -> QueueClient:
        client = self._clients.get(queue)
        if client is None:
            client = self._clients[queue] = self._service.get_queue_client(
                queue, message_encode_policy=TextBase64EncodePolicy(), message_decode_policy=TextBase64DecodePolicy()
            )
        return client

    @staticmethod
    def _create(client: QueueClient) -> None:
        try:
            client.create_queue()
        except ResourceExistsError:
            return  # another worker was faster
