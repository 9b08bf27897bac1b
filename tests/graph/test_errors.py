"""Whose sign-in a refusal of Entra is about: one account's, or the app's own."""

from __future__ import annotations

import pytest

from dev.graph import refusals
from dev.graph.sign_in_refusals import refused
from shared.graph.errors import GraphError, SignInFailed, nobody_signed_in, sign_in_failure, token_refused

OF_THE_APP = (7000215, 7000222, 700027, 7000216, 700016, 7000112, 90002, 500011, 70011)
OF_AN_ACCOUNT = (50173, 70043, 700082, 70000, 50057, 50076, 53003, 50105, 50158, 65001)


def failure(error: str, number: int) -> SignInFailed:
    found = sign_in_failure({"error": error, "error_codes": [number], "error_description": "In words."})
    assert isinstance(found, SignInFailed)
    return found


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("number", [*OF_THE_APP, *OF_AN_ACCOUNT])
def test_the_oauth_error_tells_whose_sign_in_is_refused(number: int) -> None:
    assert failure(refusals.SIGN_IN[number][1], number).of_account == (number in OF_AN_ACCOUNT)
    assert failure("an_error_of_tomorrow", number).of_account, "what is not known stops nobody else"


@pytest.mark.requirement("CONN-9")
def test_what_graph_refuses_and_what_nobody_began_is_an_account_s() -> None:
    assert token_refused(GraphError(401, "InvalidAuthenticationToken", "Revoked.")).of_account
    assert nobody_signed_in().of_account
    assert failure(refused(65001).error, 65001).of_account
