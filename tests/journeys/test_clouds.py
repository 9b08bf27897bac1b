"""Each of Microsoft's clouds is asked at its own addresses, and in the ways that it has."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault, hosts
from shared.graph.clouds import CLOUDS, LACKS
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

HOSTS = {
    "global": {"login.microsoftonline.com", "graph.microsoft.com"},
    "usgov": {"login.microsoftonline.us", "graph.microsoft.us"},
    "dod": {"login.microsoftonline.us", "dod-graph.microsoft.us"},
    "china": {"login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"},
}
"""https://learn.microsoft.com/en-us/graph/deployments"""


def connect(world: World, cloud: str) -> None:
    body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    assert world.api("POST", "/connections", {**body, "cloud": cloud}).status == 201


def refused(world: World, cloud: str) -> Any:
    """What is said to who connects the tenant in this cloud."""
    body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
    answer = world.api("POST", "/connections", {**body, "cloud": cloud})
    assert answer.status == 422, answer.body
    return answer.json()


def trial_of(world: World) -> Any:
    """What Test connection finds."""
    return world.api("POST", "/connections/contoso/test").json()


def asked(world: World) -> set[str]:
    """Hosts that were asked for anything; msal looks the addresses of the national clouds up at the global one."""
    return {call.removeprefix("graph ") for call in world.meter.hosts if call.startswith("graph ")}


@pytest.mark.requirement("CONN-5")
@pytest.mark.parametrize("cloud", HOSTS)
@pytest.mark.parametrize("method", ["webhook", "scan"])
def test_mail_becomes_tickets_in_every_cloud_at_its_own_hosts(world: World, cloud: str, method: str) -> None:
    world.emulator.place_tenant(TENANT, cloud)
    connect(world, cloud)
    world.meter.start()
    world.add_mailbox(method=method, disposal="mark_read")
    for index in range(3):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    world.scan()
    world.emulator.deliver(SUPPORT, mail("One more"))
    world.scan()
    world.scan()
    assert sorted(each["subject"] for each in world.tickets()) == ["Mail 0", "Mail 1", "Mail 2", "One more"]
    assert asked(world) - {"login.microsoftonline.com"} == HOSTS[cloud] - {"login.microsoftonline.com"}
    tokens = [call for call in world.meter.calls if call.endswith("/oauth2/v2.0/token")]
    assert len(tokens) == 1
    assert world.get("/health")["issues"] == []


@pytest.mark.requirement("CONN-5")
def test_what_a_cloud_lacks_is_said_and_not_offered(world: World) -> None:
    connect(world, "china")
    assert world.get("/connections/contoso")["lacks"] == [LACKS["message-delta"], LACKS["permanent-delete"]]
    body = {"connection_id": "contoso", "address": SUPPORT, "disposal": "delete_permanently"}
    assert world.api("POST", "/mailboxes", body).status == 422
    assert set(CLOUDS) == set(HOSTS)


@pytest.mark.requirement("CONN-5", "CONN-6")
@pytest.mark.parametrize("lives", HOSTS)
@pytest.mark.parametrize("chosen", HOSTS)
def test_a_tenant_is_connected_only_in_the_cloud_that_it_lives_in(world: World, lives: str, chosen: str) -> None:
    world.emulator.place_tenant(TENANT, lives)
    if lives == chosen:
        connect(world, chosen)
        assert trial_of(world)["ok"]
        return
    problem = refused(world, chosen)
    assert [each["field"] for each in problem["fields"]] == ["cloud"]
    assert f"another cloud: {lives} " in problem["detail"]
    assert f"the cloud {lives}," in problem["cure"]
    assert world.get("/connections")["items"] == []


@pytest.mark.requirement("CONN-5", "CONN-6")
def test_a_connection_in_the_wrong_cloud_is_told_before_its_sign_in_is_tried(world: World) -> None:
    connect(world, "global")
    world.emulator.place_tenant(TENANT, "usgov")
    trial = trial_of(world)
    assert (trial["ok"], [each["code"] for each in trial["probes"]]) == (False, ["otherCloud"])
    assert "usgov" in trial["cause"]
    assert "usgov" in trial["cure"]


@pytest.mark.requirement("CONN-5")
@pytest.mark.parametrize("kind", ["unavailable", "lost_answer"])
def test_where_entra_does_not_tell_nothing_is_refused(world: World, kind: Any) -> None:
    world.emulator.faults.add(Fault(kind=kind, path="openid-configuration"))
    connect(world, "global")
    assert world.get("/connections/contoso")["lacks"] == []


@pytest.mark.requirement("CONN-5")
def test_a_tenant_that_nobody_knows_is_for_the_sign_in_to_tell(world: World) -> None:
    world.emulator.remove_app(TENANT, CLIENT)
    world.emulator.gateway.world.tenants.clear()
    connect(world, "global")
    assert trial_of(world)["probes"][0]["name"] == "sign-in"


@pytest.mark.requirement("CONN-5")
def test_what_a_cloud_lacks_is_found_by_trying_and_counts_more_than_the_table(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(world, "global")
    world.add_mailbox(method="scan", disposal="mark_read")
    world.scan()
    monkeypatch.setitem(hosts.MISSING, "graph.microsoft.com", (r"/messages/delta$",))
    world.emulator.deliver(SUPPORT, mail("Listed"))
    assert trial_of(world)["ok"]
    assert world.get("/connections/contoso")["lacks"] == [LACKS["message-delta"]]
    world.scan()
    assert [each["subject"] for each in world.tickets()] == ["Listed"]
    assert world.get("/health")["issues"] == []

    monkeypatch.undo()
    assert trial_of(world)["ok"]
    assert world.get("/connections/contoso")["lacks"] == []
    world.meter.start()
    world.emulator.deliver(SUPPORT, mail("By a delta round"))
    world.scan()
    assert any(call.endswith("/messages/delta") for call in world.meter.calls)
    assert len(world.tickets()) == 2
