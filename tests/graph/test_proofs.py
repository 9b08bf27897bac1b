"""The ways in which an app proves itself, each through msal at the emulator; and what cannot be used is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1

from dev.azurite import Azurite
from shared.errors import BadInput
from shared.graph.proofs import read_certificate
from tests.api.storage_dump import dump
from tests.certificates import make_pair
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail

IDENTITY = "99999999-9999-4999-8999-999999999999"


def one_mail_becomes_a_ticket(world: World) -> None:
    world.add_mailbox()
    world.emulator.deliver(SUPPORT, mail())
    world.settle()
    assert len(world.tickets()) == 1


@pytest.mark.requirement("CONN-2", "CONN-3")
def test_an_app_signs_in_with_its_certificate(world: World, azurite: Azurite) -> None:
    pair = make_pair(world.clock.now())
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, certificates=(pair.certificate,))
    world.connect(certificate=pair.both)
    one_mail_becomes_a_ticket(world)
    shown = world.get("/connections/contoso")
    assert shown["credential"] == "certificate"
    assert shown["thumbprint"] == read_certificate(pair.both).thumbprint
    assert shown["ends_at"][:10] == (world.clock.now() + timedelta(days=365)).date().isoformat()
    middle = pair.key.splitlines()[5]
    assert middle not in str(dump(azurite, world))


@pytest.mark.requirement("CONN-7", "CONN-8")
def test_a_certificate_that_entra_does_not_know_is_told(world: World) -> None:
    world.connect(certificate=make_pair(world.clock.now()).both)
    trial = world.api("POST", "/connections/contoso/test").json()
    assert trial["ok"] is False
    assert "AADSTS700027" in trial["cause"]


@pytest.mark.requirement("CONN-8")
def test_a_certificate_that_has_ended_is_told(world: World) -> None:
    pair = make_pair(world.clock.now(), days=2)
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, certificates=(pair.certificate,))
    world.connect(certificate=pair.both)
    assert world.api("POST", "/connections/contoso/test").json()["ok"] is True
    world.advance(3 * 86_400)
    trial = world.api("POST", "/connections/contoso/test").json()
    assert trial["ok"] is False
    assert "expired" in trial["cause"]


@pytest.mark.requirement("CONN-3")
def test_an_app_signs_in_with_its_managed_identity_and_no_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://identity.local/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "only-from-this-machine")
    world.start(AZURE_CLIENT_ID=IDENTITY)
    app = world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET)
    world.connect(managed_identity=True)
    untrusted = world.api("POST", "/connections/contoso/test").json()
    assert "no_identity" in untrusted["cause"]
    assert "AZURE_CLIENT_ID" in untrusted["cure"]

    world.emulator.add_identity(TENANT, IDENTITY)
    world.start(AZURE_CLIENT_ID=IDENTITY)  # msal remembers a refusal for some seconds
    assert "AADSTS700213" in world.api("POST", "/connections/contoso/test").json()["cause"]

    world.emulator.add_identity(TENANT, IDENTITY, trusted_by=app)
    assert world.api("POST", "/connections/contoso/test").json()["ok"] is True
    one_mail_becomes_a_ticket(world)
    assert world.get("/connections/contoso")["credential"] == "identity"


@pytest.mark.requirement("CONN-3")
def test_what_is_no_pair_of_key_and_certificate_is_refused(world: World) -> None:
    one, other = make_pair(world.clock.now()), make_pair(world.clock.now())
    locked = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    broken = one.key.replace(one.key.splitlines()[3], "AAAA")
    for text, reason in (
        (one.certificate, "no private key"),
        (locked + one.certificate, "without a password"),
        (one.key, "no certificate"),
        (one.key + other.certificate, "does not belong"),
        (broken + one.certificate, "cannot be read"),
        (make_pair(world.clock.now(), curve=SECP256R1()).both, "no RSA key"),
    ):
        with pytest.raises(BadInput, match=reason):
            read_certificate(text)
        answer = world.api(
            "POST",
            "/connections",
            {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "certificate": text},
        )
        assert answer.status == 422
        assert reason in answer.body.decode()
        assert one.key.splitlines()[5] not in answer.body.decode()
    assert world.get("/connections")["items"] == []


@pytest.mark.requirement("CONN-3")
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_secret": CLIENT_SECRET, "managed_identity": True},
        {"managed_identity": True, "secret_ends_on": "2027-01-01"},
        {"client_secret": CLIENT_SECRET, "secret_ends_on": "tomorrow"},
    ],
)
def test_one_credential_is_given_and_no_more(world: World, given: dict[str, object]) -> None:
    body = {"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, **given}
    assert world.api("POST", "/connections", body).status == 422
