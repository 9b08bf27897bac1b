"""Signing and sealing."""

from __future__ import annotations

import base64

import pytest

from shared.errors import Misconfigured
from shared.sealing import Keys

KEYS = Keys(base64.b64encode(b"1" * 32).decode())
OTHER = Keys(base64.b64encode(b"2" * 32).decode())
ROTATED = Keys(base64.b64encode(b"2" * 32).decode(), base64.b64encode(b"1" * 32).decode())


def test_a_sealed_secret_opens_only_in_its_context_with_its_key() -> None:
    sealed = KEYS.seal("the secret", context="connection/a")
    assert KEYS.unseal(sealed, context="connection/a") == "the secret"
    assert "the secret" not in sealed
    for keys, context in ((KEYS, "connection/b"), (OTHER, "connection/a")):
        with pytest.raises(Misconfigured):
            keys.unseal(sealed, context=context)


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    assert KEYS.sign("client-state", "x") != KEYS.sign("ticket-tag", "x")
    assert KEYS.sign("client-state", "x") != OTHER.sign("client-state", "x")
    assert KEYS.sign("client-state", "x") == KEYS.sign("client-state", "x")


def without_key_id(sealed: str) -> str:
    """As it was sealed before keys had ids."""
    return base64.b64encode(b"\x01" + base64.b64decode(sealed)[5:]).decode()


@pytest.mark.requirement("CONN-3")
def test_what_is_sealed_names_its_key_and_the_former_key_still_opens() -> None:
    sealed = KEYS.seal("the secret", context="connection/a")
    assert base64.b64decode(sealed)[1:5].hex() == KEYS.key_id != OTHER.key_id == ROTATED.key_id
    for each in (sealed, without_key_id(sealed)):
        assert ROTATED.unseal(each, context="connection/a") == "the secret"
        found = [keys.find_opener(each, context="connection/a") for keys in (KEYS, ROTATED, OTHER)]
        assert found == ["present", "former", None]
        assert ROTATED.find_opener(each, context="connection/b") is None
    assert OTHER.unseal(ROTATED.seal("x", context="c"), context="c") == "x"


@pytest.mark.requirement("CONN-3")
@pytest.mark.parametrize("sealed", ["", "AQ==", "Ag==", "Aw==", "no base64!", "AgAAAAAAAA=="])
def test_what_was_never_sealed_opens_with_no_key(sealed: str) -> None:
    assert ROTATED.find_opener(sealed, context="c") is None
    with pytest.raises(Misconfigured, match="SECRET_KEY") as raised:
        ROTATED.unseal(sealed, context="c")
    assert "FORMER_SECRET_KEY" in raised.value.cure


@pytest.mark.requirement("CONN-3")
def test_the_former_key_proves_and_the_present_one_signs() -> None:
    def shown(signature: bytes) -> str:
        return signature.hex()

    old, new = (keys.sign("ticket-tag", "7").hex() for keys in (KEYS, ROTATED))
    assert new == OTHER.sign("ticket-tag", "7").hex()
    assert [keys.is_genuine("ticket-tag", "7", old, shown) for keys in (KEYS, ROTATED, OTHER)] == [True, True, False]
    assert ROTATED.is_genuine("ticket-tag", "7", new, shown)
    for purpose, text in (("ticket-tag", "8"), ("continuation", "7")):
        assert not ROTATED.is_genuine(purpose, text, old, shown)  # type: ignore[arg-type]  # a loop makes it a str
