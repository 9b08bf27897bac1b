"""`python3.13 -m dev backup FOLDER` and `... FOLDER --restore`: all that an installation knows, as files.

A folder holds `tables/NAME.jsonl`, one row a line, and `blobs/`, each under its name. Secrets in it are sealed as they
are in storage: whoever restores needs the same SECRET_KEY. Queues are left out, for what they hold is put again by the
timers. Take it from an app that is stopped, if rows that belong together shall be of the same moment. What an earlier
version of the app wrote is restored by any later one, whose next start brings it forward.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import batched, groupby
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, TableClient, TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings

from shared.upgrades import reached
from shared.upgrades.readiness import LATEST

CONTAINER = "mail"
_AT_ONCE = 100
_LARGEST_BATCH = 3_000_000
"""Bytes; a transaction takes 100 rows and 4 MiB."""


class BackupError(RuntimeError):
    """It cannot be done; the message says why and what to do."""


class Account:
    """One installation's part of a storage account: what begins with its prefix."""

    def __init__(self, tables: TableServiceClient, blobs: BlobServiceClient, prefix: str = "") -> None:
        self._tables, self._blobs, self._prefix = tables, blobs, prefix

    @classmethod
    def open(cls, connection: str, name: str, prefix: str) -> "Account":
        """By the account's name, as who is signed in to Azure, else by connection string; raises BackupError.

        The name goes first: it is said for this one time, the other is a setting that may be of another account.
        """
        if name:
            me = DefaultAzureCredential()
            host = f"https://{name}.{{}}.core.windows.net"
            tables = TableServiceClient(endpoint=host.format("table"), credential=me)
            return cls(tables, BlobServiceClient(host.format("blob"), credential=me), prefix)
        if not connection:
            raise BackupError("No storage account: give --account NAME, or set AzureWebJobsStorage.")
        tables = TableServiceClient.from_connection_string(connection)
        return cls(tables, BlobServiceClient.from_connection_string(connection), prefix)

    def table_names(self) -> list[str]:
        """The tables of this installation, without the prefix."""
        names = (table.name for table in self._tables.list_tables())
        ours = (name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix))
        return sorted(name for name in ours if name[:1].isupper())

    def table(self, name: str) -> TableClient:
        """A table by its plain name."""
        return self._tables.get_table_client(self._prefix + name)

    @property
    def container(self) -> ContainerClient:
        """The blobs."""
        return self._blobs.get_container_client(self._prefix + CONTAINER)


