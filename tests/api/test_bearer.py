"""Access tokens of Entra: who gets in with one, and everything that somebody could send in place of one."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from dev.graph import Fault
from dev.graph.signing import Signer
from tests.api.identities import API, BY_TOKEN, PERSON, bearer, by_easyauth, claims, principal, signed_in
from tests.world import ADMIN_KEY, CLIENT, TENANT, World

ADMIN = "Deskbridge.Admin"
OTHER = "99999999-9999-4999-8999-999999999999"
KEYS = f"graph GET /{TENANT}/discovery/v2.0/keys"


@pytest.fixture
def desk(world: World) -> World:
    """The app, which lets in by token only."""
    world.start(**BY_TOKEN)
    return world


def status(desk: World, headers: dict[str, str], path: str = "/verdicts") -> int:
    return desk.api("GET", path, sign_in=headers).status


def encode(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.requirement("OPS-6")
def test_people_and_apps_get_in_with_a_token(desk: World) -> None:
    assert status(desk, signed_in(desk, ADMIN)) == 200
    assert status(desk, signed_in(desk, ADMIN, scp=None, name=None, sub=PERSON, idtyp="app")) == 200
    several = signed_in(desk, "Deskbridge.Reader", "Somebody.Else", ADMIN)
    assert status(desk, several, "/audit") == 200


@pytest.mark.requirement("OPS-6")
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": f"https://login.microsoftonline.com/{OTHER}/v2.0"},
        {"iss": f"https://sts.windows.net/{TENANT}/"},
        {"iss": f"https://evil.example/{TENANT}/v2.0"},
        {"iss": ["x"]},
        {"tid": OTHER},
        {"tid": [TENANT]},
        {"aud": OTHER},
        {"aud": f"api://{API}"},
        {"aud": [API]},
        {"aud": "https://graph.microsoft.com"},
        {"ver": "1.0"},
        {"scp": None},
        {"oid": 7},
        {"oid": ""},
        {"oid": "", "sub": "", "scp": None},
        {"exp": math.inf},
        {"exp": math.nan},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": [9_999_999_999]},
        {"nbf": {}},
        {"nbf": math.nan},
        *({name: None} for name in ("iss", "tid", "aud", "ver", "azp", "oid", "sub", "exp", "nbf")),
    ],
    ids=str,
)
def test_a_token_that_was_not_issued_for_us_is_refused(desk: World, changed: dict[str, Any]) -> None:
    answer = desk.api("GET", "/verdicts", sign_in=signed_in(desk, ADMIN, **changed))
    assert answer.status == 401, answer.body
    assert answer.json()["detail"]
    assert answer.json()["cure"]
    assert 'Bearer realm="deskbridge"' in answer.headers["www-authenticate"]
    assert status(desk, signed_in(desk, ADMIN)) == 200


def test_a_token_holds_from_its_beginning_to_its_end(desk: World) -> None:
    headers = signed_in(desk, ADMIN)
    for seconds, expected in ((0, 200), (3600, 200), (301, 401)):
        desk.advance(seconds)
        assert status(desk, headers) == expected
    now = int(desk.clock.now().timestamp())
    assert status(desk, signed_in(desk, ADMIN, nbf=now + 290)) == 200
    assert status(desk, signed_in(desk, ADMIN, nbf=now + 360)) == 401


@pytest.mark.parametrize("roles", [(), ("Deskbridge.Owner",), ("deskbridge.admin",)])
def test_without_a_role_nobody_gets_in_and_nobody_learns_what_there_is(desk: World, roles: tuple[str, ...]) -> None:
    for path in ("/verdicts", "/no/such/route", "/openapi.json"):
        answer = desk.api("GET", path, sign_in=signed_in(desk, *roles))
        assert answer.status == 403, path
        assert answer.json()["type"] == "/api/v1/problems#forbidden"
        assert "Deskbridge.Reader" in answer.json()["cure"]


def test_roles_that_are_no_list_are_none(desk: World) -> None:
    for wrong in (ADMIN, {ADMIN: True}, [[ADMIN]], None, 3):
        assert status(desk, signed_in(desk, roles=wrong)) == 403, wrong


def forged(desk: World, head: dict[str, Any], secret: bytes | None) -> str:
    """A token signed, if at all, with a secret of the attacker's choice."""
    signed = f"{encode(head)}.{encode(claims(desk, ADMIN))}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256)) if secret is not None else ''}"


@pytest.mark.requirement("OPS-6")
def test_no_other_algorithm_is_believed(desk: World) -> None:
    key = desk.emulator.gateway.entra.signer.jwks()["keys"][0]
    public = [key["n"].encode(), urlsafe_b64decode(key["n"] + "=="), json.dumps(key).encode(), b""]
    for name in ("none", "None", "NONE", "HS256", "hs256", "", "RS512", "PS256", None, 7):
        for secret in (None, *public):
            head = {"typ": "JWT", "alg": name, "kid": key["kid"], "jwk": key}
            assert status(desk, bearer(forged(desk, head, secret))) == 401, name


