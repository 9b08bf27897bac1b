"""Blobs: originals of mails, attachments, bodies too large for a row, and what a run of the directory works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContentSettings

from shared.errors import NotFound

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient

CONTAINER = "mail"


class Blobs:
    """The installation's one container, made on first use."""

    def __init__(self, service: BlobServiceClient, prefix: str = "") -> None:
        self._container: ContainerClient = service.get_container_client(prefix + CONTAINER)

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a blob whole; writing the same again changes nothing."""
        try:
            self._upload(name, data, content_type)
        except ResourceNotFoundError:
            self._create()
            self._upload(name, data, content_type)

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

    def _upload(self, name: str, data: bytes, content_type: str) -> None:
        settings = ContentSettings(content_type=content_type)
        self._container.get_blob_client(name).upload_blob(data, overwrite=True, content_settings=settings)

    def _create(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            return  # another worker was faster
