"""What a mailbox is for, as Graph says it of one mailbox at a time."""

from __future__ import annotations

import pytest

from tests.graph_emulator.bench import TENANT, Bench

ROOM = "room@contoso.com"
PATH = f"users/{ROOM}/mailboxSettings"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.grant("User.Read.All", "MailboxSettings.Read")
    bench.emulator.add_mailbox(TENANT, ROOM, "Room", "room")
    return bench


@pytest.mark.requirement("OPS-9")
def test_the_purpose_of_a_mailbox_is_told(bench: Bench) -> None:
    found = bench.json(f"{PATH}?$select=userPurpose")
    assert {name for name in found if not name.startswith("@")} == {"userPurpose"}
    assert found["userPurpose"] == bench.json(PATH)["userPurpose"] == "room"


@pytest.mark.requirement("OPS-9")
def test_what_graph_refuses(bench: Bench) -> None:
    assert bench.refused("GET", f"{PATH}?$select=purpose") == (400, "RequestBroker--ParseUri")
    assert bench.refused("GET", "users?$select=mailboxSettings") == (501, "NotImplemented")
    bench.directory.add_user("plain@contoso.com")
    assert bench.refused("GET", "users/plain@contoso.com/mailboxSettings") == (404, "MailboxNotEnabledForRESTAPI")
    bench.grant("User.Read.All")
    assert bench.refused("GET", PATH) == (403, "ErrorAccessDenied")
