"""A key vault that refuses, or does not answer: told with cause and cure, and an outage is no lost sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dev.graph import Fault
from dev.graph.vault_secrets import Vault
from shared.connections import safekeeping
from shared.storage.vault_errors import VAULT_ERRORS, vault_failure
from tests.tampering import Carry, answer, tamper_with_graph
from tests.vaults import HOST, IDENTITY, OFFICER, SETTINGS, USER, give_identity, open_vault
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

NEW = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
ROWS = {code: row for row in VAULT_ERRORS for code in row.codes}


@pytest.fixture
def vault(world: World, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault, a connection whose secret lies in it, and a mailbox; the process knows nothing of them yet."""
    give_identity(monkeypatch)
    made = open_vault(world)
    world.connect()
    world.add_mailbox(method="scan")
    world.start()
    return made


def trial(world: World) -> Any:
    return world.api("POST", "/connections/contoso/test").json()


def subjects(world: World) -> list[str]:
    return [each["subject"] for each in world.tickets()]


def issues(world: World) -> dict[str, Any]:
    return {each["code"]: each for each in world.get("/health")["issues"]}


def alerts(world: World) -> list[str]:
    return [row["cause"] for row in world.rt.tables["Alerts"].range("alerts") if row.get("kind")]


def take_role(world: World, vault: Vault) -> None:
    world.emulator.assign(vault, IDENTITY, None)


def give_role(world: World, vault: Vault) -> None:
    world.emulator.assign(vault, IDENTITY, OFFICER)


def delete(_: World, vault: Vault) -> None:
    vault.delete(vault.names()[0])


def recover(world: World, vault: Vault) -> None:
    vault.recover(safekeeping.name_in_vault(world.rt, "contoso"))


def switch(enabled: bool, vault: Vault) -> None:
    [name] = vault.names()
    for version in vault.versions(name):
        version.enabled = enabled


def shut(world: World, _: Vault) -> None:
    world.emulator.faults.add(Fault(kind="refuse", path="^/secrets/", status=403, error="ForbiddenByFirewall"))


def let_in(world: World, _: Vault) -> None:
    world.emulator.faults.clear()


REFUSALS = {
    "ForbiddenByRbac": (take_role, give_role),
    "SecretNotFound": (delete, recover),
    "SecretDisabled": (lambda _, vault: switch(False, vault), lambda _, vault: switch(True, vault)),
    "ForbiddenByFirewall": (shut, let_in),
}


@pytest.mark.requirement("CONN-7", "CONN-8", "CONN-9")
@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_told_once_and_all_goes_on_when_it_is_mended(world: World, vault: Vault, code: str) -> None:
    spoil, mend = REFUSALS[code]
    spoil(world, vault)
    world.emulator.deliver(SUPPORT, mail("Waits"))
    world.scan()
    shown = world.get("/connections/contoso")
    assert shown["state"] == "needs_sign_in"
    assert ROWS[code].cause in shown["trouble"]
    assert shown["cure"] == ROWS[code].cure
    assert len(alerts(world)) == 1
    found = trial(world)
    assert (found["ok"], found["probes"][0]["code"], found["cure"]) == (False, code, ROWS[code].cure)
    assert "connection_lost" in issues(world)
    [known] = world.get(f"/errors?code={code}")["items"]
    assert known["cure"] == ROWS[code].cure

    world.start()
    world.host.run_timer("watch_connections")
    world.settle()
    assert (subjects(world), len(alerts(world))) == ([], 1)
    mend(world, vault)
    world.start()
    world.host.run_timer("watch_connections")
    world.settle()
    assert world.get("/connections/contoso")["state"] == "connected"
    assert subjects(world) == ["Waits"]


OUTAGES = {
    "throttled": Fault(kind="throttle", path="^/secrets/", retry_after=40),
    "unavailable": Fault(kind="unavailable", path="^/secrets/"),
    "unreachable": Fault(kind="refuse_connection", path="^/secrets/"),
    "its answers are lost": Fault(kind="lost_answer", path="^/secrets/"),
    "no tokens": Fault(kind="unavailable", path="^/msi/token"),
}


