"""The storage emulator as a context manager."""

import socket
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from dev.azurite import Azurite, AzuriteError


def queues(azurite: Azurite) -> QueueServiceClient:
    return QueueServiceClient.from_connection_string(azurite.connection_string)


def test_two_at_a_time_do_not_meet(azurite: Azurite) -> None:
    with Azurite() as other:
        queues(other).create_queue("only-here")
        assert "only-here" not in {queue.name for queue in queues(azurite).list_queues()}


def test_with_a_folder_it_remembers(tmp_path: Path) -> None:
    with Azurite(tmp_path / "storage") as first:
        queues(first).create_queue("kept")
    with Azurite(tmp_path / "storage") as second:
        assert [queue.name for queue in queues(second).list_queues()] == ["kept"]


def test_it_is_gone_afterwards() -> None:
    with Azurite() as started:
        ports = list(started.ports.values())
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)


def test_the_error_ends_with_its_log() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AzuriteError, match="EADDRINUSE"), Azurite(ports={"queue": taken.getsockname()[1]}):
            pass
