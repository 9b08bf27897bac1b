"""python3.13 -m dev deliver ADDRESS FILE|FOLDER... [--json]: put MIME files into a mailbox and tell their verdicts."""

import argparse
import contextlib
import io
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev.azurite import AzuriteError
from dev.delivery import Delivery
from dev.desk_api import ApiError, DeskApi
from dev.mail_files import iter_files, printable
from dev.reports import Reporter, as_line
from dev.stack import ADDRESS_FILE, Addresses, Stack, StackError, add_mailbox, use_default_settings
from dev.tenant import ControlPlane, TenantError

PATIENCE = 180.0
"""A worker that dies holds its mailbox for two minutes; a mail is given up only after that."""
TELL_EVERY = 10.0
"""Seconds: how far it is, where the lines themselves go into a file."""
NO_STACK = "No stack is running here. Start one in another terminal: python3.13 -m dev run   (or add --start)"


def main(argv: list[str]) -> int:
    """Deliver; 0 if every mail has a verdict, 1 if not, 2 if there is nothing to deliver."""
    given = _parse(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may be no Unicode
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    files = iter_files(given.paths)
    first = next(files, None)
    if first is None:
        _tell("There are no files in there.")
        return 2
    try:
        with _running(given) as found:
            return _deliver(found, given, itertools.chain([first], files))
    except (StackError, AzuriteError, ApiError, TenantError) as error:
        _tell(str(error))
        return 1
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3.13 -m dev deliver", description=__doc__)
    parser.add_argument("address", help="of the mailbox; one that does not exist is made")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER", help="a folder means all files below it")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--start", action="store_true", help="start a stack for as long as this takes")
    parser.add_argument("--stack", type=Path, default=ADDRESS_FILE, help="where a running stack told its addresses")
    parser.add_argument("--timeout", type=float, default=PATIENCE, help="seconds without any new verdict")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _running(given: argparse.Namespace) -> Iterator[Addresses]:
    """The stack that runs here, or one that is started for now; raises StackError."""
    if not given.start:
        found = Addresses.find(given.stack)
        if found is None:
            raise StackError(NO_STACK)
        yield found
        return
    with (
        tempfile.TemporaryDirectory(prefix="deskbridge-") as scratch,
        Stack(Path(scratch) / "stack", use_default_settings(_tell), _tell) as stack,
    ):
        yield stack.connect()


def _deliver(found: Addresses, given: argparse.Namespace, files: Iterator[Path]) -> int:
    desk, plane = DeskApi(found.app_url, found.admin_key), ControlPlane(found.graph_url, Path(found.authority))
    mailbox = _mailbox(desk, plane, found.connection_id, given.address.lower())
    reporter, started, counts = Reporter(desk), time.monotonic(), Counter[str]()
    last_told = started
    for parcels in Delivery(plane, desk, mailbox, given.timeout).run(files):
        for told in reporter.describe(parcels):
            counts[told["verdict"] or "without verdict"] += 1
            print(json.dumps(told) if given.json else as_line(told))
        if not sys.stdout.isatty() and time.monotonic() - last_told > TELL_EVERY:
            last_told = time.monotonic()
            _tell(_summary(counts, last_told - started))
    _tell(_summary(counts, time.monotonic() - started))
    return 1 if counts["without verdict"] else 0


def _mailbox(desk: DeskApi, plane: ControlPlane, connection_id: str, address: str) -> dict[str, Any]:
    """The desk's mailbox of this address, made in tenant and desk where there is none."""
    plane.add_mailbox(address)
    known: dict[str, Any] | None = next((e for e in desk.get("/mailboxes")["items"] if e["address"] == address), None)
    if known is None:
        _tell(f"{address} is new: made in the tenant, and set up in the desk")
        known = dict(desk.get(f"/mailboxes/{add_mailbox(desk, connection_id, address)}"))
    if not known["enabled"]:
        raise StackError(f"{address} is switched off: enable it by PATCH /api/v1/mailboxes/{known['mailbox_id']}")
    return known


def _summary(counts: Counter[str], seconds: float) -> str:
    each = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"{counts.total()} mails in {seconds:.1f} s, {counts.total() / max(seconds, 0.001):.1f} a second: {each}"


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
