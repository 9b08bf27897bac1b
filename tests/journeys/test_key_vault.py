"""The secrets of connections live in a key vault: mail comes in by them, and nothing of them lies anywhere else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from requests import PreparedRequest, Response

from dev.azurite import Azurite
from dev.graph import Fault
from dev.graph.vault_secrets import Vault
from shared.connections import safekeeping, store
from shared.graph.errors import GraphBusy
from shared.storage.rows import Row
from shared.upkeep import key_rotation
from tests.api.storage_dump import dump
from tests.connections.browser import ADA, sign_in
from tests.connections.browser import connect as connect_account
from tests.tampering import Carry, answer, body_of, tamper_with_storage
from tests.vaults import IDENTITY, OFFICER, SETTINGS, give_identity, make_vault, open_vault
from tests.world import CALLBACK, CLIENT, CLIENT_SECRET, SECRET_KEY, SUPPORT, TENANT, World, mail

NEW_KEY = base64.b64encode(b"n" * 32).decode()
NEW_SECRET = "the-next-planted-secret-Qm47"


@pytest.fixture
def vault(world: World, monkeypatch: pytest.MonkeyPatch) -> Vault:
    give_identity(monkeypatch)
    world.meter.lookout.secrets.add(NEW_SECRET)
    return open_vault(world)


def subjects(world: World) -> list[str]:
    return sorted(each["subject"] for each in world.tickets())


def trial(world: World) -> Any:
    return world.api("POST", "/connections/contoso/test").json()


def enter(world: World, secret: str) -> None:
    world.emulator.add_app(TENANT, CLIENT, secret)
    assert world.api("PUT", "/connections/contoso/secret", {"client_secret": secret}).status == 200


@pytest.mark.requirement("CONN-3", "OPS-8")
def test_mail_comes_in_by_a_secret_that_only_the_vault_has(world: World, vault: Vault, azurite: Azurite) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()
    world.emulator.deliver(SUPPORT, mail("By the vault"))
    world.settle()
    assert subjects(world) == ["By the vault"]
    [name] = vault.names()
    [version] = vault.versions(name)
    assert (version.value, version.content_type) == (CLIENT_SECRET, "text/plain")
    assert version.tags == {"application": "deskbridge", "connection": "contoso"}
    shown = world.get("/connections/contoso")
    assert (shown["vault_secret"], shown["credential"]) == (name, "secret")
    assert CLIENT_SECRET not in str(shown)
    [row] = next(rows for table, rows in dump(azurite, world)["rows"].items() if table.endswith("Connections"))
    assert (row["vault_version"], row["sealed_secret"]) == (version.id, "")


@pytest.mark.requirement("CONN-3")
@pytest.mark.usefixtures("vault")
def test_a_secret_is_asked_for_once_in_minutes(world: World) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    world.scan()
    asked = world.emulator.faults.add(Fault(kind="latency", method="GET", path="^/secrets/", seconds=0))
    for _ in range(3):
        world.scan()
    assert asked.struck == 0
    world.advance(safekeeping.REMEMBERED_SECONDS + 1)
    world.scan()
    world.scan()
    assert asked.struck == 1


@pytest.mark.requirement("CONN-3", "CONN-9")
def test_a_replaced_secret_is_switched_off_and_who_still_has_the_old_one_loses_nothing(
    world: World, vault: Vault
) -> None:
    world.connect()
    knows_secret, knows_version = world.start(), world.start()
    store.open_client(knows_secret, store.get(knows_secret, "contoso")).sign_in_anew()
    store.get(knows_version, "contoso")
    world.start()
    enter(world, NEW_SECRET)
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [False, True]
    assert store.read(world.rt, "contoso")[0].vault_stale == ""
    for process in (knows_secret, knows_version):
        with pytest.raises(GraphBusy, match="signInChanged"):
            store.open_client(process, store.get(process, "contoso")).sign_in_anew()
        store.open_client(process, store.get(process, "contoso")).sign_in_anew()
    assert world.get("/connections/contoso")["state"] == "connected"


@pytest.mark.requirement("CONN-3")
def test_a_lost_answer_does_not_switch_off_the_version_that_is_used(world: World, vault: Vault) -> None:
    """The row was written, and nobody said so: the next try finds its own version there, as if another one's."""
    world.connect()
    lost = list[str]()

    def lose(request: PreparedRequest, carry: Carry) -> Response:
        came = carry()
        if lost or b"vault_stale" not in body_of(request):
            return came
        lost.append("once")
        return answer(request, 503)

    tamper_with_storage(world, lose)
    enter(world, NEW_SECRET)
    assert lost
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [False, True]
    assert trial(world)["ok"] is True