@pytest.mark.requirement("CONN-8", "CONN-9")
@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_no_lost_sign_in(world: World, outage: str) -> None:
    world.emulator.faults.add(OUTAGES[outage])
    world.emulator.deliver(SUPPORT, mail("Waits"))
    world.host.run_timer("scan_mailboxes")
    assert world.settle(patience=0).delayed, "it is put again, and waits"
    assert world.get("/connections/contoso")["state"] == "connected"
    assert alerts(world) == []
    row = ROWS["Throttled" if outage == "throttled" else "vaultUnavailable"]
    told = issues(world)["round_failing"]
    assert row.cause in told["cause"]
    assert told["cure"] == row.cure
    found = trial(world)
    assert (found["ok"], found["probes"][0]["code"]) == (False, row.codes[0])
    assert found["cure"] == f"{row.cure} Test again in a few minutes."
    assert world.get("/connections/contoso")["state"] == "connected"

    world.emulator.faults.clear()
    world.host.make_visible()
    world.advance(70)
    world.scan()
    assert subjects(world) == ["Waits"]


@pytest.mark.requirement("CONN-9")
@pytest.mark.usefixtures("vault")
def test_what_the_vault_said_before_holds_while_it_is_away(world: World) -> None:
    world.scan()
    world.emulator.faults.add(Fault(kind="refuse_connection", path="^/secrets/"))
    world.advance(safekeeping.REMEMBERED_SECONDS + 60)
    world.emulator.expire_tokens()
    world.emulator.deliver(SUPPORT, mail("In spite of it"))
    world.scan()
    assert subjects(world) == ["In spite of it"]


@pytest.mark.requirement("CONN-3", "CONN-8")
def test_nothing_is_kept_of_a_secret_that_the_vault_does_not_take(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_identity(monkeypatch)
    vault = open_vault(world)
    world.emulator.assign(vault, IDENTITY, USER)  # who may only read
    refused = world.api("POST", "/connections", NEW)
    assert (refused.status, refused.json()["type"]) == (502, "/api/v1/problems#vault-failed")
    assert "Key Vault Secrets Officer" in refused.json()["cure"]
    assert world.get("/connections")["items"] == []

    world.emulator.assign(vault, IDENTITY, OFFICER)
    world.emulator.faults.add(Fault(kind="throttle", path="^/secrets/", retry_after=7))
    busy = world.api("POST", "/connections", NEW)
    assert (busy.status, busy.headers["retry-after"]) == (503, "7")
    world.emulator.faults.clear()
    assert (world.get("/connections")["items"], vault.names()) == ([], [])

    world.connect()
    [name] = vault.names()
    vault.delete(name)
    occupied = world.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET})
    assert (occupied.status, occupied.json()["cure"]) == (502, ROWS["ObjectIsDeletedButRecoverable"].cure)
    vault.recover(name)
    assert trial(world)["ok"] is True


@pytest.mark.requirement("CONN-8")
def test_an_app_without_an_identity_is_told_to_get_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give_identity(monkeypatch)
    world.emulator.add_vault(HOST, TENANT)
    world.start(**SETTINGS)
    assert world.api("POST", "/connections", NEW).json()["cure"] == ROWS["vaultNoIdentity"].cure


@pytest.mark.requirement("CONN-8")
def test_a_vault_of_another_tenant_and_one_that_does_not_exist_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_identity(monkeypatch)
    world.emulator.add_identity(TENANT, IDENTITY)
    world.emulator.add_vault(HOST, "99999999-9999-4999-8999-999999999999")
    world.start(**SETTINGS)
    assert world.api("POST", "/connections", NEW).json()["cure"] == ROWS["Unauthorized"].cure
    world.start(**{**SETTINGS, "KEY_VAULT_URL": "https://nobody.vault.azure.net"})
    away = world.api("POST", "/connections", NEW)
    assert (away.status, away.json()["cure"]) == (503, ROWS["vaultUnavailable"].cure)


@pytest.mark.requirement("CONN-3")
def test_a_vault_that_asks_for_tokens_of_somebody_else_gets_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    give_identity(monkeypatch)
    open_vault(world)
    resources: set[str] = set()

    def elsewhere(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        url = urlsplit(str(request.url))
        if url.hostname != HOST:
            resources.update(parse_qs(url.query).get("resource", []))
            return carry()
        led = 'Bearer authorization="https://login.microsoftonline.com/x", resource="https://graph.microsoft.com"'
        return answer(request, 401, b"", WWW_Authenticate=led)

    tamper_with_graph(world, elsewhere)
    refused = world.api("POST", "/connections", NEW)
    assert (refused.status, refused.json()["cure"]) == (502, ROWS["Unauthorized"].cure)
    assert resources <= {"https://vault.azure.net"}


def test_every_row_of_the_table_is_what_its_codes_are_told_with() -> None:
    for row in VAULT_ERRORS:
        for code in row.codes:
            failure = vault_failure(429 if row.transient else 403, code, "Words of Key Vault.\r\nMore of them.")
            assert failure.cause == f"Key Vault: {row.cause} It says: Words of Key Vault."
            assert (failure.code, failure.cure) == (code, row.cure)
