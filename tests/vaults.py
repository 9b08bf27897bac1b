"""A key vault for a test, opened by the app's managed identity."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from dev.graph.vault_secrets import Vault, VaultRole
from tests.certificates import Pair
from tests.world import TENANT, World

HOST = "desk.vault.azure.net"
IDENTITY = "44444444-4444-4444-8444-444444444444"
SETTINGS = {"AZURE_CLIENT_ID": IDENTITY, "KEY_VAULT_URL": f"https://{HOST}/"}
OFFICER: VaultRole = "Key Vault Secrets Officer"
USER: VaultRole = "Key Vault Secrets User"


def give_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine give tokens to the app's identity, as App Service does."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://identity.local/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "only-from-this-machine")


def make_vault(world: World) -> Vault:
    """A vault in which the app's identity may read and write; the app does not know of it yet."""
    world.emulator.add_identity(TENANT, IDENTITY)
    vault = world.emulator.add_vault(HOST, TENANT)
    world.emulator.assign(vault, IDENTITY, OFFICER)
    return vault


def open_vault(world: World) -> Vault:
    """The same, and from now on the app keeps its secrets there."""
    vault = make_vault(world)
    world.always = SETTINGS
    world.start()
    return vault


def pkcs12(pair: Pair) -> str:
    """A pair as a vault gives it: PKCS #12 in base64, without a password."""
    key, certificate = load_pem_private_key(pair.key.encode(), None), pair.certificate.encode()
    assert isinstance(key, RSAPrivateKey)
    packed = serialize_key_and_certificates(b"", key, load_pem_x509_certificate(certificate), None, NoEncryption())
    return base64.b64encode(packed).decode()