@pytest.mark.requirement("CONN-9")
@pytest.mark.usefixtures("vault")
def test_a_secret_that_nobody_replaced_is_a_lost_sign_in(world: World) -> None:
    world.connect()
    world.emulator.add_app(TENANT, CLIENT, NEW_SECRET)
    assert trial(world)["ok"] is False
    assert world.get("/connections/contoso")["state"] == "needs_sign_in"
    assert world.api("PUT", "/connections/contoso/secret", {"client_secret": NEW_SECRET}).status == 200
    assert world.get("/connections/contoso")["state"] == "connected"


@pytest.mark.requirement("CONN-3")
def test_an_old_version_that_cannot_be_switched_off_just_now_is_switched_off_within_the_hour(
    world: World, vault: Vault
) -> None:
    world.connect()
    refusal = world.emulator.faults.add(Fault(kind="unavailable", method="PATCH", path="^/secrets/"))
    enter(world, NEW_SECRET)
    enter(world, CLIENT_SECRET)
    assert refusal.struck == 2
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [True, True, True]
    world.emulator.faults.clear()
    world.host.run_timer("watch_connections")
    assert [each.enabled for each in vault.versions(name)] == [False, False, True]
    assert trial(world)["ok"] is True


@pytest.mark.requirement("CONN-3")
def test_an_identity_in_place_of_a_secret_leaves_nothing_that_can_be_read(world: World, vault: Vault) -> None:
    app = world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
    world.emulator.add_identity(TENANT, IDENTITY, trusted_by=app)
    world.connect()
    assert world.api("PUT", "/connections/contoso/secret", {"managed_identity": True}).status == 200
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [False]
    assert trial(world)["ok"] is True
    assert world.get("/connections/contoso")["vault_secret"] == ""


@pytest.mark.requirement("CONN-3")
def test_a_second_connection_of_the_same_name_writes_no_version_under_the_first_ones(
    world: World, vault: Vault
) -> None:
    assert world.connect() != world.connect()
    assert [len(vault.versions(name)) for name in vault.names()] == [1, 1]


@pytest.mark.requirement("CONN-3")
def test_secrets_move_into_a_vault_that_is_set_later(
    world: World, monkeypatch: pytest.MonkeyPatch, azurite: Azurite
) -> None:
    give_identity(monkeypatch)
    app = world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
    vault = make_vault(world)
    world.emulator.add_identity(TENANT, IDENTITY, trusted_by=app)
    world.connect()
    world.start(AZURE_CLIENT_ID=IDENTITY)
    other = {"name": "Keyless", "tenant_id": TENANT, "client_id": CLIENT, "managed_identity": True}
    assert world.api("POST", "/connections", other).status == 201
    world.always = SETTINGS
    world.start()
    assert trial(world)["ok"] is True, "what is sealed still opens"
    [told] = [each for each in world.get("/health")["issues"] if each["code"] == "secrets_not_in_vault"]
    assert "1 secrets" in told["cause"]

    moved = world.api("POST", "/keys/rotate").json()
    assert (moved["moved_to_vault"], moved["lost"]) == (1, [])
    [name] = vault.names()
    assert [each.value for each in vault.versions(name)] == [CLIENT_SECRET]
    assert trial(world)["ok"] is True
    again = world.api("POST", "/keys/rotate").json()
    assert (again["moved_to_vault"], len(vault.versions(name))) == (0, 1)
    assert not [each for each in world.get("/health")["issues"] if "vault" in each["code"]]
    [moved_row] = [each for each in _connection_rows(azurite, world) if each["RowKey"] == "contoso"]
    assert moved_row["sealed_secret"] == ""


@pytest.mark.requirement("CONN-3")
def test_a_secret_that_no_key_opens_does_not_keep_the_others_from_the_vault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_identity(monkeypatch)
    vault = make_vault(world)
    world.start(SECRET_KEY=NEW_KEY)
    assert connect_account(world, "Lost", method="application") == "lost"
    world.start()
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
    world.connect()
    world.always = SETTINGS
    world.start()
    found = world.api("POST", "/keys/rotate").json()
    assert (found["moved_to_vault"], [each["connection_id"] for each in found["lost"]]) == (1, ["lost"])
    [name] = vault.names()
    assert [each.value for each in vault.versions(name)] == [CLIENT_SECRET]
    assert trial(world)["ok"] is True


