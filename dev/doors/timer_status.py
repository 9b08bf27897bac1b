"""When monitored timers last ran and are next due, kept in storage where the real host keeps it.

With it a timer that was due while the host was down runs once, past due, when the host starts:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#schedule-status (`use_monitor`)
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, ContainerClient

from dev.doors.settings import STORAGE, find_connection
from dev.doors.storage import container_client

log = logging.getLogger("host")

CONTAINER = "azure-webjobs-hosts"


@dataclass(frozen=True)
class TimerStatus:
    """The last run and the next one that the schedule asks for."""

    last: datetime
    following: datetime

    def as_json(self) -> dict[str, str]:
        """Return the object that the host stores, and tells the function as ScheduleStatus."""
        return {"Last": self.last.isoformat(), "LastUpdated": self.last.isoformat(), "Next": self.following.isoformat()}


class TimerStore:
    """The statuses of all timers. Where there is no storage nothing is remembered."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        connection = find_connection(STORAGE, settings)
        self._container: ContainerClient | None = container_client(connection, CONTAINER) if connection else None

    def find(self, function: str) -> TimerStatus | None:
        """Return what is known of a timer."""
        if self._container is None:
            return None
        try:
            stored = json.loads(self._blob(self._container, function).download_blob().readall())
            return TimerStatus(datetime.fromisoformat(stored["Last"]), datetime.fromisoformat(stored["Next"]))
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError) as error:
            log.warning("%s: its last run is not known: %s", function, error)
            return None

    def save(self, function: str, status: TimerStatus) -> None:
        """Remember a run."""
        if self._container is None:
            return
        content = json.dumps(status.as_json())
        try:
            self._write(self._container, function, content)
        except AzureError as error:
            log.warning("%s: its run cannot be remembered: %s", function, error)

    def _write(self, container: ContainerClient, function: str, content: str) -> None:
        try:
            self._blob(container, function).upload_blob(content, overwrite=True)
        except ResourceNotFoundError:
            try:
                container.create_container()
            except ResourceExistsError:
                log.debug("another timer made the container")
            self._blob(container, function).upload_blob(content, overwrite=True)

    @staticmethod
    def _blob(container: ContainerClient, function: str) -> BlobClient:
        return container.get_blob_client(f"timers/local/Host.Functions.{function}/status")