def save(account: Account, folder: Path) -> tuple[int, int]:
    """Write everything into an empty folder; how many rows and blobs. Raises BackupError."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: take another folder.")
    (folder / "tables").mkdir(parents=True)
    # First of all how far the storage is: where an app brings it forward meanwhile, no row is behind what that says.
    names = sorted(account.table_names(), key=lambda name: name != reached.TABLE)
    rows = sum(_save_table(account.table(name), folder / "tables" / f"{name}.jsonl") for name in names)
    return rows, _save_blobs(account.container, folder / "blobs")


def restore(account: Account, folder: Path) -> tuple[int, int]:
    """Put everything back into tables that hold nothing; how many rows and blobs. Raises BackupError.

    What was interrupted is finished by doing it again with the same folder: rows that are there already and equal stay.
    """
    files = sorted((folder / "tables").glob("*.jsonl"))
    if not files:
        raise BackupError(f"{folder} holds no backup: there is no tables/*.jsonl in it.")
    _check_known(folder)
    for file in files:
        _check_empty(account.table(file.stem), rows_in(file))
    rows = sum(_restore_table(account.table(file.stem), rows_in(file)) for file in files)
    return rows, _restore_blobs(account.container, folder / "blobs")


def version_of(folder: Path) -> tuple[int, int]:
    """The version of the storage that a backup is of, and the one that an app must know at least to work on it."""
    file = folder / "tables" / f"{reached.TABLE}.jsonl"
    rows = list(rows_in(file)) if file.exists() else []
    return (rows[0]["number"], rows[0]["needs"]) if rows else (0, 0)


def _check_known(folder: Path) -> None:
    version, needs = version_of(folder)
    if needs > LATEST:
        cause = f"{folder} (version {version} of the storage) needs an app of version {needs}; this one knows {LATEST}."
        raise BackupError(f"{cause} Restore it with the app that wrote it, or a later one.")


def _save_table(table: TableClient, file: Path) -> int:
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for entity in table.list_entities():
            out.write(json.dumps({name: _plain(value) for name, value in entity.items()}) + "\n")
            count += 1
    return count


def _save_blobs(container: ContainerClient, folder: Path) -> int:
    count = 0
    try:
        for blob in container.list_blobs():
            target = folder / blob.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise BackupError(f"The blob {blob.name!r} would lie outside {folder}.")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(container.download_blob(blob.name).readall())
            count += 1
    except ResourceNotFoundError:
        return 0
    return count


def _check_empty(table: TableClient, rows: Iterable[dict[str, Any]]) -> None:
    """Nothing that is not in the backup may be in the table: it would be mixed with what is restored."""
    try:
        present = {(each["PartitionKey"], each["RowKey"]) for each in table.list_entities(select=_KEYS)}
    except ResourceNotFoundError:
        return
    if present - {(row["PartitionKey"], row["RowKey"]) for row in rows}:
        raise BackupError(f"The table {table.table_name} holds other rows already: restore into an empty account.")


_KEYS = ["PartitionKey", "RowKey"]


def _restore_table(table: TableClient, rows: Iterable[dict[str, Any]]) -> int:
    try:
        table.create_table()
    except ResourceExistsError:
        print(f"{table.table_name}: goes on where it was interrupted")
    count = 0
    for _, partition in groupby(rows, key=lambda row: row["PartitionKey"]):
        for batch in _bounded(partition):
            table.submit_transaction([("upsert", row) for row in batch])
            count += len(batch)
    return count


def _bounded(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many rows at once as a transaction takes."""
    for some in batched(rows, _AT_ONCE, strict=False):
        batch, size = list[dict[str, Any]](), 0
        for row in some:
            weight = 2 * len(str(row))
            if batch and size + weight > _LARGEST_BATCH:
                yield batch
                batch, size = [], 0
            batch.append(row)
            size += weight
        yield batch


def _restore_blobs(container: ContainerClient, folder: Path) -> int:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if files:
        try:
            container.create_container()
        except ResourceExistsError:
            print("blobs: goes on where it was interrupted")
    for path in files:
        kind = ContentSettings(content_type="application/octet-stream")
        name = path.relative_to(folder).as_posix()
        container.upload_blob(name, path.read_bytes(), overwrite=True, content_settings=kind)
    return len(files)


def rows_in(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table that was kept, both keys among their values."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield {name: _typed(value) for name, value in json.loads(line).items()}


def _plain(value: Any) -> Any:
    """A value as JSON that tells its type again."""
    match value:
        case bytes():
            return {"binary": base64.b64encode(value).decode()}
        case EntityProperty(edm_type=EdmType.INT64):
            return {"int64": str(value.value)}
        case str() | bool() | int() | float():
            return value
    raise BackupError(f"A row holds a {type(value).__name__}, which this app never writes.")


def _typed(value: Any) -> Any:
    match value:
        case {"binary": text}:
            return base64.b64decode(text)
        case {"int64": text}:
            return EntityProperty(int(text), EdmType.INT64)
    return value


def main(argv: list[str]) -> int:
    """Do what is asked; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python3.13 -m dev backup", description="Keep all that an installation knows."
    )
    parser.add_argument("folder", type=Path, help="an empty one, or with --restore one that holds a backup")
    parser.add_argument("--restore", action="store_true", help="put it back, into an account that holds nothing")
    parser.add_argument(
        "--account", default="", help="name of the storage account; who is signed in must reach its data"
    )
    parser.add_argument("--prefix", default=os.environ.get("STORAGE_PREFIX", ""), help="STORAGE_PREFIX of the app")
    given = parser.parse_args(argv)
    try:
        account = Account.open(os.environ.get("AzureWebJobsStorage", ""), given.account, given.prefix)  # noqa: SIM112 - its name
        rows, blobs = (restore if given.restore else save)(account, given.folder)
    except BackupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{rows} rows, {blobs} blobs, version {version_of(given.folder)[0]} of the storage")
    return 0
