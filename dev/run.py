"""python3.13 -m dev run [--once] [--port N]: the whole of it on this machine, shown at work, then yours to try."""

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dev.azurite import AzuriteError
from dev.desk_api import ApiError
from dev.show import PROMISED_SECONDS, Show, Untrue
from dev.stack import (
    ADDRESS_FILE,
    FOLDER,
    USUAL_PORT,
    Addresses,
    Stack,
    StackError,
    prefer_port,
    use_default_settings,
)
from dev.tenant import SUPPORT, TenantError

type Say = Callable[[str], None]
_CHECK_SECONDS = 1.0


def main(argv: list[str]) -> int:
    """Start, show, and stay until Ctrl-C; with --once end after the show. 1 if something shown is not true."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the show; the status tells whether all held")
    parser.add_argument("--port", type=int, default=0, help=f"of the app; else {USUAL_PORT} if it is free")
    parser.add_argument(
        "--within", type=float, default=PROMISED_SECONDS, help="seconds that a ticket may take; more where others work"
    )
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    say = _speaker()
    try:
        return _once(given, say) if given.once else _stay(given, say)
    except (StackError, AzuriteError, ApiError, TenantError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130 if given.once else 0


def _once(given: argparse.Namespace, say: Say) -> int:
    """In a folder of its own, so that a stack that runs beside it is not disturbed."""
    with tempfile.TemporaryDirectory(prefix="deskbridge-") as scratch:
        with Stack(Path(scratch) / "stack", use_default_settings(say), say, given.port) as stack:
            stack.connect()
            holds = _show(stack, given.within, say)
        say("stopped")
    return 0 if holds else 1


def _stay(given: argparse.Namespace, say: Say) -> int:
    port = given.port or prefer_port(USUAL_PORT)
    with Stack(FOLDER, use_default_settings(say), say, port) as stack:
        found = stack.connect()
        found.save()
        try:
            _show(stack, given.within, say)
            print(_described(found), flush=True)
            _wait(stack)
        finally:
            ADDRESS_FILE.unlink(missing_ok=True)
    return 0


def _show(stack: Stack, within: float, say: Say) -> bool:
    say(f"connected: a tenant with the mailbox {SUPPORT}")
    try:
        Show(stack.emulator, stack.desk, stack.app_url, say, within).run()
    except Untrue as seen:
        stack.check()
        print(f"NOT TRUE: {seen}.\nWhat the app said last:\n{stack.log_tail()}", file=sys.stderr, flush=True)
        return False
    say("All of it held.")
    return True


def _described(found: Addresses) -> str:
    return f"""
The app runs at      {found.app_url}
The admin API        {found.app_url}/api/v1  (its description: /api/v1/openapi.json)
The key to it        {found.admin_key}  (header X-API-Key)
Log of the app       {found.log}

Put mail in          python3.13 -m dev deliver {SUPPORT} FILE|FOLDER...
See the tickets      curl -H 'X-API-Key: {found.admin_key}' '{found.app_url}/api/v1/tickets'

Mailboxes and tickets are forgotten when this ends. Ctrl-C ends it.
"""


def _wait(stack: Stack) -> None:
    forever = threading.Event()
    while not forever.wait(_CHECK_SECONDS):
        stack.check()


def _speaker() -> Say:
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)
