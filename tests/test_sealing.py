"""Signing and sealing."""

from __future__ import annotations

import base64

import pytest

from shared.errors import Misconfigured
from shared.sealing import Keys

KEYS = Keys(base64.b64encode(b"1" * 32).decode())
OTHER = Keys(base64.b64encode(b"2" * 32).decode())


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
