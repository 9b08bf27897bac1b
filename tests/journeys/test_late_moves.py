"""A folder for taken mail that cannot be made stops nobody: mail becomes tickets, and is moved when it can be."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from dev.host import Host
from tests import kill
from tests.kill import iter_survivors
from tests.world import SUPPORT, World, mail


def refuse_folder(world: World) -> None:
    """An administrator, or a policy, lets nobody make folders."""
    refusal = Fault(kind="refuse", method="POST", path=r"/mailFolders$", status=403, error="ErrorAccessDenied")
    world.emulator.faults.add(refusal)


def deliver(world: World, count: int) -> None:
    for index in range(count):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))


def places(world: World) -> tuple[int, int]:
    """How many mails lie in the inbox, and how many in the folder for taken ones."""
    return len(world.emulator.messages(SUPPORT)), len(world.emulator.messages(SUPPORT, "Processed"))


def issues(world: World) -> list[Any]:
    return [each for each in world.get("/health")["issues"] if each["code"] == "folder_missing"]


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    refuse_folder(world)
    return world


@pytest.mark.requirement("MAIL-1", "OPS-5")
def test_mail_becomes_tickets_without_the_folder_and_health_tells(desk: World) -> None:
    deliver(desk, 3)
    desk.scan()
    assert len(desk.tickets()) == 3
    assert {each["verdict"] for each in desk.journal()} == {"ticket"}
    assert {each["disposal"] for each in desk.journal()} == {"waits for its folder"}
    assert places(desk) == (3, 0)
    [issue] = issues(desk)
    assert (issue["severity"], issue["subject"]) == ("warning", SUPPORT)
    assert "'Processed'" in issue["cause"]
    assert "403" in issue["cause"]
    assert "by hand" in issue["cure"]
    assert [each["code"] for each in desk.get("/health")["issues"]] == ["folder_missing"]


@pytest.mark.requirement("MAIL-1")
def test_what_waited_is_moved_once_there_is_a_folder(desk: World) -> None:
    deliver(desk, 3)
    desk.scan()
    deliver(desk, 100)
    desk.scan()
    assert places(desk) == (103, 0)
    desk.emulator.faults.clear()
    desk.scan()
    assert places(desk) == (0, 103), "page by page, without another scan"
    assert issues(desk) == []
    assert {each["disposal"] for each in desk.journal()} == {"moved to Processed"}
    assert len(desk.tickets()) == 103
    desk.meter.start()
    desk.scan()
    assert desk.meter.count("graph") == 1, "nothing is left to be looked after"


@pytest.mark.requirement("MAIL-1")
def test_a_folder_that_a_person_makes_will_do(desk: World) -> None:
    deliver(desk, 2)
    desk.scan()
    desk.emulator.move(SUPPORT, desk.emulator.deliver(SUPPORT, mail("By hand")), "Processed")
    desk.scan()
    assert places(desk) == (0, 3)
    assert issues(desk) == []


@pytest.mark.requirement("MAIL-1")
def test_a_folder_that_vanishes_and_cannot_be_made_again_holds_nothing_up(desk: World) -> None:
    desk.emulator.faults.clear()
    deliver(desk, 1)
    desk.scan()
    desk.emulator.remove_folder(SUPPORT, "Processed")
    refuse_folder(desk)
    deliver(desk, 2)
    desk.scan()
    assert len(desk.tickets()) == 3
    assert places(desk)[0] == 2
    assert issues(desk)
    desk.emulator.faults.clear()
    desk.scan()
    assert places(desk) == (0, 2)


@pytest.mark.requirement("MAIL-1")
def test_what_waited_follows_what_the_mailbox_says_by_then(desk: World) -> None:
    deliver(desk, 2)
    desk.scan()
    [mailbox] = desk.get("/mailboxes")["items"]
    assert desk.api("PATCH", f"/mailboxes/{mailbox['mailbox_id']}", {"disposal": "mark_read"}).status == 200
    desk.scan()
    assert [each.is_read for each in desk.emulator.messages(SUPPORT)] == [True, True]
    assert issues(desk) == []


@pytest.mark.requirement("MAIL-1")
def test_a_busy_mailbox_keeps_what_waits_waiting(desk: World) -> None:
    deliver(desk, 2)
    desk.scan()
    desk.emulator.faults.clear()
    desk.emulator.faults.add(Fault(kind="throttle", path=r"/move$", retry_after=60, times=1))
    desk.scan()
    desk.advance(120)
    desk.host.make_visible()
    desk.scan()
    assert places(desk) == (0, 2)
    assert {each["disposal"] for each in desk.journal()} == {"moved to Processed"}


def _with_waiting(world: World) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    refuse_folder(world)
    deliver(world, 3)
    world.scan()
    world.emulator.faults.clear()


def _scan(world: World) -> None:
    world.scan()


@pytest.mark.requirement("MAIL-1")
@pytest.mark.parametrize("shard", range(2))
def test_late_moves_killed_at_every_step(
    azurite: Azurite, host: Host, shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "SHARDS", 2)
    for where, world in iter_survivors(azurite, host, _with_waiting, _scan, shard):
        assert places(world) == (0, 3), where
        assert len(world.tickets()) == 3, where
        assert issues(world) == [], where
        assert "waits for its folder" not in {each["disposal"] for each in world.journal()}, where
