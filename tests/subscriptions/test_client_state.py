"""The signature that a notification must bear."""

from __future__ import annotations

import base64

import pytest

from shared.sealing import Keys
from shared.subscriptions import client_state

KEYS = Keys(base64.b64encode(b"1" * 32).decode())


@pytest.mark.requirement("OPS-1")
def test_only_our_own_state_names_a_mailbox() -> None:
    good = client_state.make(KEYS, "support-contoso-com-1a2b3c")
    assert client_state.read(KEYS, good) == "support-contoso-com-1a2b3c"
    assert len(client_state.make(KEYS, "x" * 47)) <= 128
    other = Keys(base64.b64encode(b"2" * 32).decode())
    for wrong in (None, "", ".", 7, good[:-1], good.replace("support", "sales"), "x." + good, good + "é", {"a": 1}):
        assert client_state.read(KEYS, wrong) is None
    assert client_state.read(other, good) is None