def test_a_signature_of_another_key_is_refused(desk: World) -> None:
    good = desk.emulator.sign(claims(desk, "Deskbridge.Reader"))
    head, body, signature = good.split(".")
    stranger = Signer()
    unknown = stranger.sign(claims(desk, ADMIN))
    stranger.__dict__["kid"] = desk.emulator.gateway.entra.signer.kid
    in_disguise = stranger.sign(claims(desk, ADMIN))
    named = {
        "typ": "JWT",
        "alg": "RS256",
        "kid": "x",
        "jku": "https://evil.example/keys",
        "jwk": stranger.jwks()["keys"][0],
    }
    for wrong in (
        unknown,
        in_disguise,
        f"{encode(named)}.{in_disguise.split('.', 1)[1]}",
        f"{head}.{encode(claims(desk, ADMIN))}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        f"{head}.{body}",
        f"{good}.{signature}",
        "x" * 20_000,
        "..",
        "é☃",
        ADMIN_KEY,
    ):
        assert status(desk, bearer(wrong)) == 401, wrong[:80]
    assert status(desk, bearer(good)) == 200


def test_nothing_else_is_a_sign_in(desk: World) -> None:
    token = desk.emulator.sign(claims(desk, ADMIN))
    for headers in (
        {},
        {"X-API-Key": ADMIN_KEY},
        {"X-API-Key": ""},
        {"Authorization": token},
        {"Authorization": f"Basic {token}"},
        {"Authorization": "Bearer"},
        by_easyauth(principal(ADMIN)),
    ):
        assert status(desk, headers) == 401, headers


@pytest.mark.parametrize(
    ("cloud", "authority"),
    [
        ("usgov", "login.microsoftonline.us"),
        ("dod", "login.microsoftonline.us"),
        ("china", "login.chinacloudapi.cn"),
        ("local", "login.windows.net"),
    ],
)
def test_each_cloud_has_its_own_issuer(desk: World, cloud: str, authority: str) -> None:
    desk.start(**BY_TOKEN, ADMIN_CLOUD=cloud, LOCAL_CLOUD_URL="https://login.windows.net")
    assert status(desk, signed_in(desk, ADMIN, iss=f"https://{authority}/{TENANT}/v2.0")) == 200
    assert status(desk, signed_in(desk, ADMIN)) == 401


@pytest.mark.parametrize("missing", ["ADMIN_TENANT_ID", "ADMIN_CLIENT_ID"])
def test_without_its_settings_nobody_gets_in(desk: World, missing: str) -> None:
    headers = signed_in(desk, ADMIN)
    desk.start(**{**BY_TOKEN, missing: ""})
    answer = desk.api("GET", "/verdicts", sign_in=headers)
    assert answer.status == 401
    assert missing in answer.json()["detail"]


def test_a_refusal_is_logged_without_what_was_sent(desk: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    token = desk.emulator.sign(claims(desk, ADMIN, aud="somebody-elses-api"))
    assert status(desk, bearer(token)) == 401
    [line] = [record.message for record in caplog.records if "api.refused" in record.message]
    assert json.loads(line)["way"] == "bearer"
    assert token not in caplog.text
    assert "somebody-elses-api" not in caplog.text


def test_keys_are_asked_for_once_and_again_after_entra_changed_them(desk: World) -> None:
    desk.meter.start()
    old = signed_in(desk, ADMIN)
    assert [status(desk, old) for _ in range(5)] == [200] * 5
    assert desk.meter.calls.count(KEYS) == 1

    desk.emulator.gateway.entra.signer = Signer()
    assert status(desk, signed_in(desk, ADMIN)) == 401
    assert desk.meter.calls.count(KEYS) == 1, "an id that nobody knows makes us ask only every few minutes"
    desk.advance(301)
    assert status(desk, signed_in(desk, ADMIN)) == 200
    assert status(desk, old) == 401
    assert desk.meter.calls.count(KEYS) == 2


def test_keys_are_not_believed_for_longer_than_a_day(desk: World) -> None:
    lasting = {"exp": int(desk.clock.now().timestamp()) + 7 * 86_400}
    headers = signed_in(desk, ADMIN, **lasting)
    assert status(desk, headers) == 200
    desk.emulator.gateway.entra.signer = Signer()
    desk.advance(24 * 3600 - 10)
    assert status(desk, headers) == 200
    desk.advance(20)
    assert status(desk, headers) == 401


@pytest.mark.parametrize("path", ["openid-configuration", "discovery/v2.0/keys"])
def test_where_entra_is_away_nobody_gets_in_who_is_not_known_for_certain(desk: World, path: str) -> None:
    desk.emulator.faults.add(Fault(kind="unavailable", path=path, times=1))
    headers = signed_in(desk, ADMIN)
    answer = desk.api("GET", "/verdicts", sign_in=headers)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    desk.advance(31)
    assert status(desk, headers) == 200
    desk.emulator.faults.add(Fault(kind="unavailable", path=path))
    assert status(desk, headers) == 200


def test_the_app_of_another_registration_is_told_apart(desk: World) -> None:
    """A token for Graph, signed by the same keys for the same tenant, opens nothing here."""
    for audience in ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000", CLIENT):
        assert status(desk, signed_in(desk, ADMIN, aud=audience)) == 401
