"""Each of Microsoft's clouds is asked at its own addresses, and in the ways that it has."""

from __future__ import annotations

import pytest

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


def asked(world: World) -> set[str]:
    """Hosts that were asked for anything; msal looks the addresses of the national clouds up at the global one."""
    return {call.removeprefix("graph ") for call in world.meter.hosts if call.startswith("graph ")}


@pytest.mark.requirement("CONN-5")
@pytest.mark.parametrize("cloud", HOSTS)
@pytest.mark.parametrize("method", ["webhook", "scan"])
def test_mail_becomes_tickets_in_every_cloud_at_its_own_hosts(world: World, cloud: str, method: str) -> None:
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
