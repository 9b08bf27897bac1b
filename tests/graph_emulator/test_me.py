"""`/me`: who signed in, and their calendars; nobody where an app signed in for itself."""

from __future__ import annotations

import pytest

from dev.graph.world import App
from tests.graph_emulator.bench import HELP, TENANT, Bench
from tests.graph_emulator.test_authorizing import ADA, MAIL_SCOPE, app, sign_in

__all__ = ["app"]

BOB = "bob@contoso.com"
PROFILE = "https://graph.microsoft.com/User.Read"
CALENDARS = "https://graph.microsoft.com/Calendars.Read"


def signed_in(bench: Bench, *scopes: str) -> Bench:
    bench.token = sign_in(bench, *scopes)["access_token"]
    return bench


def test_an_app_has_no_me(bench: Bench) -> None:
    for path in ("me", "me/calendars", "me/messages"):
        assert bench.refused("GET", path) == (400, "BadRequest")
    said = bench.get("me").json()["error"]["message"]
    assert said == "/me request is only valid with delegated authentication flow."


@pytest.mark.usefixtures("app")
def test_who_signed_in_is_named_with_all_addresses(bench: Bench) -> None:
    bench.emulator.add_alias(ADA, "lovelace@contoso.com")
    found = signed_in(bench, PROFILE).json("me?$select=id,mail,userPrincipalName,proxyAddresses")
    assert found.pop("@odata.context").endswith("#users(id,mail,userPrincipalName,proxyAddresses)/$entity")
    assert found == {
        "id": bench.emulator.gateway.world.user_at(ADA).id,
        "mail": ADA,
        "userPrincipalName": ADA,
        "proxyAddresses": [f"SMTP:{ADA}", "smtp:lovelace@contoso.com"],
    }
    assert "proxyAddresses" not in bench.json("me")
    assert bench.json(f"users/{ADA}")["mail"] == ADA, "the same person by name"


@pytest.mark.usefixtures("app")
def test_the_profile_needs_its_permission_and_reaches_nobody_else(bench: Bench) -> None:
    assert signed_in(bench, MAIL_SCOPE).refused("GET", "me") == (403, "Authorization_RequestDenied")
    signed_in(bench, PROFILE)
    assert bench.refused("GET", f"users/{HELP}") == (403, "Authorization_RequestDenied")
    assert bench.refused("GET", "users") == (403, "Authorization_RequestDenied")


@pytest.mark.usefixtures("app")
def test_calendars_are_listed_to_who_may_see_them(bench: Bench) -> None:
    signed_in(bench, CALENDARS)
    first = bench.json("me/calendars?$top=1")
    assert [each["name"] for each in first["value"]] == ["Calendar"]
    assert first["value"][0]["owner"] == {"name": "Ada", "address": ADA}
    assert [each["name"] for each in bench.rows(first["@odata.nextLink"])] == ["Birthdays"]
    [own] = [each for each in bench.rows("me/calendars?$select=name,isDefaultCalendar") if each["isDefaultCalendar"]]
    assert own == {"id": first["value"][0]["id"], "name": "Calendar", "isDefaultCalendar": True}
    assert bench.refused("GET", "me/calendars?$select=colour") == (400, "RequestBroker--ParseUri")
    assert bench.refused("GET", f"users/{HELP}/calendars") == (403, "ErrorAccessDenied")
    assert signed_in(bench, MAIL_SCOPE).refused("GET", "me/calendars") == (403, "ErrorAccessDenied")


@pytest.mark.usefixtures("app")
def test_two_who_signed_in_are_each_themselves(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, BOB, display_name="Bob")
    tokens = {}
    for who in (ADA, BOB):
        bench.emulator.sit_down(who)
        tokens[who] = sign_in(bench, PROFILE, CALENDARS)["access_token"]
    for who, token in tokens.items():
        bench.token = token
        assert bench.json("me")["mail"] == who
        assert bench.rows("me/calendars")[0]["owner"]["address"] == who


def test_an_app_reads_calendars_by_its_own_permission(bench: Bench, app: App) -> None:
    assert bench.refused("GET", f"users/{HELP}/calendars") == (403, "ErrorAccessDenied")
    app.roles = ("Calendars.Read",)
    bench.token = bench.sign_in()["access_token"]
    assert bench.rows(f"users/{HELP}/calendars")[0]["isDefaultCalendar"]
