"""Rows of Azure Table Storage: point reads, ranges of one partition, and transactions within a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from shared.errors import DeskbridgeError
from shared.storage.rows import Change, Row
from shared.storage.transactions import TransactionRefused, Transactions

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient

__all__ = ["Change", "Row", "RowChanged", "RowExists", "RowTooLarge", "Table", "Tables"]

LARGEST_PROPERTY = 64 * 1024
LARGEST_ROW = 1024 * 1024
LARGEST_TRANSACTION = 100
"""Limits of the table service; Azurite does not enforce the one on rows, so we do.
https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-the-table-service-data-model"""
PAGE = 1000


class RowExists(DeskbridgeError):
    """A row with this key is there already. ``index``: its place in the transaction."""

    def __init__(self, index: int = 0) -> None:
        super().__init__("The row exists already.")
        self.index = index


class RowChanged(DeskbridgeError):
    """The row was changed, or removed, since it was read."""


class RowTooLarge(DeskbridgeError):
    """A value, a row or a transaction is larger than the table service takes."""


class Table:
    """One table; made on first use."""

    def __init__(self, client: TableClient, transactions: Transactions) -> None:
        self._client, self._transactions = client, transactions

    def find(self, partition: str, key: str) -> Row | None:
        """The row with these keys, or None."""
        try:
            return _row(self._client.get_entity(partition, key))
        except ResourceNotFoundError:
            return None

    def transact(self, changes: Sequence[Change]) -> None:
        """Make all these changes of one partition, or none.

        Raises RowExists where an insert met its row, RowChanged where a row is not at its etag any more or is gone,
        RowTooLarge where the table service would not take a row, or so many of them.
        """
        if len(changes) > LARGEST_TRANSACTION:
            raise RowTooLarge(f"{len(changes)} rows are to change at once, a transaction takes {LARGEST_TRANSACTION}.")
        for change in changes:
            _check_size(change.row)
        try:
            etags = self._submit(changes)
        except TransactionRefused as error:
            raise _meaning(error) from error
        for change, etag in zip(changes, etags, strict=True):
            change.row.etag = etag

    def insert(self, row: Row) -> None:
        """Add a row; raises RowExists."""
        self.transact([Change("insert", row)])

    def upsert(self, row: Row) -> None:
        """Write all that we know of a row, whether it is there or not; columns of another version stay."""
        self.transact([Change("upsert", row)])

    def merge(self, row: Row) -> None:
        """Change the given values of an existing row; raises RowChanged."""
        self.transact([Change("merge", row)])

    def delete(self, partition: str, key: str) -> None:
        """Remove a row; no matter if it is gone."""
        try:
            self._client.delete_entity(partition, key)
        except ResourceNotFoundError:
            return

    def range(
        self,
        partition: str,
        *,
        low: str = "",
        high: str = "",
        after: str = "",
        where: str = "",
        values: Mapping[str, str] = MappingProxyType({}),
        select: Sequence[str] | None = None,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[Row]:
        """Rows with ``low`` <= key < ``high``, behind ``after``, in the order of keys; fetched as they are taken.

        ``where`` is a filter on other columns, never built from outside text: that goes into ``values``, and stands in
        the filter as ``@name``; ``page``: how many are fetched at once.
        """
        columns = None if select is None else ["PartitionKey", "RowKey", *select]
        found = self._client.query_entities(
            _range_filter(low, high, after, where),
            parameters={"partition": partition, "low": low, "high": high, "after": after, **values},
            select=columns,
            results_per_page=min(page or limit or PAGE, PAGE),
        )
        return islice(_present(found), limit)

    def _submit(self, changes: Sequence[Change]) -> list[str | None]:
        try:
            return self._transactions.submit(self._client.table_name, changes)
        except TransactionRefused as error:
            if error.code != "TableNotFound":
                raise
        self._create()
        return self._transactions.submit(self._client.table_name, changes)

    def _create(self) -> None:
        try:
            self._client.create_table()
        except ResourceExistsError:
            return  # another worker was faster


class Tables:
    """All tables of the installation, by their plain names."""

    def __init__(self, service: TableServiceClient, transactions: Transactions, prefix: str = "") -> None:
        self._service, self._transactions, self._prefix = service, transactions, prefix
        self._tables: dict[str, Table] = {}

    def __getitem__(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = Table(self._service.get_table_client(self._prefix + name), self._transactions)
        return table


def _range_filter(low: str, high: str, after: str, where: str) -> str:
    clauses = ["PartitionKey eq @partition"]
    clauses += ["RowKey ge @low"] if low else []
    clauses += ["RowKey lt @high"] if high else []
    clauses += ["RowKey gt @after"] if after else []
    clauses += [f"( {where} )"] if where else []  # the SDK looks for names between spaces
    return " and ".join(clauses)


def _present(found: Iterable[Any]) -> Iterator[Row]:
    """The rows of a listing; a table that is not there yet has none."""
    try:
        yield from map(_row, found)
    except ResourceNotFoundError:
        return


def _row(entity: Any) -> Row:
    values = dict(entity)
    return Row(values.pop("PartitionKey"), values.pop("RowKey"), values, entity.metadata.get("etag"))


def _check_size(row: Row) -> None:
    total = 0
    for name, value in row.values.items():
        size = _size(value)
        if size > LARGEST_PROPERTY:
            raise RowTooLarge(f"{name} has {size} bytes, a property takes {LARGEST_PROPERTY}.")
        total += size + 2 * len(name)
    if total > LARGEST_ROW:
        raise RowTooLarge(f"The row has {total} bytes, the table service takes {LARGEST_ROW}.")


def _size(value: object) -> int:
    """Bytes that the table service counts for a value: text is UTF-16 there, so an emoji takes four."""
    match value:
        case bytes():
            return len(value)
        case str():
            return 2 * len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass"))
        case _:
            return 8


def _meaning(error: TransactionRefused) -> Exception:
    if error.code == "EntityAlreadyExists":
        return RowExists(error.index)
    if error.status_code in (404, 412):
        return RowChanged("The row was changed meanwhile.")
    return error
