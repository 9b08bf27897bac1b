"""Every address that is a user's."""

from __future__ import annotations

from typing import Any

import pytest

from shared.graph.own_account import addresses_of


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (
            {
                "mail": "Ada@contoso.com",
                "userPrincipalName": "ada@contoso.onmicrosoft.com",
                "proxyAddresses": ["SMTP:Ada@contoso.com", "smtp:Lovelace@contoso.com"],
            },
            {"ada@contoso.com", "ada@contoso.onmicrosoft.com", "lovelace@contoso.com"},
        ),
        (
            {"mail": "ada@contoso.com", "proxyAddresses": ["SIP:boss@contoso.com", "x500:/o=boss@contoso.com", "boss"]},
            {"ada@contoso.com"},
        ),
        ({"mail": None, "userPrincipalName": "ada@contoso.com", "proxyAddresses": None}, {"ada@contoso.com"}),
        ({"mail": "", "proxyAddresses": ["smtp:", ""]}, set()),
        ({}, set()),
    ],
)
def test_addresses_are_those_of_mail_and_of_signing_in(user: dict[str, Any], expected: set[str]) -> None:
    assert addresses_of(user) == expected
