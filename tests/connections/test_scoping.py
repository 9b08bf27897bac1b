"""The PowerShell that limits an app: nothing that is filled in can end its quotes."""

from __future__ import annotations

import re
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies as st

from shared.connections.scoping import Reach, policy_commands, quote, rbac_commands

REACH = Reach(
    connection_id="contoso",
    name="Contoso",
    tenant_id="11111111-1111-4111-8111-111111111111",
    client_id="22222222-2222-4222-8222-222222222222",
    cloud="global",
    permissions=("Mail.ReadWrite", "Mail.Send"),
    mailboxes=("support@contoso.com",),
)
QUOTE = "['\u2018-\u201b]"
HOSTILE = (
    "'; Remove-Mailbox boss; '",
    "\u2019; Remove-Mailbox boss; \u2019",
    "\u201b; rm -rf /; \u201a",
    "$(Remove-Mailbox boss)",
    "`'; whoami #",
    "a\nRemove-Mailbox boss",
    "a\u2028Remove-Mailbox boss",
    '"; whoami; "',
    "'@\nwhoami\n@'",
)


def read_back(quoted: str) -> str:
    """As PowerShell reads a text in single quotes, whichever of its quotes it meets; fails where it ends too early."""
    assert re.fullmatch(f"'(?:[^'\u2018-\u201b]|{QUOTE}{QUOTE})*'", quoted), quoted
    return re.sub(f"({QUOTE}){QUOTE}", r"\1", quoted[1:-1])


@pytest.mark.requirement("CONN-13")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    for commands in (rbac_commands, policy_commands):
        plain, hostile = commands(REACH).splitlines(), commands(replace(REACH, name=name)).splitlines()
        assert len(plain) == len(hostile)
        changed = [after for before, after in zip(plain, hostile, strict=True) if before != after]
        assert changed == [f"$appName = {quote(name)}"]
        read_back(changed[0].removeprefix("$appName = "))


@pytest.mark.requirement("CONN-13")
@hypothesis.given(st.text(st.characters(codec="utf-8")))
@hypothesis.settings(database=None, derandomize=True)
def test_what_is_quoted_is_read_back_to_the_letter(text: str) -> None:
    assert read_back(quote(text)) == "".join(char if char.isprintable() else " " for char in text)


@pytest.mark.requirement("CONN-13")
def test_rbac_for_applications_grants_each_right_in_the_scope_and_names_the_traps() -> None:
    text = rbac_commands(REACH)
    assert re.findall(r"-Role ('[^']+') -CustomResourceScope \$scopeName", text) == [
        "'Application Mail.ReadWrite'",
        "'Application Mail.Send'",
    ]
    steps = ("New-DistributionGroup", "New-ManagementScope", "New-ServicePrincipal", "New-ManagementRoleAssignment")
    places = [text.index(f"\n{step}") for step in steps]
    assert places == sorted(places)
    for trap in (
        "Enterprise application",
        "add up",
        "replaces",
        "two hours",
        "replies are sent from",
        "direct members",
    ):
        assert trap in text, trap


@pytest.mark.requirement("CONN-13")
def test_the_access_policy_says_for_whom_it_is() -> None:
    text = policy_commands(REACH)
    assert text.startswith("# ONLY where access policies are in use already")
    assert "Connect-MgGraph" not in text


@pytest.mark.requirement("CONN-13", "CONN-5")
@pytest.mark.parametrize(
    ("cloud", "exchange", "entra"),
    [("global", "", ""), ("usgov", "O365USGovGCCHigh", "USGov"), ("dod", "O365USGovDoD", "USGovDoD")],
)
def test_national_clouds_have_doors_of_their_own(cloud: str, exchange: str, entra: str) -> None:
    lines = rbac_commands(replace(REACH, cloud=cloud)).splitlines()
    [first] = [line for line in lines if line.startswith("Connect-ExchangeOnline")]
    [second] = [line for line in lines if line.startswith("Connect-MgGraph")]
    assert first.endswith(f"-ExchangeEnvironmentName {exchange}" if exchange else "Connect-ExchangeOnline")
    assert second.endswith(f"-Environment {entra}" if entra else "'Application.Read.All'")


@pytest.mark.requirement("CONN-13")
def test_names_fit_into_exchange() -> None:
    long = replace(REACH, connection_id="c" * 47, permissions=("MailboxSettings.ReadWrite",))
    names = re.findall(r"(?:-Name|\$scopeName =|\$groupAlias =) '([^']+)'", rbac_commands(long))
    assert len(names) == 3
    assert max(map(len, names)) <= 64
