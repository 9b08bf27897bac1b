"""The storage that a version wrote, kept as files, so that the next version is tried on it.

`tests/corpus/storage/README.md` says how it is made: by this program, in a checkout of the version itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dev import backup
from dev.azurite import Azurite
from dev.backup import Account
from dev.graph import Fault
from dev.host import Host
from tests.connections.browser import ADA, begin, connect, sign_in
from tests.world import ROOT, SUPPORT, TENANT, World, mail, settings_for

CORPUS = ROOT / "tests" / "corpus" / "storage"
OLD_REQUEST, OTHER_REQUEST = "<old-request@example.com>", "<other-request@example.com>"
REVIEWER = {"object_id": "aaaaaaaa-0000-4000-8000-000000000001", "access": "modify", "name": "Night shift"}


def live(world: World) -> None:
    """A few days in the life of an installation, by the API, Graph and its timers alone."""
    world.connect()
    world.add_mailbox(team="First line", priority="high")
    world.settle()
    _take_mail(world)
    _be_refused(world)
    _sign_in(world)
    _raise_alerts(world)
    world.api("PUT", "/connections/contoso/grants", {"items": [REVIEWER]})
    world.settle()


def _take_mail(world: World) -> None:
    """A ticket with an attachment and a reply, another one, and a mail that cannot be read."""
    for message in (
        mail("Printer broken", message_id=OLD_REQUEST),
        mail("Kein Büro \U0001f600", sender="Grace <grace@example.org>", message_id=OTHER_REQUEST),
        mail("Re: Printer broken", text="Still broken.", message_id="<second@example.com>", In_Reply_To=OLD_REQUEST),
        b"",
    ):
        world.emulator.deliver(SUPPORT, message)
        world.settle()
    world.scan()


def _be_refused(world: World) -> None:
    """Work that nobody understands is set aside."""
    world.rt.queues.put_text("mailbox-sync", '{"something": "else"}')
    world.settle()


def _sign_in(world: World) -> None:
    """A connection in the name of an account: one sign-in came to its end, another one never came back."""
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect(world)
    assert sign_in(world).status == 200
    world.advance(60)
    begin(world)


def _raise_alerts(world: World) -> None:
    """A secret that is refused: the connection rests, people are told, and it goes on."""
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    world.emulator.expire_tokens()
    world.advance(60)
    world.scan()
    assert world.get("/connections/contoso")["state"] == "needs_sign_in"
    world.emulator.faults.clear()
    world.advance(3600)
    world.host.run_timer("watch_connections")
    world.settle()
    assert world.get("/connections/contoso")["state"] == "connected"


def write(azurite: Azurite, host: Host, folder: Path) -> tuple[int, int]:
    """Live those days in an empty storage, and keep it in a folder; how many rows and blobs."""
    world = World(azurite, host)
    live(world)
    found = backup.save(_account(world), folder)
    world.close()
    return found


def read(world: World, version: str) -> None:
    """Put what a version wrote into the storage of a world."""
    backup.restore(_account(world), CORPUS / version)


def iter_rows(version: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """What a version wrote: table, partition, key and values of each row."""
    for file in sorted((CORPUS / version / "tables").iterdir()):
        for values in backup.rows_in(file):
            yield file.stem, values.pop("PartitionKey"), values.pop("RowKey"), values


def _account(world: World) -> Account:
    found = world.rt.settings
    return Account.open(found.storage_connection.get_secret_value(), "", found.storage_prefix)


def main(argv: list[str]) -> int:
    """Write the storage of this version into a folder."""
    [folder] = map(Path, argv)
    with Azurite() as azurite, _host(azurite) as host:
        print(*write(azurite, host, folder))  # noqa: T201 - it tells how many rows and blobs
    return 0


def _host(azurite: Azurite) -> Any:
    """Some versions want a host of their own for a world."""
    from tests import world  # noqa: PLC0415 - its names differ from version to version

    return getattr(world, "HeardHost", Host)(ROOT, settings_for(azurite))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
