"""Blobs: originals of mails, attachments, bodies too large for a row, and what a run of the directory works on.

Each mail waits for the writing of some: that is a request of our own, at two thirds of the SDK's processor time. Its
signature, sign-in, retries and transport are Microsoft's, and so is all the rest.
https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob
"""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.errors import NotFound
from shared.storage.sending import sender

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient

CONTAINER = "mail"
API_VERSION = "2021-12-02"
"""With it one request may bring 5,000 MiB."""


class Blobs:
    """The installation's one container, made on first use."""

    def __init__(self, service: BlobServiceClient, prefix: str = "", transport: Any = None) -> None:
        self._container: ContainerClient = service.get_container_client(prefix + CONTAINER)
        self._url = self._container.url
        retry = RetryPolicy(retry_total=3, retry_backoff_factor=1, retry_backoff_max=4)
        self._sender = sender(self._url, service.credential, retry, transport)

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a blob whole; writing the same again changes nothing."""
        answer = self._upload(name, data, content_type)
        if answer.status_code == 404:
            self._create()
            answer = self._upload(name, data, content_type)
        if answer.status_code != 201:
            raise HttpResponseError(response=answer)

    def get(self, name: str) -> bytes:
        """The bytes of a blob; raises NotFound."""
        try:
            return self._container.get_blob_client(name).download_blob().readall()
        except ResourceNotFoundError:
            raise NotFound(
                f"The stored file {name} does not exist.", "It was removed from the storage account."
            ) from None

    def delete(self, name: str) -> None:
        """Remove a blob; no matter if it is gone."""
        try:
            self._container.get_blob_client(name).delete_blob()
        except ResourceNotFoundError:
            return

    def delete_all(self, prefix: str) -> None:
        """Remove every blob whose name begins so."""
        for name in self.list_names(prefix):
            self.delete(name)

    def list_names(self, prefix: str) -> list[str]:
        """The blobs whose names begin so."""
        try:
            return list(self._container.list_blob_names(name_starts_with=prefix))
        except ResourceNotFoundError:  # there is no container yet
            return []

    def _upload(self, name: str, data: bytes, content_type: str) -> HttpResponse:
        headers = {
            "x-ms-version": API_VERSION,
            "x-ms-date": formatdate(usegmt=True),
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": content_type,
            "Content-Type": "application/octet-stream",
        }
        request = HttpRequest("PUT", f"{self._url}/{quote(name)}", headers=headers, content=data)
        return self._sender.send_request(request)

    def _create(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            return  # another worker was faster
