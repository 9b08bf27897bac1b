"""Storage queues, in the encoding that the Functions host expects (base64).

The one request of the webhook's path is written by ourselves: half the SDK's processor time goes into the XML of it and
into policies that it needs none of. Signature, sign-in, retries and transport are Microsoft's.
https://learn.microsoft.com/en-us/rest/api/storageservices/put-message
"""

from __future__ import annotations

from base64 import b64encode
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.storage.sending import sender

if TYPE_CHECKING:
    from datetime import datetime

    from azure.storage.queue import QueueClient, QueueServiceClient

    from shared.work import Work

API_VERSION = "2021-02-12"
PATIENCE = {"connection_timeout": 1, "read_timeout": 2}
"""Seconds. The webhook has three: it fails fast, and Graph sends the notification again."""


class Queues:
    """All queues of the installation, by name; made on first use."""

    def __init__(self, service: QueueServiceClient, transport: Any = None) -> None:
        self._service = service
        self._url = service.url.rstrip("/")
        retry = RetryPolicy(retry_total=1, retry_backoff_factor=0, retry_on_methods=["POST"])
        self._sender = sender(self._url, service.credential, retry, transport, **PATIENCE)

    def put(self, work: Work, delay: float = 0) -> None:
        """Put work on its queue, to be seen after ``delay`` seconds (rounded up to whole ones)."""
        self.put_text(work.queue, work.traced().model_dump_json(), delay)

    def put_text(self, queue: str, text: str, delay: float = 0) -> None:
        """Put a message on a queue, which is made if need be."""
        content = f"<QueueMessage><MessageText>{b64encode(text.encode()).decode()}</MessageText></QueueMessage>"
        answer = self._post(f"{queue}/messages?visibilitytimeout={-int(-delay // 1)}", content)
        if answer.status_code == 404:
            self._create(queue)
            answer = self._post(f"{queue}/messages?visibilitytimeout={-int(-delay // 1)}", content)
        if answer.status_code != 201:
            raise HttpResponseError(response=answer)

    def _post(self, where: str, content: str) -> HttpResponse:
        headers = {"x-ms-version": API_VERSION, "x-ms-date": formatdate(usegmt=True), "Content-Type": "application/xml"}
        request = HttpRequest("POST", f"{self._url}/{where}", headers=headers, content=content)
        return self._sender.send_request(request)

    def length(self, queue: str) -> int:
        """About how many messages are on the queue, hidden ones included."""
        try:
            return self._client(queue).get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0

    def find_oldest(self, queue: str) -> datetime | None:
        """When the first of the visible messages was put; None where none is visible."""
        try:
            found = self._client(queue).peek_messages(max_messages=1)
        except ResourceNotFoundError:
            return None
        return found[0].inserted_on if found else None

    def _client(self, queue: str) -> QueueClient:
        return self._service.get_queue_client(queue)

    def _create(self, queue: str) -> None:
        try:
            self._client(queue).create_queue()
        except ResourceExistsError:
            return  # another worker was faster
