"""What is old goes, and nothing else: bit by bit, and wherever the app dies meanwhile."""

from __future__ import annotations

import contextlib
from itertools import batched

import pytest

from shared.clock import to_text
from shared.connections import alerts, attempts, store
from shared.errors import SetAside
from shared.storage.rows import Change, Row
from shared.upkeep import audit, set_aside
from shared.work import CareForSubscription
from tests.io_meter import Killed
from tests.world import World

DAY = 86_400


def leave_traces(world: World, name: str) -> None:
    """A change, an alert, a sign-in that was begun, and work set aside: some put again, and some that waits."""
    rt = world.rt
    audit.end(rt, audit.begin(rt, who=name, who_id="", what="mailbox.changed"), "done")
    alerts.raise_alert(rt, name, "credential_ends", store.get(rt, "contoso"), cause="It ends.", cure="Enter another.")
    attempts.keep(rt, attempts.Attempt("contoso", name, "", {"state": name}))
    for waits in ("waits", "replayed"):
        text = CareForSubscription(mailbox_id=f"{name}-{waits}", cause="asked").model_dump_json()
        set_aside.keep_text(rt, "subscription-care", text, SetAside("It cannot.", "Mend it."))
    [newest, _] = set_aside.list_kept(rt, limit=2)[0]
    set_aside.replay(rt, newest.key)
    world.settle()


def traces(world: World) -> dict[str, int]:
    """How many rows of each kind there are, those of their times included."""
    places = {"Audit": "changes", "Alerts": "alerts", "SignInAttempts": "attempts", "SetAside": "work"}
    return {name: len(list(world.rt.tables[name].range(part, low="0"))) for name, part in places.items()}


def remove(world: World) -> None:
    world.host.run_timer("remove_old")


@pytest.fixture
def desk(world: World) -> World:
    world.start(AUDIT_DAYS="100", ALERT_DAYS="60", SET_ASIDE_DAYS="30")
    world.connect()
    return world


@pytest.mark.requirement("OPS-6", "CONN-9", "OPS-3")
def test_each_kind_goes_at_its_age_and_what_waits_for_a_person_stays(desk: World) -> None:
    connected = 1
    leave_traces(desk, "old")
    full = {"Audit": 1 + connected, "Alerts": 2, "SignInAttempts": 2, "SetAside": 2}
    assert traces(desk) == full
    remove(desk)
    assert traces(desk) == full
    for days, gone in (
        (2, {"SignInAttempts": 0}),
        (29, {"SetAside": 1}),
        (30, {"Alerts": 0}),
        (38, {}),
        (2, {"Audit": 0}),
    ):
        desk.advance(days * DAY)
        full |= gone
        remove(desk)
        assert traces(desk) == full, days
    assert [each["message"] for each in desk.get("/set-aside")["items"]] == [
        CareForSubscription(mailbox_id="old-waits", cause="asked").model_dump_json()
    ]


@pytest.mark.requirement("OPS-6")
def test_what_is_young_stays_and_is_not_even_read(desk: World) -> None:
    leave_traces(desk, "old")
    desk.advance(101 * DAY)
    leave_traces(desk, "young")
    fill_audit(desk, 500)
    young = {"Audit": 501, "Alerts": 2, "SignInAttempts": 2, "SetAside": 3}
    remove(desk)
    assert traces(desk) == young
    desk.meter.start()
    remove(desk)
    assert traces(desk) == young
    assert desk.meter.count("table") <= 11, "a look at each kind, at each directory and its changes of licenses"


def fill_audit(world: World, count: int) -> None:
    """So many changes of this moment."""
    moment = to_text(world.clock.now())
    key = audit.begin(world.rt, who="x", who_id="", what="x").key[:17]
    for some in batched(range(count - 1), 100, strict=False):
        rows = [Row("changes", f"{key}~{number:012d}", {"at": moment}) for number in some]
        world.rt.tables["Audit"].transact([Change("insert", row) for row in rows])


@pytest.mark.requirement("OPS-6")
def test_a_heap_goes_slice_by_slice(desk: World) -> None:
    fill_audit(desk, 300)
    desk.advance(101 * DAY)
    desk.start(AUDIT_DAYS="100", SLICE_SECONDS="0.000001")
    left = [traces(desk)["Audit"]]
    while left[-1]:
        remove(desk)
        left.append(traces(desk)["Audit"])
        assert left[-1] < left[-2]
    assert len(left) > 3, left


@pytest.mark.requirement("OPS-6")
def test_removing_may_die_after_any_request(desk: World) -> None:
    for after in range(1, 40):
        leave_traces(desk, f"old {after}")
        desk.advance(101 * DAY)
        desk.meter.kill_after(after)
        with contextlib.suppress(Killed):
            remove(desk)
        died = desk.meter.killed
        desk.meter.kill_after(None)
        desk.start(AUDIT_DAYS="100")
        remove(desk)
        assert traces(desk) == {"Audit": 0, "Alerts": 0, "SignInAttempts": 0, "SetAside": after}, after
        if not died:
            assert after > 5
            return
    raise AssertionError("it was killed at every step and never came through")


@pytest.mark.requirement("CONN-9")
def test_two_who_remove_at_once_do_not_keep_each_other(desk: World) -> None:
    leave_traces(desk, "old")
    desk.advance(101 * DAY)
    times = [row.key for row in desk.rt.tables["Alerts"].range("alerts", low="~", select=[])]
    desk.rt.tables["Alerts"].delete("alerts", times[0].rpartition("~")[2])
    remove(desk)
    assert traces(desk)["Alerts"] == 0
