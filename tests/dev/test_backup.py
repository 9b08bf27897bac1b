"""A backup holds all that an installation knows: restored elsewhere, it goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev import backup
from dev.azurite import Azurite
from dev.backup import Account, BackupError
from shared.upgrades.readiness import LATEST
from tests.world import SUPPORT, World, mail


def account_of(azurite: Azurite, prefix: str) -> Account:
    return Account.open(azurite.connection_string, "", prefix)


def prefix_of(world: World) -> str:
    return world.rt.settings.storage_prefix


@pytest.fixture
def busy(world: World) -> World:
    """A desk with a connection, its sealed secret, tickets and originals."""
    world.connect()
    world.add_mailbox()
    for number in range(3):
        world.emulator.deliver(SUPPORT, mail(f"Number {number} with ümlauts and \U0001f600"))
    world.settle()
    assert len(world.tickets()) == 3
    return world


@pytest.mark.requirement("OPS-8")
def test_what_is_restored_elsewhere_goes_on_where_it_was(busy: World, azurite: Azurite, tmp_path: Path) -> None:
    rows, blobs = backup.save(account_of(azurite, prefix_of(busy)), tmp_path)
    assert rows > 20
    assert blobs == 3
    tickets = busy.tickets()

    other = prefix_of(busy)[:12] + "zz"
    assert backup.restore(account_of(azurite, other), tmp_path) == (rows, blobs)
    assert backup.restore(account_of(azurite, other), tmp_path) == (rows, blobs), "again: it was interrupted"
    busy.start(STORAGE_PREFIX=other)
    assert busy.tickets() == tickets
    busy.emulator.deliver(SUPPORT, mail("After the move"))
    busy.scan()
    assert [each["subject"] for each in busy.tickets()] == ["After the move", *(each["subject"] for each in tickets)]


@pytest.mark.requirement("OPS-8")
def test_what_a_later_version_wrote_is_refused_and_what_an_earlier_one_wrote_is_not(
    busy: World, azurite: Azurite, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
    assert backup.main([str(tmp_path / "copy"), "--prefix", prefix_of(busy)]) == 0
    assert f"version {LATEST} of the storage" in capsys.readouterr().out
    file = tmp_path / "copy" / "tables" / "Upgrades.jsonl"
    later = json.loads(file.read_text()) | {"number": LATEST + 2, "needs": LATEST + 1}
    file.write_text(json.dumps(later) + "\n")
    other = prefix_of(busy)[:12] + "zy"
    assert backup.main([str(tmp_path / "copy"), "--restore", "--prefix", other]) == 1
    told = capsys.readouterr().err
    assert f"needs an app of version {LATEST + 1}" in told
    assert "Restore it with the app that wrote it" in told
    assert account_of(azurite, other).table_names() == [], "nothing was restored"

    file.unlink()  # as of a version that knew of no versions
    assert backup.main([str(tmp_path / "copy"), "--restore", "--prefix", other]) == 0
    busy.start(STORAGE_PREFIX=other)
    busy.scan()
    assert busy.get("/health")["storage"]["version"] == LATEST


def test_nothing_is_mixed(busy: World, azurite: Azurite, tmp_path: Path) -> None:
    account = account_of(azurite, prefix_of(busy))
    backup.save(account, tmp_path)
    with pytest.raises(BackupError, match="not empty"):
        backup.save(account, tmp_path)
    first = next(iter(sorted((tmp_path / "tables").glob("*.jsonl"))))
    first.write_text("", encoding="utf-8")
    with pytest.raises(BackupError, match="holds other rows already"):
        backup.restore(account, tmp_path)
    with pytest.raises(BackupError, match="no backup"):
        backup.restore(account, tmp_path / "tables")


def test_no_secret_lies_open_in_it(busy: World, azurite: Azurite, tmp_path: Path) -> None:
    backup.save(account_of(azurite, prefix_of(busy)), tmp_path)
    written = b"".join(path.read_bytes() for path in (tmp_path / "tables").rglob("*.jsonl"))
    assert not [secret for secret in busy.meter.lookout.secrets if secret.encode() in written]
    assert json.loads((tmp_path / "tables" / "Connections.jsonl").read_text().splitlines()[0])["sealed_secret"]


@pytest.mark.requirement("OPS-8")
def test_the_account_that_is_named_is_the_one_whatever_is_set(azurite: Azurite) -> None:
    """Else a copy would be put into the account that a developer's settings name."""
    named = Account.open(azurite.connection_string, "anotheraccount", "")
    assert named.table("Tickets").url.startswith("https://anotheraccount.table.core.windows.net")
    assert named.container.url.startswith("https://anotheraccount.blob.core.windows.net")
