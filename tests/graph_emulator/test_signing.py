"""Signed tokens of the emulator: whoever has the published key can check them, and nobody else can make them."""

from __future__ import annotations

import jwt
import pytest

from dev.graph.signing import Signer
from tests.graph_emulator.bench import LOGIN, TENANT, Bench

CLAIMS = {"aud": "an-api", "roles": ["One", "Two"]}


def published(bench: Bench) -> jwt.PyJWKSet:
    """The keys, found as an API finds them: by the metadata of its tenant."""
    about = bench.session.get(f"{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert about["issuer"] == f"{LOGIN}/{TENANT}/v2.0"
    return jwt.PyJWKSet.from_dict(bench.session.get(about["jwks_uri"]).json())


def test_a_token_is_checked_with_the_published_key(bench: Bench) -> None:
    token = bench.emulator.sign(CLAIMS)
    key = published(bench)[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience="an-api") == CLAIMS


def test_the_key_stays_and_every_emulator_has_its_own(bench: Bench) -> None:
    [first], [again] = published(bench).keys, published(bench).keys
    assert first.key_id == again.key_id
    stranger = Signer()
    assert stranger.kid != first.key_id
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(stranger.sign(CLAIMS), first, algorithms=["RS256"], audience="an-api")
