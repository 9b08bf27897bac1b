from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest

from dev.graph import Fault
from tests.graph_emulator.bench import CLIENT, GRAPH, HELP, IMMUTABLE, LOGIN, OTHER_TENANT, SECRET, TENANT, Bench

USER = f"users/{HELP}"


def test_msal_signs_in_and_the_token_says_who_and_what(bench: Bench) -> None:
    result = bench.sign_in()
    middle = result["access_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert result["expires_in"] == 3599
    assert (claims["aud"], claims["tid"], claims["appid"]) == ("https://graph.microsoft.com", TENANT, CLIENT)
    assert claims["roles"] == ["Mail.ReadWrite", "Mail.Send", "User.Read.All"]
    assert claims["exp"] - claims["iat"] == 3599


@pytest.mark.parametrize(
    ("client", "secret", "error", "number"),
    [
        (CLIENT, "wrong", "invalid_client", 7000215),
        ("00000000-0000-4000-8000-000000000001", SECRET, "unauthorized_client", 700016),
    ],
)
def test_a_refused_sign_in_names_the_reason(bench: Bench, client: str, secret: str, error: str, number: int) -> None:
    result = bench.sign_in(client, secret)
    assert result["error"] == error
    assert result["error_codes"] == [number]
    assert result["error_description"].startswith(f"AADSTS{number}: ")
    for word in ("Trace ID: ", "Correlation ID: ", "Timestamp: "):
        assert word in result["error_description"]
    assert set(result) >= {"timestamp", "trace_id", "correlation_id", "error_uri"}


def test_the_statuses_of_refusals(bench: Bench) -> None:
    bench.keeps_the_contract = False

    def post(tenant: str = TENANT, **form: str) -> tuple[int, list[int]]:
        whole = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default",
            **form,
        }
        sent = {name: value for name, value in whole.items() if value}
        answer = bench.session.post(f"{LOGIN}/{tenant}/oauth2/v2.0/token", data=sent)
        return answer.status_code, answer.json().get("error_codes", [])

    assert post() == (200, [])
    assert post(client_secret="wrong") == (401, [7000215])
    assert post(client_id="nobody") == (400, [700016])
    assert post(OTHER_TENANT) == (400, [90002])
    assert post("common") == (400, [50059])
    assert post(grant_type="password") == (400, [70003])
    assert post(grant_type="") == (400, [900144])
    assert post(scope="Mail.Read") == (400, [1002012])
    assert post(scope="https://elsewhere.example.com/.default") == (400, [500011])
    assert post(client_secret="") == (401, [7000218])


def test_a_secret_runs_out_by_the_clock(bench: Bench) -> None:
    expires = bench.emulator.clock.now() + timedelta(days=30)
    bench.emulator.add_app(TENANT, CLIENT, SECRET, secret_expires=expires)
    assert "access_token" in bench.sign_in()
    bench.emulator.clock.advance(31 * 86_400)
    assert bench.sign_in()["error_codes"] == [7000222]


def test_discovery_documents(bench: Bench) -> None:
    found = bench.session.get(f"{LOGIN}/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{LOGIN}/{TENANT}/oauth2/v2.0/token"
    assert bench.session.get(f"{LOGIN}/{OTHER_TENANT}/v2.0/.well-known/openid-configuration").status_code == 400
    aliases = bench.session.get(f"{LOGIN}/common/discovery/instance?api-version=1.1").json()["metadata"]
    assert any("login.windows.net" in entry["aliases"] for entry in aliases)


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer a.b.c"])
def test_without_a_good_token_graph_answers_401(bench: Bench, header: str) -> None:
    answer = bench.get(f"{USER}/messages", {"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_expired_tokens_and_removed_apps_are_refused(bench: Bench) -> None:
    assert bench.get(f"{USER}/messages").status_code == 200
    bench.emulator.expire_tokens()
    assert bench.refused("GET", f"{USER}/messages") == (401, "InvalidAuthenticationToken")
    bench.token = bench.sign_in()["access_token"]
    bench.emulator.remove_app(TENANT, CLIENT)
    assert bench.refused("GET", f"{USER}/messages") == (401, "InvalidAuthenticationToken")


def test_a_token_is_good_for_one_cloud_only(bench: Bench) -> None:
    assert bench.refused("GET", f"https://graph.microsoft.us/v1.0/{USER}/messages") == (
        401,
        "InvalidAuthenticationToken",
    )


def test_a_mailbox_of_another_tenant_is_out_of_reach(bench: Bench) -> None:
    bench.emulator.add_mailbox(OTHER_TENANT, "them@fabrikam.com")
    assert bench.refused("GET", "users/them@fabrikam.com/messages") == (404, "ErrorInvalidUser")


def test_each_role_opens_its_own_doors(bench: Bench) -> None:
    bench.emulator.add_app(TENANT, CLIENT, SECRET, roles=("Mail.Read",))
    bench.token = bench.sign_in()["access_token"]
    key = bench.deliver()[0]
    assert bench.get(f"{USER}/messages").status_code == 200
    assert bench.refused("PATCH", f"{USER}/messages/{key}", {"isRead": True}, IMMUTABLE) == (403, "ErrorAccessDenied")
    assert bench.refused("GET", "users") == (403, "Authorization_RequestDenied")


def test_a_scope_in_exchange_lets_the_app_into_its_own_mailboxes_only(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, "boss@contoso.com")
    bench.emulator.add_app(TENANT, CLIENT, SECRET, mailboxes=(HELP,))
    result = bench.sign_in()
    bench.token = result["access_token"]
    assert bench.get(f"{USER}/messages").status_code == 200
    assert bench.refused("GET", "users/boss@contoso.com/messages") == (403, "ErrorAccessDenied")
    assert bench.subscribe(resource="users/boss@contoso.com/messages").status_code == 403


def test_a_revoked_sign_in_fails_everywhere(bench: Bench) -> None:
    bench.emulator.faults.add(Fault(kind="revoke_sign_in"))
    assert bench.refused("GET", f"{USER}/messages") == (401, "InvalidAuthenticationToken")
    assert bench.sign_in()["error_codes"] == [7000222]
    bench.emulator.faults.clear()
    assert bench.get(f"{USER}/messages").status_code == 200


def test_secrets_and_tokens_are_not_recorded(bench: Bench) -> None:
    bench.get(f"{USER}/messages")
    recorded = json.dumps(bench.emulator.exchanges)
    assert bench.token not in recorded
    assert f"client_secret={SECRET}" not in recorded
    assert bench.get(f"{GRAPH}/nothing").status_code == 400
