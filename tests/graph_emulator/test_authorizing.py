"""People who sign in at the emulator: the page, the code, the tokens, and what each of them refuses."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msal
import pytest
import requests
from jwt import PyJWKSet, decode, get_unverified_header

from dev.graph.world import App
from tests.graph_emulator.bench import CLIENT, GRAPH, HELP, LOGIN, OTHER_TENANT, SECRET, TENANT, Bench

CALLBACK = "https://app.contoso.com/auth/callback"
MAIL_SCOPE = "https://graph.microsoft.com/Mail.ReadWrite"
SHARED_SCOPE = "https://graph.microsoft.com/Mail.ReadWrite.Shared"
ADA = "ada@contoso.com"
AUTHORIZE = f"{LOGIN}/{TENANT}/oauth2/v2.0/authorize"
TOKEN = f"{LOGIN}/{TENANT}/oauth2/v2.0/token"


@pytest.fixture
def app(bench: Bench) -> App:
    """An app with a redirect URI, and Ada at the browser."""
    bench.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    bench.emulator.sit_down(ADA)
    return bench.emulator.add_app(TENANT, CLIENT, SECRET, redirect_uris=(CALLBACK,))


def client(bench: Bench) -> Any:
    return msal.ConfidentialClientApplication(
        CLIENT, authority=f"{LOGIN}/{TENANT}", client_credential=SECRET, http_client=bench.session
    )


def visit(bench: Bench, url: str) -> requests.Response:
    return bench.session.get(url, allow_redirects=False)


def brought_back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def sign_in(bench: Bench, *scopes: str) -> dict[str, Any]:
    """The whole way through msal; its answer."""
    made = client(bench)
    flow = made.initiate_auth_code_flow(list(scopes or (MAIL_SCOPE,)), redirect_uri=CALLBACK)
    answer: dict[str, Any] = made.acquire_token_by_auth_code_flow(flow, brought_back(visit(bench, flow["auth_uri"])))
    return answer


def changed(bench: Bench, **values: str | None) -> str:
    """The address that msal would open, with other values in it; None leaves one out."""
    flow = client(bench).initiate_auth_code_flow([MAIL_SCOPE], redirect_uri=CALLBACK)
    asked = {name: given[0] for name, given in parse_qs(urlsplit(flow["auth_uri"]).query).items()}
    return f"{AUTHORIZE}?{urlencode({name: v for name, v in {**asked, **values}.items() if v is not None})}"


def redeem(bench: Bench, *, at: str = TOKEN, **values: str) -> tuple[int, list[int]]:
    """Redeem a fresh code by hand, with other values; what was answered."""
    flow = client(bench).initiate_auth_code_flow([MAIL_SCOPE], redirect_uri=CALLBACK)
    code = brought_back(visit(bench, flow["auth_uri"]))["code"]
    return post(bench, at, **{"code": code, "code_verifier": flow["code_verifier"], **values})


def post(bench: Bench, at: str = TOKEN, /, **values: str) -> tuple[int, list[int]]:
    form = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "authorization_code", "redirect_uri": CALLBACK}
    answer = bench.session.post(at, data={**form, **values})
    return answer.status_code, answer.json().get("error_codes", [])


@pytest.mark.usefixtures("app")
def test_msal_signs_a_person_in_and_the_tokens_say_who(bench: Bench) -> None:
    found = sign_in(bench)
    keys = PyJWKSet.from_dict(bench.session.get(f"{LOGIN}/{TENANT}/discovery/v2.0/keys").json())
    claims = decode(found["id_token"], keys[_kid(found["id_token"])], algorithms=["RS256"], audience=CLIENT)
    assert (claims["preferred_username"], claims["tid"]) == (ADA, TENANT)
    assert claims["iss"] == f"{LOGIN}/{TENANT}/v2.0"
    token = decode(found["access_token"], options={"verify_signature": False})
    assert (token["scp"], token["upn"], token["idtyp"]) == ("Mail.ReadWrite", ADA, "user")
    assert "roles" not in token
    assert MAIL_SCOPE in found["scope"].split()
    assert found["refresh_token"]


def _kid(token: str) -> str:
    return str(get_unverified_header(token)["kid"])


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("values", "number"),
    [
        ({"redirect_uri": CALLBACK + "/"}, 50011),
        ({"redirect_uri": CALLBACK.upper()}, 50011),
        ({"redirect_uri": "https://evil.example/auth/callback"}, 50011),
        ({"redirect_uri": None}, 900144),
        ({"client_id": OTHER_TENANT}, 700016),
    ],
)
def test_where_the_app_is_wrong_nobody_is_sent_anywhere(bench: Bench, values: dict[str, Any], number: int) -> None:
    answer = visit(bench, changed(bench, **values))
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert f"AADSTS{number}" in answer.text


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("values", "number"),
    [
        ({"response_type": "token"}, 70005),
        ({"response_type": None}, 900144),
        ({"response_mode": "form_post"}, 70007),
        ({"scope": None}, 900144),
        ({"scope": "openid"}, 70011),
        ({"scope": "https://graph.microsoft.com/Mail.Reed"}, 650053),
        ({"scope": "https://elsewhere.example/Mail.Read"}, 70011),
        ({"prompt": "sometimes"}, 90023),
        ({"code_challenge": None}, 9002325),
        ({"code_challenge_method": "plain"}, 9002325),
        ({"code_challenge": "short"}, 501491),
    ],
)
def test_what_is_asked_for_wrongly_is_sent_back_with_the_state(
    bench: Bench, values: dict[str, Any], number: int
) -> None:
    found = brought_back(visit(bench, changed(bench, state="the-state", **values)))
    assert found["state"] == "the-state"
    assert found["error_description"].startswith(f"AADSTS{number}: ")
    assert "code" not in found


def test_people_and_their_tenants_may_refuse(bench: Bench, app: App) -> None:
    def number(**who: Any) -> str:
        bench.emulator.sit_down(ADA, **who)
        found = brought_back(visit(bench, changed(bench)))
        return found["error"] + " " + found["error_description"].partition(":")[0]

    assert number(consents=False) == "access_denied AADSTS65004"
    assert number(refusal=53003) == "access_denied AADSTS53003"
    assert number(refusal=50076) == "interaction_required AADSTS50076"
    tenant = bench.emulator.gateway.world.ensure_tenant(TENANT)
    tenant.people_consent = False
    assert number() == "access_denied AADSTS90094"
    app.scopes = frozenset({"Mail.ReadWrite"})
    bench.emulator.sit_down(ADA, consents=False)
    assert "code" in brought_back(visit(bench, changed(bench))), "an administrator consented for everybody"


@pytest.mark.usefixtures("app")
def test_only_an_administrator_consents_to_reading_the_directory(bench: Bench) -> None:
    found = brought_back(visit(bench, changed(bench, scope="openid https://graph.microsoft.com/User.Read.All")))
    assert found["error_description"].startswith("AADSTS90094")


@pytest.mark.usefixtures("app")
def test_consent_is_asked_for_once_and_silence_needs_it(bench: Bench) -> None:
    assert brought_back(visit(bench, changed(bench, prompt="none")))["error"] == "consent_required"
    sign_in(bench)
    bench.emulator.sit_down(ADA, consents=False)
    assert "code" in brought_back(visit(bench, changed(bench, prompt="none")))
    assert brought_back(visit(bench, changed(bench, prompt="consent")))["error"] == "access_denied"


@pytest.mark.usefixtures("app")
def test_somebody_must_be_there_and_belong_to_the_tenant(bench: Bench) -> None:
    bench.emulator.add_mailbox(OTHER_TENANT, "eve@fabrikam.com")
    bench.emulator.sit_down("eve@fabrikam.com")
    stranger = visit(bench, changed(bench))
    assert (stranger.status_code, "AADSTS50020" in stranger.text) == (400, True)
    bench.emulator.gateway.entra.authorizing.forget()
    assert visit(bench, changed(bench)).status_code == 200, "the page to sign in at"
    assert brought_back(visit(bench, changed(bench, prompt="none")))["error"] == "login_required"


@pytest.mark.usefixtures("app")
def test_a_guest_has_another_home(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "guest@fabrikam.com", kind="guest")
    bench.emulator.sit_down("guest@fabrikam.com")
    made = client(bench)
    flow = made.initiate_auth_code_flow([MAIL_SCOPE], redirect_uri=CALLBACK)
    made.acquire_token_by_auth_code_flow(flow, brought_back(visit(bench, flow["auth_uri"])))
    [account] = made.get_accounts()
    assert not account["home_account_id"].endswith(TENANT)


@pytest.mark.usefixtures("app")
def test_a_code_is_bound_to_all_that_it_was_asked_for_with(bench: Bench) -> None:
    bench.keeps_the_contract = False
    other = "66666666-7777-4888-8999-000000000001"
    bench.emulator.add_app(TENANT, other, SECRET)
    bench.emulator.add_app(OTHER_TENANT, CLIENT, SECRET)
    assert redeem(bench) == (200, [])
    assert redeem(bench, code="no-such-code") == (400, [70000])
    assert redeem(bench, client_id=other) == (400, [70000])
    assert redeem(bench, at=TOKEN.replace(TENANT, OTHER_TENANT)) == (400, [700005])
    assert redeem(bench, redirect_uri=CALLBACK + "/") == (400, [500112])
    assert redeem(bench, code_verifier="v" * 43) == (400, [501481])
    assert redeem(bench, scope=SHARED_SCOPE) == (400, [28003])
    assert redeem(bench, client_secret="wrong") == (401, [7000215])
    assert redeem(bench, redirect_uri="") == (400, [900144])


@pytest.mark.usefixtures("app")
def test_a_code_is_good_once_and_for_ten_minutes(bench: Bench) -> None:
    flow = client(bench).initiate_auth_code_flow([MAIL_SCOPE], redirect_uri=CALLBACK)
    first, second = (brought_back(visit(bench, flow["auth_uri"]))["code"] for _ in range(2))
    assert post(bench, code=first, code_verifier=flow["code_verifier"]) == (200, [])
    assert post(bench, code=first, code_verifier=flow["code_verifier"]) == (400, [54005])
    bench.emulator.clock.advance(600)
    assert post(bench, code=second, code_verifier=flow["code_verifier"]) == (400, [70008])


@pytest.mark.usefixtures("app")
def test_refresh_tokens_renew_themselves_and_the_old_ones_stay_good(bench: Bench) -> None:
    first = sign_in(bench)["refresh_token"]
    renewed = client(bench).acquire_token_by_refresh_token(first, [MAIL_SCOPE])
    assert renewed["refresh_token"] != first
    assert post(bench, grant_type="refresh_token", refresh_token=first) == (200, [])
    bench.emulator.clock.advance(89 * 86_400)
    again = client(bench).acquire_token_by_refresh_token(renewed["refresh_token"], [MAIL_SCOPE])
    bench.emulator.clock.advance(89 * 86_400)
    assert post(bench, grant_type="refresh_token", refresh_token=first) == (400, [700082])
    assert post(bench, grant_type="refresh_token", refresh_token=again["refresh_token"]) == (200, [])


@pytest.mark.usefixtures("app")
def test_a_refresh_token_is_refused_once_it_is_revoked_or_when_it_is_none(bench: Bench) -> None:
    token = sign_in(bench)["refresh_token"]
    assert post(bench, grant_type="refresh_token", refresh_token=token, scope=SHARED_SCOPE) == (400, [65001])
    assert post(bench, grant_type="refresh_token", refresh_token="nonsense") == (400, [9002313])
    assert post(bench, grant_type="refresh_token") == (400, [900144])
    for number in (50173, 70043):
        token = sign_in(bench)["refresh_token"]
        bench.emulator.revoke_sessions(ADA, number)
        assert post(bench, grant_type="refresh_token", refresh_token=token) == (400, [number])
    bench.emulator.clock.advance(1)
    assert sign_in(bench)["refresh_token"]


@pytest.mark.usefixtures("app")
def test_a_person_reaches_their_own_mailbox_and_those_shared_with_them(bench: Bench) -> None:
    bench.token = sign_in(bench, MAIL_SCOPE)["access_token"]
    assert bench.get(f"users/{ADA}/messages").status_code == 200
    assert bench.refused("GET", f"users/{HELP}/messages") == (403, "ErrorAccessDenied")
    bench.token = sign_in(bench, MAIL_SCOPE, SHARED_SCOPE)["access_token"]
    assert bench.refused("GET", f"users/{HELP}/messages") == (404, "ErrorItemNotFound")
    bench.emulator.give_access(HELP, ADA)
    assert bench.get(f"users/{HELP}/messages").status_code == 200
    assert bench.refused("GET", "users") == (403, "Authorization_RequestDenied")


@pytest.mark.usefixtures("app")
def test_a_person_watches_their_own_mailbox_only(bench: Bench) -> None:
    bench.emulator.give_access(HELP, ADA)
    bench.token = sign_in(bench, MAIL_SCOPE, SHARED_SCOPE)["access_token"]
    assert bench.subscribe(resource=f"users/{ADA}/messages").status_code == 201
    assert bench.subscribe(resource=f"users/{HELP}/messages").status_code == 403


@pytest.mark.usefixtures("app")
def test_codes_and_tokens_of_people_are_not_recorded(bench: Bench) -> None:
    flow = client(bench).initiate_auth_code_flow([MAIL_SCOPE], redirect_uri=CALLBACK)
    answer = brought_back(visit(bench, flow["auth_uri"]))
    found = client(bench).acquire_token_by_auth_code_flow(flow, answer)
    client(bench).acquire_token_by_refresh_token(found["refresh_token"], [MAIL_SCOPE])
    recorded = json.dumps(bench.emulator.exchanges)
    for secret in (answer["code"], flow["code_verifier"], *(found[name] for name in ("refresh_token", "id_token"))):
        assert secret not in recorded
    assert GRAPH not in recorded
