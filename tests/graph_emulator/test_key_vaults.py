"""The emulated key vault asks for what Key Vault asks for, and refuses what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from dev.graph import Emulator, EmulatorAdapter, Fault
from dev.graph.vault_secrets import Vault

TENANT, IDENTITY = "11111111-1111-4111-8111-111111111111", "44444444-4444-4444-8444-444444444444"
URL = "https://desk.vault.azure.net"
NAME = f"{URL}/secrets/the-name"
RESOURCE = "https://vault.azure.net"


class Caller:
    """Somebody who asks the vault over the wire."""

    def __init__(self) -> None:
        self.emulator = Emulator()
        self.emulator.add_identity(TENANT, IDENTITY)
        self.vault: Vault = self.emulator.add_vault("desk.vault.azure.net", TENANT)
        self.emulator.assign(self.vault, IDENTITY, "Key Vault Secrets Officer")
        self._session = requests.Session()
        self._session.mount("https://", EmulatorAdapter(self.emulator))
        self.bearer = self.token(RESOURCE)

    def token(self, resource: str) -> str:
        asked = {"api-version": "2019-08-01", "resource": resource, "client_id": IDENTITY}
        answer = self._session.get("https://identity.local/msi/token", params=asked, headers={"X-IDENTITY-HEADER": "x"})
        return str(answer.json()["access_token"])

    def ask(
        self, method: str, url: str = NAME, body: Any = None, *, version: str = "7.4", bearer: str | None = None
    ) -> requests.Response:
        token = self.bearer if bearer is None else bearer
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = {"api-version": version} if version else {}
        return self._session.request(method, url, params=asked, headers=headers, json=body)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["code"], error.get("innererror", {}).get("code", "")


def test_without_a_token_for_it_it_says_where_to_get_one(caller: Caller) -> None:
    for bearer in ("", "made-up", caller.token("https://graph.microsoft.com")):
        answer = caller.ask("GET", bearer=bearer)
        assert refusal(answer) == (401, "Unauthorized", "")
        told = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="{RESOURCE}"'
        assert answer.headers["WWW-Authenticate"] == told


def test_an_identity_of_another_tenant_is_not_known(caller: Caller) -> None:
    elsewhere = caller.emulator.add_vault("other.vault.azure.net", "99999999-9999-4999-8999-999999999999")
    caller.emulator.assign(elsewhere, IDENTITY, "Key Vault Secrets Officer")
    assert refusal(caller.ask("GET", "https://other.vault.azure.net/secrets/a"))[:2] == (401, "Unauthorized")


def test_roles_say_what_may_be_done(caller: Caller) -> None:
    assert caller.ask("PUT", body={"value": "one"}).status_code == 200
    caller.emulator.assign(caller.vault, IDENTITY, "Key Vault Secrets User")
    assert caller.ask("GET").status_code == 200
    assert refusal(caller.ask("PUT", body={"value": "two"})) == (403, "Forbidden", "ForbiddenByRbac")
    caller.emulator.assign(caller.vault, IDENTITY, None)
    assert refusal(caller.ask("GET")) == (403, "Forbidden", "ForbiddenByRbac")


def test_each_put_makes_a_version_and_the_newest_answers_for_the_name(caller: Caller) -> None:
    given = {"value": "one", "contentType": "text/plain", "tags": {"a": "b"}}
    one = caller.ask("PUT", body=given).json()
    two = caller.ask("PUT", body={"value": "two"}).json()
    assert one.items() > given.items()
    assert one["id"].startswith(f"{NAME}/")
    assert one["attributes"]["enabled"] is True
    assert one["attributes"]["recoveryLevel"] == "Recoverable+Purgeable"
    assert caller.ask("GET").json() == two
    assert caller.ask("GET", one["id"]).json() == one
    assert caller.ask("GET", NAME.upper().replace("HTTPS", "https").replace("SECRETS", "secrets")).json() == two


def test_a_disabled_version_is_not_read_and_no_older_one_in_its_place(caller: Caller) -> None:
    caller.ask("PUT", body={"value": "one"})
    two = caller.ask("PUT", body={"value": "two"}).json()["id"]
    changed = caller.ask("PATCH", two, {"attributes": {"enabled": False}}).json()
    assert changed["attributes"]["enabled"] is False
    assert "value" not in changed
    for url in (two, NAME):
        assert refusal(caller.ask("GET", url)) == (403, "Forbidden", "SecretDisabled")


def test_what_is_deleted_keeps_its_name_until_it_is_recovered(caller: Caller) -> None:
    caller.ask("PUT", body={"value": "one"})
    caller.vault.delete("the-name")
    assert refusal(caller.ask("GET")) == (404, "SecretNotFound", "")
    assert refusal(caller.ask("PUT", body={"value": "two"})) == (409, "Conflict", "ObjectIsDeletedButRecoverable")
    caller.vault.recover("the-name")
    assert caller.ask("GET").json()["value"] == "one"


@pytest.mark.parametrize(
    ("url", "body", "version", "status"),
    [
        (NAME, {"value": "x"}, "", 400),
        (NAME, {"value": "x"}, "1.0", 400),
        (f"{URL}/secrets/under_score", {"value": "x"}, "7.4", 400),
        (f"{URL}/secrets/{'n' * 128}", {"value": "x"}, "7.4", 400),
        (NAME, {"value": ""}, "7.4", 400),
        (NAME, {"value": 7}, "7.4", 400),
        (NAME, {"value": "x" * (25 * 1024 + 1)}, "7.4", 400),
        (NAME, {"value": "x", "tags": {str(number): "x" for number in range(16)}}, "7.4", 400),
        (NAME, {"value": "x", "tags": {"a": "x" * 257}}, "7.4", 400),
        (NAME, ["value"], "7.4", 400),
        (NAME, None, "7.4", 415),
    ],
)
def test_what_is_no_secret_is_refused(caller: Caller, url: str, body: Any, version: str, status: int) -> None:
    assert refusal(caller.ask("PUT", url, body, version=version))[:2] == (status, "BadParameter")
    assert caller.vault.names() == []


def test_the_longest_of_each_is_taken(caller: Caller) -> None:
    body = {"value": "x" * 25 * 1024, "tags": {str(number): "x" * 256 for number in range(15)}}
    assert caller.ask("PUT", f"{URL}/secrets/{'n' * 127}", body).status_code == 200


def test_faults_come_in_the_words_of_key_vault(caller: Caller) -> None:
    caller.emulator.faults.add(Fault(kind="throttle", path="^/secrets/", times=1, retry_after=9))
    answer = caller.ask("GET")
    assert (refusal(answer), answer.headers["Retry-After"]) == ((429, "Throttled", ""), "9")
    caller.emulator.faults.add(Fault(kind="unavailable", path="^/secrets/", times=1))
    assert refusal(caller.ask("GET"))[:2] == (503, "InternalServerError")
    caller.emulator.faults.add(
        Fault(kind="refuse", path="^/secrets/", times=1, status=403, error="ForbiddenByFirewall")
    )
    assert refusal(caller.ask("GET")) == (403, "Forbidden", "ForbiddenByFirewall")


def test_what_it_cannot_do_it_says_and_no_secret_is_recorded(caller: Caller) -> None:
    assert caller.ask("PUT", body={"value": "not-for-the-record"}).status_code == 200
    assert caller.ask("DELETE").status_code == 501
    assert "not-for-the-record" not in json.dumps(caller.emulator.exchanges)
    with pytest.raises(requests.ConnectionError):
        caller.ask("GET", "https://nobody.vault.azure.net/secrets/a")
    caller.emulator.reset()
    with pytest.raises(requests.ConnectionError):
        caller.ask("GET")