@pytest.mark.requirement("CONN-3")
def test_a_move_that_is_overtaken_leaves_no_version_on_that_nothing_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_identity(monkeypatch)
    vault = make_vault(world)
    world.connect()
    world.always = SETTINGS
    world.start()
    overtaken = list[str]()

    def overtake(request: PreparedRequest, carry: Carry) -> Response:
        if not overtaken and b"vault_version" in body_of(request):
            overtaken.append("once")
            world.rt.tables[store.TABLE].merge(Row(store.PARTITION, "contoso", {"name": "Contoso Ltd"}))
        return carry()

    tamper_with_storage(world, overtake)
    assert world.api("POST", "/keys/rotate").json()["moved_to_vault"] == 1
    assert overtaken
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [False, True]
    assert trial(world)["ok"] is True


def _connection_rows(azurite: Azurite, world: World) -> list[Any]:
    return list(next(rows for table, rows in dump(azurite, world)["rows"].items() if table.endswith("Connections")))


@pytest.mark.requirement("CONN-3", "CONN-8")
def test_without_its_vault_a_connection_says_where_its_secret_is(world: World, vault: Vault) -> None:
    world.connect()
    mailbox_id = world.add_mailbox(method="scan")
    world.always = {}
    world.start()
    found = trial(world)
    assert found["ok"] is False
    assert "KEY_VAULT_URL is not set" in found["cause"]
    assert "enter the secret" in found["cure"]
    world.emulator.deliver(SUPPORT, mail("Waits for the vault"))
    world.scan()
    issues = {each["code"]: each for each in world.get("/health")["issues"]}
    assert issues["vault_not_set"]["severity"] == "error"
    assert "KEY_VAULT_URL" in issues["round_failing"]["cause"]
    assert world.get("/connections/contoso")["state"] == "connected"

    enter(world, CLIENT_SECRET)  # it is sealed now
    world.scan()
    assert subjects(world) == ["Waits for the vault"]
    assert world.get(f"/mailboxes/{mailbox_id}")["enabled"]
    assert "vault_not_set" not in {each["code"] for each in world.get("/health")["issues"]}
    world.always = SETTINGS  # and what it left behind is switched off when there is a vault again
    world.start()
    world.host.run_timer("watch_connections")
    [name] = vault.names()
    assert [each.enabled for each in vault.versions(name)] == [False]


@pytest.mark.requirement("CONN-2", "CONN-3")
def test_an_account_signs_in_for_an_app_whose_secret_lies_in_the_vault(world: World, vault: Vault) -> None:
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect_account(world)
    assert sign_in(world).status == 200
    world.start()
    answer = world.api("POST", "/mailboxes", {"connection_id": "desk", "address": ADA, "method": "scan"})
    assert answer.status == 201
    world.advance(2 * 3600)
    world.emulator.expire_tokens()
    enter_for = {"client_secret": NEW_SECRET}
    world.emulator.add_app(TENANT, CLIENT, NEW_SECRET, redirect_uris=(CALLBACK,))
    assert world.api("PUT", "/connections/desk/secret", enter_for).status == 200
    world.emulator.deliver(ADA, mail("In her name", to=ADA))
    world.scan()
    assert subjects(world) == ["In her name"]
    assert [len(vault.versions(name)) for name in vault.names()] == [2]


@pytest.mark.requirement("CONN-3")
def test_a_rotation_seals_anew_whatever_the_vault_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give_identity(monkeypatch)
    world.connect()
    vault = make_vault(world)
    world.emulator.assign(vault, IDENTITY, None)
    world.always = {**SETTINGS, "SECRET_KEY": NEW_KEY, "FORMER_SECRET_KEY": SECRET_KEY}
    world.start()
    refused = world.api("POST", "/keys/rotate")
    assert (refused.status, refused.json()["type"]) == (502, "/api/v1/problems#vault-failed")
    assert [each.opener for each in key_rotation.list_sealed(world.rt)] == ["present"]
    world.emulator.assign(vault, IDENTITY, OFFICER)
    assert world.api("POST", "/keys/rotate").json()["moved_to_vault"] == 1
