"""A secret is entered, replaced or moved into the key vault, and the app dies after any request of it."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from dev.graph.vault_secrets import Vault
from dev.host import Host
from shared.connections import store
from tests.kill import SHARDS, iter_survivors
from tests.vaults import SETTINGS, give_identity, make_vault, open_vault
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

pytestmark = pytest.mark.minutes

NEW_SECRET = "entered-while-dying-Kp63"
NEW = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}

pytestmark = pytest.mark.requirement("CONN-3")


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    give_identity(monkeypatch)


def vault_of(world: World) -> Vault:
    return world.emulator.add_vault("desk.vault.azure.net", TENANT)


def enabled(world: World) -> list[str]:
    """The values that can be read in the vault."""
    vault = vault_of(world)
    return [each.value for name in vault.names() for each in vault.versions(name) if each.enabled]


def with_a_mailbox(world: World) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    world.emulator.deliver(SUPPORT, mail("Waiting"))


def ask(world: World, method: str, path: str, body: Any = None) -> None:
    world.api(method, path, body)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_new_connection_is_there_with_its_secret_or_not_at_all(azurite: Azurite, host: Host, shard: int) -> None:
    def prepare(world: World) -> None:
        open_vault(world)

    for when, world in iter_survivors(azurite, host, prepare, lambda w: ask(w, "POST", "/connections", NEW), shard):
        made = world.get("/connections")["items"]
        if not made:
            assert world.api("POST", "/connections", NEW).status == 201, when
        assert world.api("POST", "/connections/contoso/test").json()["ok"], when


@pytest.mark.parametrize("shard", range(SHARDS))
def test_one_of_both_secrets_holds_whenever_the_app_dies(azurite: Azurite, host: Host, shard: int) -> None:
    def prepare(world: World) -> None:
        world.meter.lookout.secrets.add(NEW_SECRET)
        open_vault(world)
        with_a_mailbox(world)
        world.emulator.add_app(TENANT, CLIENT, NEW_SECRET)  # it was made in Entra; the old one is gone

    def work(world: World) -> None:
        ask(world, "PUT", "/connections/contoso/secret", {"client_secret": NEW_SECRET})

    for when, world in iter_survivors(azurite, host, prepare, work, shard):
        found = store.read(world.rt, "contoso")[0]
        named = vault_of(world).find(found.vault_secret, found.vault_version)
        assert named.enabled, when
        if named.value == NEW_SECRET:  # what the row left behind is off by the next hourly look, at the latest
            world.host.run_timer("watch_connections")
            assert enabled(world) == [NEW_SECRET], when
        else:
            work(world)
        world.settle()
        world.scan()
        assert [each["subject"] for each in world.tickets()] == ["Waiting"], when
        assert store.read(world.rt, "contoso")[0].vault_stale == "", when


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_move_into_the_vault_is_ended_by_the_next_one(azurite: Azurite, host: Host, shard: int) -> None:
    def prepare(world: World) -> None:
        with_a_mailbox(world)
        make_vault(world)
        world.always = SETTINGS
        world.start()

    for when, world in iter_survivors(azurite, host, prepare, lambda w: ask(w, "POST", "/keys/rotate"), shard):
        assert [each["subject"] for each in world.tickets()] == ["Waiting"], when
        assert world.api("POST", "/keys/rotate").json()["lost"] == [], when
        found = store.read(world.rt, "contoso")[0]
        assert (found.sealed_secret, vault_of(world).read(found.vault_secret, found.vault_version).value) == (
            "",
            CLIENT_SECRET,
        ), when
        world.start()
        assert world.api("POST", "/connections/contoso/test").json()["ok"], when
