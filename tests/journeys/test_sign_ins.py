"""When people last signed in: read at night, as slowly as Graph wants it, and only what is new is written."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from dev.host import Host
from shared.connections import store as connections
from shared.desk import people
from shared.directory import reports, sign_ins
from shared.directory.sign_ins import latest_of
from shared.graph import directory as graph
from shared.work import ReadSignIns
from tests import kill
from tests.companies import READS, Company, open_company
from tests.kill import iter_survivors
from tests.world import CLIENT, TENANT, World

AUDITS = (*READS, "AuditLog.Read.All")
DAY = "2026-11-19T08:15:00Z"
SHARDS = 2


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small tenant has many pages, too."""
    monkeypatch.setattr(graph, "SIGN_IN_PAGE", 2)
    monkeypatch.setattr(kill, "SHARDS", SHARDS)


def open_watched(world: World, count: int) -> Company:
    """So many people who have all signed in, and are known at the desk."""
    company = open_company(world, last_sign_in=True)
    world.emulator.change_roles(TENANT, CLIENT, *AUDITS)
    for number in range(count):
        company.hire(f"u{number:02}", signInActivity={"lastSignInDateTime": DAY})
    company.run()
    return company


def night(world: World) -> None:
    world.host.run_timer("read_sign_ins")
    world.settle()


def go_on(world: World) -> None:
    """What waits for the next minute goes on."""
    world.advance(62)
    world.rt.queues.put(ReadSignIns(connection_id="contoso", cause="scan", attempt=1))
    world.settle()


def days(company: Company) -> list[str]:
    return [each.last_sign_in[:10] for each in company.users().values()]


def asked(world: World) -> int:
    return sum(call == "graph GET /v1.0/users" for call in world.meter.calls)


@pytest.mark.requirement("DIR-13")
def test_pages_are_read_minute_by_minute_and_never_faster_than_graph_allows(world: World) -> None:
    company = open_watched(world, 22)
    world.meter.start()
    night(world)
    assert (asked(world), days(company).count("2026-11-19")) == (9, 18), "the tenth would be one too many"
    world.rt.queues.put(ReadSignIns(connection_id="contoso", cause="scan", attempt=1))
    world.settle()
    assert asked(world) == 9, "not before the next minute"
    go_on(world)
    assert days(company) == ["2026-11-19"] * 22
    assert 9 < asked(world) <= 18
    assert world.get("/users?limit=1")["items"][0]["last_sign_in"].startswith("2026-11-19T08:15:00")


@pytest.mark.requirement("DIR-13")
def test_only_another_day_is_written(world: World) -> None:
    company = open_watched(world, 4)
    night(world)
    before = dict(company.users())
    company.tenant.change("u00@contoso.com", signInActivity={"lastSignInDateTime": "2026-11-19T23:00:00Z"})
    company.tenant.change("u01@contoso.com", signInActivity={"lastSignInDateTime": "2026-11-20T01:00:00Z"})
    world.advance(86_400)
    night(world)
    after = company.users()
    assert {name for name in after if after[name] != before[name]} == {"U01"}
    assert after["U01"].last_sign_in.startswith("2026-11-20")
    assert company.run().counts.get("update", 0) == 0, "a run leaves it alone"
    assert company.users() == after


@pytest.mark.requirement("DIR-13", "CONN-6")
def test_without_the_permission_health_says_so_and_runs_go_on(world: World) -> None:
    company = open_watched(world, 2)
    world.emulator.change_roles(TENANT, CLIENT, *READS)
    world.start()
    night(world)
    [issue] = [each for each in world.get("/health")["issues"] if each["code"] == "sign_ins_unread"]
    assert "AuditLog.Read.All" in issue["cure"]
    company.hire("new")
    assert company.run().status == "done"
    assert "New" in company.users()
    world.emulator.change_roles(TENANT, CLIENT, *AUDITS)
    world.start()
    world.advance(86_400)
    night(world)
    assert "sign_ins_unread" not in {each["code"] for each in world.get("/health")["issues"]}
    assert "2026-11-19" in days(company)


@pytest.mark.requirement("DIR-13")
def test_a_reading_that_was_left_lying_is_begun_anew_the_next_night(world: World) -> None:
    company = open_watched(world, 22)
    night(world)
    company.tenant.change("u00@contoso.com", signInActivity={"lastSignInDateTime": "2026-11-20T08:15:00Z"})
    world.advance(86_400)
    night(world)
    assert company.users()["U00"].last_sign_in.startswith("2026-11-20")


@pytest.mark.requirement("DIR-13")
def test_work_that_comes_again_after_the_end_begins_nothing(world: World) -> None:
    open_watched(world, 1)
    night(world)
    world.meter.start()
    go_on(world)
    assert asked(world) == 0


@pytest.mark.requirement("DIR-13", "OPS-5")
def test_a_setting_that_is_wrong_is_told_in_the_health(world: World) -> None:
    company = open_watched(world, 1)
    vaulted = {"sealed_secret": "", "vault_secret": "deskbridge-contoso", "vault_version": "1"}
    connections.change(world.rt, company.connection_id, **vaulted)
    world.start()
    night(world)
    [found] = world.get("/health")["directories"]
    [issue] = [each for each in found["issues"] if each["code"] == "sign_ins_unread"]
    assert "KEY_VAULT_URL" in issue["cure"]
    assert issue["cause"]


@pytest.mark.requirement("DIR-13")
def test_nothing_is_asked_where_it_is_not_wanted(world: World) -> None:
    company = open_company(world)
    company.hire("ada")
    company.run()
    assert sign_ins.begin_all(world.rt) == 0
    company.keep(last_sign_in=True, enabled=False)
    assert sign_ins.begin_all(world.rt) == 0


@pytest.mark.requirement("DIR-13")
@pytest.mark.parametrize(
    ("activity", "at"),
    [
        (None, ""),
        ({}, ""),
        ({"lastSignInDateTime": DAY}, "2026-11-19T08:15:00.000000Z"),
        ({"lastSignInDateTime": DAY, "lastSuccessfulSignInDateTime": None}, "2026-11-19T08:15:00.000000Z"),
        (
            {"lastSignInDateTime": "2026-11-20T08:15:00Z", "lastSuccessfulSignInDateTime": DAY},
            "2026-11-19T08:15:00.000000Z",
        ),
    ],
)
def test_the_last_success_counts(activity: dict[str, Any] | None, at: str) -> None:
    assert latest_of({"id": "x", "signInActivity": activity}) == at


def _watched(world: World) -> None:
    open_watched(world, 3)


@pytest.mark.requirement("DIR-13")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_night_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _watched, night, shard):
        world.advance(62)
        night(world)
        assert {each.last_sign_in[:10] for each in people.iter_users(world.rt)} == {"2026-11-19"}, where
        assert reports.find_report(world.rt, "contoso", "sign_ins").failure == "", where
        assert world.get("/set-aside")["items"] == [], where
