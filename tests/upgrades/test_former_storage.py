"""This version on the storage of the one before: everything is read, mail goes on, and it is brought forward."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from dev.azurite import Azurite
from dev.host import Host
from shared.clock import to_text
from shared.errors import Later
from shared.storage.rows import Change, Row
from shared.upgrades import forward, reached
from shared.upgrades.forward import plan_steps
from shared.upgrades.reached import Reached
from shared.upgrades.readiness import LATEST
from shared.upgrades.steps import STEPS
from shared.work import BringForward, SendAlert
from tests import kill
from tests.former_storage import OLD_REQUEST, REVIEWER, iter_rows, read
from tests.kill import iter_survivors
from tests.tampering import Carry, Tamper, body_of, tamper_with_storage
from tests.world import SUPPORT, TENANT, World, mail

FORMER = "0"
DAY = 86_400
Rows = dict[tuple[str, str, str], dict[str, Any]]
KEPT = [*iter_rows(FORMER)]
MESSAGES = 20
"""More ids than the mailbox had given to its messages by then."""
[ALERT] = [key for name, _, key, _ in KEPT if name == "Alerts"]
DATED = {"Alerts": "alerts", "SignInAttempts": "attempts"}


def move_in(world: World) -> None:
    """Give a world the storage that the former version left, and the tenant that it was connected to."""
    read(world, FORMER)
    world.emulator.add_mailbox(TENANT, SUPPORT, kind="shared")
    for _ in range(MESSAGES):  # the emulator counts: their ids are given
        world.emulator.deliver(SUPPORT, mail(), "Processed")
    world.advance(2 * DAY)


@pytest.fixture
def former(world: World) -> World:
    move_in(world)
    return world


def rows(world: World) -> Rows:
    """Everything that lies in the tables which the former version had."""
    found: Rows = {}
    for name, partition in {(name, partition) for name, partition, _, _ in KEPT}:
        found |= {(name, partition, row.key): row.values for row in world.rt.tables[name].range(partition)}
    return found


def upgrade(world: World) -> None:
    """Let a process begin: it sees by itself that there is something to do."""
    world.host.run_timer("report_figures")
    world.settle()


def undated(world: World) -> dict[str, set[str]]:
    """The rows that nothing tells the age of, by table."""
    found = {name: list(world.rt.tables[name].range(part, select=[])) for name, part in DATED.items()}
    return {
        name: {row.key for row in some if row.key[0] != "~"} - {row.key[-32:] for row in some if row.key[0] == "~"}
        for name, some in found.items()
    }


@pytest.mark.requirement("OPS-8")
def test_everything_is_read(former: World) -> None:
    assert {each["name"]: each["state"] for each in former.get("/connections")["items"]} == {
        "Contoso": "connected",
        "Desk": "connected",
    }
    assert former.get("/connections/contoso/grants")["items"] == [REVIEWER]
    [mailbox] = former.get("/mailboxes")["items"]
    assert (mailbox["address"], mailbox["team"], mailbox["priority"]) == (SUPPORT, "First line", "high")
    assert [each["subject"] for each in former.tickets()] == ["Kein Büro \U0001f600", "Printer broken"]
    assert [each["text"].strip() for each in former.ticket(1)["actions"]] == ["It does not print.", "Still broken."]
    assert len(former.get("/users")["items"]) == 2
    assert sorted(each["verdict"] for each in former.journal()) == ["quarantined", "reply", "ticket", "ticket"]
    assert len(former.get("/set-aside")["items"]) == 1
    assert len(former.get("/subscriptions")["items"]) == 1
    assert len(former.get("/audit")["items"]) > 5
    assert former.get("/connections/desk/sign-in")["account"] == "ada@contoso.com"
    assert former.api("POST", "/connections/contoso/test").json()["ok"] is True


@pytest.mark.requirement("OPS-8")
@pytest.mark.parametrize("is_forward", [False, True])
def test_a_reply_to_a_ticket_of_then_joins_it(former: World, *, is_forward: bool) -> None:
    if is_forward:
        upgrade(former)
    former.host.run_timer("reconcile_subscriptions")
    former.settle()
    former.emulator.deliver(SUPPORT, mail("Re: Printer broken", text="And now?", In_Reply_To=OLD_REQUEST))
    former.settle()
    former.scan()
    assert [each["text"].strip() for each in former.ticket(1)["actions"]][2:] == ["And now?"]
    former.emulator.deliver(SUPPORT, mail("Another one"))
    former.settle()
    assert [each["number"] for each in former.tickets()] == [3, 2, 1]


@pytest.mark.requirement("OPS-8")
def test_it_is_brought_forward_by_the_first_work_of_a_process_and_once(former: World) -> None:
    assert former.get("/health")["storage"] == {"version": 0, "known": LATEST, "rows_left": 0}
    assert all(undated(former).values())
    upgrade(former)
    assert former.get("/health")["storage"] == {"version": LATEST, "known": LATEST, "rows_left": 0}
    assert undated(former) == {"Alerts": set(), "SignInAttempts": set()}

    before, place = rows(former), reached.find(former.rt)
    former.start()
    former.rt.queues.put(BringForward())
    former.settle()
    assert rows(former) == before
    assert reached.find(former.rt) == place, "not a row was written"


@pytest.mark.requirement("OPS-8")
def test_what_the_former_version_knows_is_there_as_it_was(former: World) -> None:
    upgrade(former)
    present = rows(former)
    for name, partition, key, values in KEPT:
        assert present[name, partition, key] == values


@pytest.mark.requirement("OPS-6", "OPS-8")
def test_what_was_kept_for_long_enough_then_goes(former: World) -> None:
    upgrade(former)
    former.host.run_timer("remove_old")
    assert not list(former.rt.tables["SignInAttempts"].range("attempts"))
    assert len(list(former.rt.tables["Alerts"].range("alerts", low="0", high="~"))) == 1
    former.advance(91 * DAY)
    former.host.run_timer("remove_old")
    assert not list(former.rt.tables["Alerts"].range("alerts", low="0"))
    former.rt.queues.put(SendAlert(alert=ALERT))
    assert former.settle().delayed == {}, "an alert that nobody took is not tried for ever"


def _upgrade_from_its_message(world: World) -> None:
    world.rt.queues.put(BringForward())
    world.settle()


@pytest.mark.requirement("OPS-8")
@pytest.mark.parametrize("shard", range(kill.SHARDS))
def test_bringing_forward_killed_at_every_step(
    azurite: Azurite, host: Host, shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "PAGE", 2)
    for where, world in iter_survivors(azurite, host, move_in, _upgrade_from_its_message, shard):
        assert reached.find(world.rt).number == LATEST, where
        assert undated(world) == {"Alerts": set(), "SignInAttempts": set()}, where
        present = rows(world)
        for name in DATED:
            kept = {key: values for table, _, key, values in KEPT if table == name}
            assert {key: present[name, DATED[name], key] for key in kept} == kept, where
            assert len([key for key in present if key[0] == name]) == 2 * len(kept), where


def many(world: World, count: int) -> None:
    """So many sign-ins that were begun, by a version that did not date them."""
    keys = [f"{number:032x}" for number in range(count)]
    for at in range(0, count, 100):
        made = [Row("attempts", key, {"begun_at": to_text(world.clock.now())}) for key in keys[at : at + 100]]
        world.rt.tables["SignInAttempts"].transact([Change("insert", row) for row in made])


@pytest.mark.requirement("OPS-8")
def test_many_rows_go_page_by_page_and_slice_by_slice(world: World) -> None:
    many(world, 250)
    world.start(SLICE_SECONDS="0.000001")
    world.rt.queues.put(BringForward())
    world.meter.start()
    world.settle()
    assert reached.find(world.rt).number == LATEST
    assert undated(world)["SignInAttempts"] == set()
    assert world.meter.count("table") < 40
    assert sum(call.startswith("queue POST") for call in world.meter.calls) > 3, "it put itself again"


@pytest.mark.requirement("OPS-8")
def test_two_at_once_do_no_harm(world: World) -> None:
    many(world, 250)
    threads = [threading.Thread(target=_bring_forward_till_the_end, args=(world,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached.find(world.rt).number == LATEST
    assert undated(world)["SignInAttempts"] == set()


def _bring_forward_till_the_end(world: World) -> None:
    while reached.find(world.rt).number < LATEST:
        try:
            forward.bring_forward(world.rt, BringForward())
        except Later:
            world.clock.pause(0.01)


@pytest.mark.requirement("OPS-8")
def test_who_was_overtaken_waits(former: World) -> None:
    overtaken: list[bool] = []

    def overtake(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if not overtaken and b"RowKey='~" in body_of(request):
            overtaken.append(True)
            found = reached.find(former.rt)
            reached.save(former.rt, found)
        return carry()

    _upgrade_with(former, overtake)
    assert overtaken
    assert reached.find(former.rt).number == LATEST
    assert undated(former) == {"Alerts": set(), "SignInAttempts": set()}


def _upgrade_with(world: World, overtake: Tamper) -> None:
    tamper_with_storage(world, overtake)
    world.rt.queues.put(BringForward())
    drained = world.settle()
    assert drained.delayed, "it was refused, and put again for later"
    world.rt.queues.put(BringForward())
    world.settle()


@pytest.mark.requirement("OPS-8")
def test_a_row_that_makes_no_sense_stops_nothing_and_is_told(former: World) -> None:
    former.rt.tables["SignInAttempts"].insert(Row("attempts", "0" * 32, {"begun_at": "once upon a time"}))
    upgrade(former)
    health = former.get("/health")
    assert health["storage"] == {"version": LATEST, "known": LATEST, "rows_left": 1}
    [issue] = [each for each in health["issues"] if each["code"] == "storage_rows_left"]
    assert (issue["severity"], issue["cause"][-3:]) == ("warning", " 1.")
    assert health["mailboxes"], "all the rest is told as ever"
    assert undated(former) == {"Alerts": set(), "SignInAttempts": {"0" * 32}}


def test_steps_are_numbered_in_order_and_each_lets_one_go_back() -> None:
    assert [step.number for step in STEPS] == [*range(1, LATEST + 1)]
    assert all(step.needs < step.number for step in STEPS)
    assert plan_steps(Reached(), STEPS) == [*STEPS]
    assert plan_steps(Reached(number=1, after="x"), STEPS) == [*STEPS[1:]]
    assert plan_steps(Reached(number=LATEST + 1), STEPS) == []
