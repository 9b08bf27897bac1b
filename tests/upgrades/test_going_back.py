"""Going back by one version loses nothing, and an app that cannot read what it finds does nothing, and says so."""

from __future__ import annotations

import pytest

from dev.doors.errors import FunctionFailed
from shared.storage.rows import Row
from shared.upgrades import reached
from shared.upgrades.readiness import LATEST
from tests.connections.browser import ADA, begin, come_back, connect, go_to_entra
from tests.world import SUPPORT, TENANT, World, mail

PARTITIONS = {
    "Desk": ("desk",),
    "Connections": ("connections",),
    "Mailboxes": ("!all", "support-contoso-com-d4e571"),
    "Subscriptions": ("contoso",),
    "Grants": ("grants",),
    "Alerts": ("alerts",),
    "SetAside": ("work",),
    "Upgrades": ("schema",),
}


@pytest.fixture
def desk(world: World) -> World:
    """A desk that has a ticket."""
    world.connect()
    world.add_mailbox()
    world.settle()
    world.emulator.deliver(SUPPORT, mail("Printer broken", message_id="<first@example.com>"))
    world.settle()
    return world


def mark_all(world: World) -> set[tuple[str, str, str]]:
    """Let every row hold something that only the version of tomorrow knows; which rows."""
    found = set[tuple[str, str, str]]()
    for table, partitions in PARTITIONS.items():
        for partition in partitions:
            for row in list(world.rt.tables[table].range(partition, select=[])):
                world.rt.tables[table].merge(Row(partition, row.key, {"of_tomorrow": "x"}))
                found.add((table, partition, row.key))
    return found


def unmarked(world: World, keys: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of these rows those that are there, and have lost it."""
    rows = ((key, world.rt.tables[key[0]].find(key[1], key[2])) for key in keys)
    return {key for key, row in rows if row is not None and row.get("of_tomorrow") != "x"}


@pytest.mark.requirement("OPS-8")
def test_what_a_later_version_keeps_in_a_row_outlives_all_that_this_one_does_to_it(desk: World) -> None:
    keys = mark_all(desk)
    assert len(keys) > 12
    desk.start()
    desk.emulator.deliver(SUPPORT, mail("Re: Printer broken", In_Reply_To="<first@example.com>"))
    desk.settle()
    assert desk.api("PATCH", "/tickets/1", {"status": "pending", "priority": "urgent"}).status == 200
    [user] = desk.get("/users")["items"]
    assert desk.api("PATCH", f"/users/{user['user_id']}", {"name": "Ada King"}).status == 200
    assert desk.api("PATCH", f"/users/{user['user_id']}", {"address": "king@example.com"}).status == 200
    [mailbox] = desk.get("/mailboxes")["items"]
    assert desk.api("PATCH", f"/mailboxes/{mailbox['mailbox_id']}", {"priority": "high"}).status == 200
    assert desk.api("PATCH", "/connections/contoso", {"name": "Contoso Ltd"}).status == 200
    desk.advance(6 * 86_400)
    for timer in ("reconcile_subscriptions", "watch_connections", "scan_mailboxes"):
        desk.host.run_timer(timer)
        desk.settle()

    assert unmarked(desk, keys) == set()
    assert desk.ticket(1)["status"] == "pending"
    tickets = [row for row in desk.rt.tables["Desk"].range("desk") if row.key[:2] in ("t~", "s~", "r~")]
    assert len(tickets) == 3
    assert {row.get("of_tomorrow") for row in tickets} == {"x"}, "in the lists that it came into meanwhile, too"


def be_of(world: World, number: int, *, needs: int, after: str = "") -> None:
    """Let the storage be of a later version, and the app's process begin."""
    found = reached.find(world.rt)
    found.number, found.needs, found.after = number, needs, after
    reached.save(world.rt, found)
    world.start()


@pytest.mark.requirement("OPS-8")
@pytest.mark.parametrize(("number", "after"), [(LATEST + 1, ""), (LATEST, "so far")])
def test_one_version_back_everything_goes_on_and_the_way_back_is_noted(desk: World, number: int, after: str) -> None:
    be_of(desk, number, needs=LATEST, after=after)
    desk.emulator.deliver(SUPPORT, mail("Another one"))
    desk.settle()
    assert len(desk.tickets()) == 2
    found = reached.find(desk.rt)
    assert (found.number, found.after, found.needs) == (LATEST, "", LATEST), "the later app goes its steps once more"
    assert desk.get("/health")["issues"] == []


@pytest.mark.requirement("OPS-8")
def test_a_storage_that_cannot_be_read_is_left_alone_and_the_app_says_so(desk: World) -> None:
    be_of(desk, LATEST + 2, needs=LATEST + 1)
    before = {key: desk.rt.tables[key[0]].find(key[1], key[2]) for key in mark_all(desk)}
    for method, path in (("GET", "/tickets"), ("POST", "/keys/rotate"), ("GET", "/connections/contoso")):
        answer = desk.api(method, path)
        assert (answer.status, answer.json()["type"].partition("#")[2]) == (503, "busy")
        assert f"needs an app of version {LATEST + 1}" in answer.json()["detail"]
        assert "later version" in answer.json()["cure"]
    health = desk.get("/health")
    assert [(each["code"], each["severity"]) for each in health["issues"]] == [("storage_too_new", "error")]
    assert (health["healthy"], health["storage"]["version"]) == (False, LATEST + 2)

    desk.emulator.deliver(SUPPORT, mail("While it could not be read"))
    assert desk.settle().delayed, "the notification was taken, and waits"
    for timer in ("scan_mailboxes", "remove_old", "reconcile_subscriptions"):
        with pytest.raises(FunctionFailed, match="needs an app of version"):
            desk.host.run_timer(timer)
    assert {key: desk.rt.tables[key[0]].find(key[1], key[2]) for key in before} == before

    be_of(desk, LATEST, needs=0)
    desk.scan()
    assert [each["subject"] for each in desk.tickets()] == ["While it could not be read", "Printer broken"]


@pytest.mark.requirement("OPS-8")
def test_nobody_signs_in_where_it_could_not_be_kept(desk: World) -> None:
    desk.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect(desk)
    desk.emulator.sit_down(ADA)
    back = go_to_entra(desk, begin(desk)["url"])
    be_of(desk, LATEST + 2, needs=LATEST + 1)
    page = come_back(desk, back)
    assert (page.status, b"needs an app of version" in page.body) == (503, True)
    be_of(desk, LATEST, needs=0)
    assert come_back(desk, back).status == 200, "the sign-in was not used up"
