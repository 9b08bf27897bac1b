"""What the token endpoint refuses of assertions; the accepted ones are in tests/graph/test_proofs.py, made by msal."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from dev.graph import Emulator
from dev.graph.client_proofs import ASSERTION_TYPE
from dev.graph.wire import Request
from tests.certificates import Pair, make_pair
from tests.world import CLIENT, CLIENT_SECRET, TENANT

ENDPOINT = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair(datetime.now(UTC))


def assertion(pair: Pair, *, named: Pair | None = None, **changed: Any) -> str:
    """An assertion as msal makes it, but for what is ``changed``; ``named``: whose thumbprint it bears."""
    from cryptography import x509  # noqa: PLC0415 - only here
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - the same

    from dev.graph.client_proofs import _encoded  # noqa: PLC0415 - the same form on both sides

    certificate = x509.load_pem_x509_certificate((named or pair).certificate.encode())
    now = time.time()
    claims = {"aud": ENDPOINT, "iss": CLIENT, "sub": CLIENT, "iat": now, "exp": now + 600, **changed}
    mark = _encoded(certificate.fingerprint(hashes.SHA256()))
    return jwt.encode(claims, pair.key, algorithm="PS256", headers={"x5t#S256": mark})


def refusal(pair: Pair, given: str) -> list[int]:
    emulator = Emulator()
    emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, certificates=(pair.certificate,))
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "scope": "https://graph.microsoft.com/.default",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": given,
    }
    answer = emulator.handle(Request("POST", ENDPOINT, {}, urlencode(form).encode()))
    found: list[int] = json.loads(answer.content).get("error_codes", [])
    return found


def test_a_good_assertion_is_taken(pair: Pair) -> None:
    assert refusal(pair, assertion(pair)) == []


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"aud": "https://login.microsoftonline.com/common"}, 700023),
        ({"iss": "somebody"}, 700021),
        ({"sub": TENANT}, 700021),
        ({"exp": time.time() - 3600}, 700024),
        ({"iat": time.time() + 3600, "exp": time.time() + 7200}, 700024),
        ({"exp": time.time() + 90_000}, 700024),
    ],
)
def test_claims_that_do_not_fit_are_refused(pair: Pair, changed: dict[str, Any], number: int) -> None:
    assert refusal(pair, assertion(pair, **changed)) == [number]


def test_a_signature_must_be_of_a_registered_certificate(pair: Pair) -> None:
    other = make_pair(datetime.now(UTC))
    assert refusal(pair, assertion(other)) == [700027]
    assert refusal(pair, assertion(other, named=pair)) == [700027]
    assert refusal(pair, "no.jwt.atall") == [50027]
