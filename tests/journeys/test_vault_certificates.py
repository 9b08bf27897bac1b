"""A certificate that lives in the key vault: signed in with, renewed there, and taken up when Entra knows it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1

from dev.graph import Fault
from dev.graph.vault_secrets import Vault
from shared.errors import BadInput
from shared.graph.proofs import read_certificate
from shared.graph.vault_certificates import PEM, PKCS12, to_pem
from tests.certificates import Pair, make_pair
from tests.vaults import give_identity, open_vault, pkcs12
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

NAME = "graph-certificate"
NEW = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "vault_certificate": NAME}

pytestmark = pytest.mark.requirement("CONN-3")


@pytest.fixture
def vault(world: World, monkeypatch: pytest.MonkeyPatch) -> Vault:
    give_identity(monkeypatch)
    return open_vault(world)


def upload(world: World, *pairs: Pair) -> None:
    """What Entra knows of these certificates: their public parts."""
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, certificates=tuple(pair.certificate for pair in pairs))


def renew(world: World, vault: Vault, pair: Pair, form: str = PKCS12) -> None:
    """The vault makes a version of the certificate."""
    world.meter.lookout.secrets.add(pair.key.splitlines()[5])
    vault.put_certificate(NAME, pkcs12(pair) if form == PKCS12 else pair.key + pair.certificate, form)


def thumbprint(pair: Pair) -> str:
    return read_certificate(pair.both).thumbprint


def shown(world: World) -> Any:
    return world.get("/connections/contoso")


def alerts(world: World) -> dict[str, Any]:
    return {row["kind"]: row for row in world.rt.tables["Alerts"].range("alerts") if row.get("kind")}


def watch(world: World) -> None:
    world.host.run_timer("watch_connections")


@pytest.mark.parametrize("form", [PKCS12, PEM])
def test_mail_comes_in_by_a_certificate_of_the_vault(world: World, vault: Vault, form: str) -> None:
    pair = make_pair(world.clock.now(), days=365)
    upload(world, pair)
    renew(world, vault, pair, form)
    world.connect(vault_certificate=NAME)
    world.add_mailbox()
    world.settle()
    world.emulator.deliver(SUPPORT, mail("By the vault's certificate"))
    world.settle()
    assert [each["subject"] for each in world.tickets()] == ["By the vault's certificate"]
    found = shown(world)
    assert (found["credential"], found["vault_certificate"], found["vault_secret"]) == ("certificate", NAME, "")
    assert found["thumbprint"] == thumbprint(pair)
    assert vault.names() == [NAME], "nothing was written there"


def test_what_the_vault_renews_is_taken_up_by_itself(world: World, vault: Vault) -> None:
    old, new = make_pair(world.clock.now(), days=40), make_pair(world.clock.now(), days=400)
    upload(world, old, new)
    renew(world, vault, old)
    world.connect(vault_certificate=NAME)
    world.add_mailbox(method="scan")
    renew(world, vault, new)
    assert shown(world)["thumbprint"] == thumbprint(old)
    watch(world)
    assert shown(world)["thumbprint"] == thumbprint(new)
    world.advance(20 * 86_400)
    watch(world)
    assert alerts(world) == {}, "nobody is warned of the end of the old one"
    upload(world, new)
    world.emulator.expire_tokens()
    world.emulator.deliver(SUPPORT, mail("By the new one"))
    world.scan()
    assert len(world.tickets()) == 1
    assert [each.enabled for each in vault.versions(NAME)] == [True, True], "the vault's own versions are left alone"


@pytest.mark.requirement("CONN-8")
def test_a_renewed_certificate_that_entra_does_not_know_is_told_and_the_old_one_goes_on(
    world: World, vault: Vault
) -> None:
    old, new = make_pair(world.clock.now(), days=40), make_pair(world.clock.now(), days=400)
    upload(world, old)
    renew(world, vault, old)
    world.connect(vault_certificate=NAME)
    world.add_mailbox(method="scan")
    renew(world, vault, new)
    watch(world)
    watch(world)
    told = alerts(world)
    assert set(told) == {"certificate_renewed"}
    assert thumbprint(new) in told["certificate_renewed"]["cause"]
    assert "AADSTS700027" in told["certificate_renewed"]["cause"]
    assert "upload it in Entra" in told["certificate_renewed"]["cure"]
    assert (shown(world)["thumbprint"], shown(world)["state"]) == (thumbprint(old), "connected")
    world.start()
    world.emulator.deliver(SUPPORT, mail("By the old one"))
    world.scan()
    assert len(world.tickets()) == 1
    world.advance(20 * 86_400)
    watch(world)
    assert "on with the old one" in alerts(world)["certificate_renewed"]["cause"]
    assert "in the key vault" in alerts(world)["credential_ends"]["cure"]
    upload(world, old, new)
    watch(world)
    assert shown(world)["thumbprint"] == thumbprint(new)


def test_an_old_certificate_that_entra_has_forgotten_is_replaced_at_once(world: World, vault: Vault) -> None:
    old, new = make_pair(world.clock.now(), days=40), make_pair(world.clock.now(), days=400)
    upload(world, old)
    renew(world, vault, old)
    world.connect(vault_certificate=NAME)
    world.add_mailbox(method="scan")
    world.scan()
    renew(world, vault, new)
    upload(world, new)
    world.emulator.expire_tokens()
    world.emulator.deliver(SUPPORT, mail("Without waiting for the hour"))
    world.scan()  # which is refused with the old one, and finds the new one
    world.advance(70)
    world.scan()
    assert len(world.tickets()) == 1
    assert (shown(world)["state"], alerts(world)) == ("connected", {})


@pytest.mark.requirement("CONN-9")
def test_a_connection_that_lost_its_certificate_comes_back_when_the_vault_renews_it(world: World, vault: Vault) -> None:
    old, new = make_pair(world.clock.now(), days=40), make_pair(world.clock.now(), days=400)
    renew(world, vault, old)
    upload(world)
    world.connect(vault_certificate=NAME)
    world.add_mailbox(method="scan")
    world.emulator.deliver(SUPPORT, mail("Waits"))
    world.scan()
    assert shown(world)["state"] == "needs_sign_in"
    renew(world, vault, new)
    upload(world, new)
    watch(world)
    world.settle()
    assert shown(world)["state"] == "connected"
    assert len(world.tickets()) == 1


def test_while_the_vault_is_away_the_end_is_warned_of_all_the_same(world: World, vault: Vault) -> None:
    pair = make_pair(world.clock.now(), days=20)
    upload(world, pair)
    renew(world, vault, pair)
    world.connect(vault_certificate=NAME)
    world.emulator.faults.add(Fault(kind="refuse_connection", path="^/secrets/"))
    watch(world)
    assert set(alerts(world)) == {"credential_ends"}


def test_a_name_that_leads_to_no_usable_certificate_is_refused(world: World, vault: Vault) -> None:
    pair, other = make_pair(world.clock.now()), make_pair(world.clock.now())
    cases: dict[str, tuple[str, str]] = {
        "no secret of this name": ("", ""),
        "something else than a certificate": ("only-a-password", "text/plain"),
        "something else": (pair.key, PKCS12),
        "does not give the private key": (pair.certificate, PEM),
        "belongs to its private key": (pair.key + other.certificate, PEM),
        "no RSA key": (make_pair(world.clock.now(), curve=SECP256R1()).both, PEM),
    }
    for reason, (value, content_type) in cases.items():
        if value:
            vault.put(NAME, value, content_type)
        refused = world.api("POST", "/connections", NEW)
        assert (refused.status, refused.json()["fields"][0]["field"]) == (422, "vault_certificate"), reason
        assert reason in refused.json()["detail"]
        assert refused.json()["cure"]
        assert pair.key.splitlines()[5] not in refused.body.decode()
    assert world.get("/connections")["items"] == []
    for name in ("no_such_letters", "", "n" * 128):
        assert world.api("POST", "/connections", {**NEW, "vault_certificate": name}).status == 422
    assert world.api("POST", "/connections", {**NEW, "client_secret": CLIENT_SECRET}).status == 422


@pytest.mark.usefixtures("vault")
def test_what_the_app_keeps_of_one_connection_is_no_certificate_for_another(world: World) -> None:
    pair = make_pair(world.clock.now())
    upload(world, pair)
    world.meter.lookout.secrets.add(pair.key.splitlines()[5])
    first = {**NEW, "vault_certificate": None, "certificate": pair.both}
    assert world.api("POST", "/connections", first).status == 201
    kept = str(shown(world)["vault_secret"])
    for name in (kept, kept.upper()):
        refused = world.api("POST", "/connections", {**NEW, "name": "Second", "vault_certificate": name})
        assert (refused.status, refused.json()["fields"][0]["field"]) == (422, "vault_certificate")
    assert len(world.get("/connections")["items"]) == 1


def test_without_a_vault_it_cannot_be_given(world: World) -> None:
    refused = world.api("POST", "/connections", NEW)
    assert refused.status == 422
    assert "KEY_VAULT_URL" in refused.json()["cure"]


def test_a_certificate_that_becomes_unusable_in_the_vault_is_told(world: World, vault: Vault) -> None:
    pair = make_pair(world.clock.now())
    upload(world, pair)
    renew(world, vault, pair)
    world.connect(vault_certificate=NAME)
    vault.versions(NAME)[0].value = "scrambled"
    world.start()
    found = world.api("POST", "/connections/contoso/test").json()
    assert (found["ok"], found["probes"][0]["code"]) == (False, "vaultCertificateUnusable")


def test_the_certificate_of_the_key_is_found_among_those_of_its_issuers(world: World) -> None:
    pair, issuer = make_pair(world.clock.now()), make_pair(world.clock.now())
    found = to_pem(issuer.certificate + pair.key + pair.certificate, PEM)
    assert read_certificate(found).thumbprint == thumbprint(pair)
    assert found.count("BEGIN CERTIFICATE") == 1
    with pytest.raises(BadInput, match="something else"):
        to_pem("no base64!", PKCS12)
