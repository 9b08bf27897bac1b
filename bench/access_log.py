"""What the storage was asked for, by its own account: Azurite's access log, read line by line.

A transaction over many rows of one partition is one request here as it is in Azure: one ``POST $batch``.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from dev.azurite import Azurite

_LINE = re.compile(r'"(?P<method>[A-Z]+) /[^/]+/(?P<path>[^? ]*)(?P<query>\?[^ ]*)? HTTP/1\.1"')
LOOK = "queue: look for messages"
_KINDS = (
    (re.compile(r"POST \$batch"), "table: transaction"),
    (re.compile(r"GET Mailboxes\(\)\?.*RowKey lt '\"'"), "table: head of a mailbox"),
    (re.compile(r"GET Mailboxes\(\)"), "table: range of the ledger"),
    (re.compile(r"GET Mailboxes\(Part"), "table: row of the ledger"),
    (re.compile(r"GET Desk\(PartitionKey='[^']*',RowKey='e~"), "table: whose address is this"),
    (re.compile(r"GET Desk\(PartitionKey='[^']*',RowKey='m~"), "table: which ticket has this message id"),
    (re.compile(r"GET Desk\(PartitionKey='[^']*',RowKey='t~"), "table: the ticket that a reply joins"),
    (re.compile(r"GET \w+\("), "table: other reads"),
    (re.compile(r"PUT mail/raw/"), "blob: keep an original"),
    (re.compile(r"PUT mail/attachments/"), "blob: keep an attachment"),
    (re.compile(r"PUT mail/bodies/"), "blob: keep a long body"),
    (re.compile(r"GET [\w-]+/messages"), LOOK),
    (re.compile(r"POST [\w-]+/messages"), "queue: put a message"),
    (re.compile(r"DELETE [\w-]+/messages"), "queue: delete a message"),
    (re.compile(r"PUT [\w-]+/messages"), "queue: hide a message"),
)


class CountedAzurite(Azurite):
    """Azurite that, if ``logged``, writes a line for each request."""

    def __init__(self, folder: Path, *, logged: bool) -> None:
        super().__init__(folder)
        self._logged = logged

    def _command(self) -> list[str]:
        command = super()._command()
        return [part for part in command if part != "--silent"] if self._logged else command

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None  # noqa: S101 - asked only while it runs
        return self._process.pid

    @property
    def access_log(self) -> AccessLog:
        """Its lines from now on."""
        return AccessLog(self._log)


class AccessLog:
    """The requests since this object was made."""

    def __init__(self, path: Path) -> None:
        self._path, self._from = path, path.stat().st_size

    def requests(self) -> Counter[str]:
        """How many of each kind so far."""
        with self._path.open("rb") as file:
            file.seek(self._from)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return Counter(kind_of(line) for line in lines if _LINE.search(line))


def kind_of(line: str) -> str:
    """What a line of the log asks for, in our words; its method and path where we have none."""
    found = _LINE.search(line)
    if found is None:
        return ""
    asked = unquote(f"{found['method']} {found['path']}{found['query'] or ''}")
    known = next((name for pattern, name in _KINDS if pattern.match(asked)), "")
    return known or f"other: {found['method']} {unquote(found['path'])[:60]}"


def work_only(requests: Counter[str]) -> Counter[str]:
    """Without the looks at empty queues, which time costs and not mail: one look stays for each message deleted."""
    kept = Counter(requests)
    kept[LOOK] = min(kept[LOOK], kept["queue: delete a message"])
    return +kept
