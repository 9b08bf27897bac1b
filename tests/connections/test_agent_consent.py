"""An agent signs in for themselves, and everything by which somebody else could come to stand in their place."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dev.azurite import Azurite
from dev.graph import Fault
from shared.connections.agent_clients import AgentTokens
from shared.storage.rows import Row
from tests.api.storage_dump import dump
from tests.connections.browser import (
    ADA,
    begin,
    come_back,
    connect,
    go_to_entra,
    sign_in,
    sign_in_agent,
    token_requests,
)
from tests.tampering import answer, body_of, tamper_with_graph, tamper_with_storage, with_claims
from tests.world import CALLBACK, CLIENT_SECRET, TENANT, Answer, World

BOB = "bob@contoso.com"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"


@pytest.fixture
def tenant(world: World) -> World:
    """A connection for agents, of whom there are Ada and Bob; Ada sits at the browser."""
    for address in (ADA, BOB):
        world.emulator.add_mailbox(TENANT, address, display_name=address.partition("@")[0].title())
    world.emulator.sit_down(ADA)
    connect(world, method="agents")
    return world


def agent(world: World, address: str = ADA, connection_id: str = "desk") -> Any:
    return world.get(f"/connections/{connection_id}/agents/{address}")


def states(world: World) -> dict[str, str]:
    return {each["address"]: each["state"] for each in world.get("/connections/desk/agents")["items"]}


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def refused(world: World, page: Answer, reason: str, **expected: str) -> None:
    """The page gives this reason and a cure, and the agents are as expected (by their first names)."""
    assert page.status == 400
    text = page.body.decode()
    assert reason in text
    assert text.count("<p>") == 2, "a cause and a cure"
    assert states(world) == {f"{name}@contoso.com": state for name, state in expected.items()}


@pytest.mark.requirement("CONN-2", "CONN-4")
def test_an_agent_signs_in_and_is_named(tenant: World) -> None:
    begun = begin(tenant, agent=ADA)
    assert begun["redirect_uri"] == CALLBACK
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun["url"]).query).items()}
    assert (asked["login_hint"], asked["code_challenge_method"]) == (ADA, "S256")
    permissions = {f"https://graph.microsoft.com/{name}" for name in ("Calendars.ReadWrite", "User.Read")}
    assert set(asked["scope"].split()) == permissions | {"openid", "profile", "offline_access"}
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 20
    waiting = agent(tenant)
    assert (waiting["state"], waiting["account"], bool(waiting["cure"])) == ("needs_sign_in", "", True)

    page = come_back(tenant, go_to_entra(tenant, begun["url"]))
    assert page.status == 200
    assert f"{ADA} has signed in as the agent {ADA}" in page.body.decode()
    found = agent(tenant)
    assert (found["state"], found["account"], found["trouble"]) == ("connected", ADA, "")
    assert tenant.get("/connections/desk")["state"] == "connected"


@pytest.mark.requirement("CONN-4")
def test_an_account_is_known_by_each_of_its_addresses(tenant: World) -> None:
    tenant.emulator.add_alias(ADA, "Countess.Lovelace@contoso.com")
    page = sign_in_agent(tenant, "countess.lovelace@contoso.com", account=ADA)
    assert page.status == 200
    assert agent(tenant, "countess.lovelace@contoso.com")["account"] == ADA


@pytest.mark.requirement("CONN-4")
def test_another_account_is_refused_and_both_are_named(tenant: World) -> None:
    page = sign_in_agent(tenant, BOB, account=ADA)
    refused(tenant, page, "(other_account)", bob="needs_sign_in")
    assert f"{ADA} came, and {BOB} was expected" in page.body.decode()
    sign_in_agent(tenant, BOB)
    refused(tenant, sign_in_agent(tenant, BOB, account=ADA), "(other_account)", bob="connected")
    assert agent(tenant, BOB)["account"] == BOB, "who was there before stays"


@pytest.mark.requirement("CONN-4")
def test_a_token_that_is_another_account_s_than_the_sign_in_said_is_refused(tenant: World) -> None:
    def swapped(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        came = carry()
        if "/me?" not in str(request.url):
            return came
        told = {**came.json(), "id": "00000000-0000-4000-8000-000000000000"}
        return answer(request, 200, json.dumps(told).encode(), Content_Type="application/json")

    tamper_with_graph(tenant, swapped)
    refused(tenant, sign_in_agent(tenant, ADA), "(other_account)", ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
def test_a_guest_of_the_tenant_is_an_account_of_another_one(tenant: World) -> None:
    tenant.emulator.add_mailbox(TENANT, "eve@fabrikam.com", kind="guest")
    page = sign_in_agent(tenant, ADA, account="eve@fabrikam.com")
    refused(tenant, page, "(other_tenant)", ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"tid": OTHER_TENANT}, "(other_tenant)"),
        ({"nonce": "of-another-sign-in"}, "(other_nonce)"),
        ({"aud": OTHER_TENANT}, "(incomplete)"),
        ({"oid": OTHER_TENANT}, "(other_account)"),
    ],
)
def test_what_the_token_says_is_compared(tenant: World, claims: dict[str, Any], reason: str) -> None:
    tamper_with_graph(tenant, with_claims(claims))
    refused(tenant, sign_in_agent(tenant, ADA), reason, ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
def test_an_answer_counts_once(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    assert come_back(tenant, back).status == 200
    asked = token_requests(tenant)
    refused(tenant, come_back(tenant, back), "(used_state)", ada="connected")
    assert token_requests(tenant) == asked, "the code is not sent again"


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("state", ["", "x" * 22, "' or 1 eq 1", None])
def test_a_state_that_was_never_given_leads_nowhere(tenant: World, state: str | None) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    refused(tenant, come_back(tenant, back, state=state), "(unknown_state)", ada="needs_sign_in")
    assert token_requests(tenant) == 0


@pytest.mark.requirement("CONN-4")
def test_the_state_of_another_agent_of_the_same_connection_does_not_fit_the_code(tenant: World) -> None:
    mine, other = go_to_entra(tenant, begin(tenant, agent=ADA)["url"]), begin(tenant, agent=BOB)["url"]
    stolen = come_back(tenant, mine, state=state_of(other))
    refused(tenant, stolen, "(AADSTS501481)", ada="needs_sign_in", bob="needs_sign_in")
    assert come_back(tenant, mine).status == 200
    assert states(tenant) == {ADA: "connected", BOB: "needs_sign_in"}


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("method", ["agents", "delegated"])
def test_the_state_of_another_connection_does_not_fit_the_code(tenant: World, method: str) -> None:
    connect(tenant, "Two", method=method)
    mine = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    other = begin(tenant, "two", ADA if method == "agents" else "")["url"]
    refused(tenant, come_back(tenant, mine, state=state_of(other)), "(AADSTS501481)", ada="needs_sign_in")
    if method == "agents":
        assert agent(tenant, connection_id="two")["state"] == "needs_sign_in"
    else:
        assert tenant.get("/connections/two/sign-in")["account"] is None


@pytest.mark.requirement("CONN-4")
def test_a_sign_in_that_was_begun_belongs_to_its_agent_even_where_somebody_writes_into_storage(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    [row] = tenant.rt.tables["SignInAttempts"].range("attempts", where=f"agent eq '{ADA}'")
    tenant.rt.tables["SignInAttempts"].merge(Row("attempts", row.key, {"agent": BOB}))
    page = come_back(tenant, back)
    assert (page.status, "SECRET_KEY" in page.body.decode()) == (400, True), "it does not open as another's"
    assert states(tenant) == {ADA: "needs_sign_in"}
    assert token_requests(tenant) == 0


@pytest.mark.requirement("CONN-4")
def test_a_code_that_was_redeemed_does_not_count_again(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    code = parse_qs(urlsplit(back).query)["code"][0]
    tenant.emulator.gateway.entra.authorizing.codes[code].redeemed = True  # somebody was faster
    refused(tenant, come_back(tenant, back), "(AADSTS54005)", ada="needs_sign_in")
    again = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    refused(tenant, come_back(tenant, again, code=code), "(AADSTS501481)", ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
def test_after_ten_minutes_it_is_too_late(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    tenant.advance(600)
    refused(tenant, come_back(tenant, back), "(expired)", ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_site_cannot_post_an_answer(tenant: World, method: str) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    parts = urlsplit(back)
    headers = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    given = tenant.host.http(method, f"{parts.path}?{parts.query}", headers, parts.query)
    assert given.status in (404, 405)
    assert states(tenant) == {ADA: "needs_sign_in"}
    assert come_back(tenant, back).status == 200, "and the sign-in is not used up by it"


@pytest.mark.requirement("CONN-4")
def test_less_than_was_asked_for_is_not_enough(tenant: World) -> None:
    def tamper(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        return answer(request, 200, carry().content.replace(b"/Calendars.ReadWrite", b"/Calendars.Read"))

    tamper_with_graph(tenant, tamper)
    refused(tenant, sign_in_agent(tenant, ADA), "calendars.readwrite", ada="needs_sign_in")


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize(("who", "reason"), [({"consents": False}, "(AADSTS65004)"), ({"refusal": 53003}, "53003)")])
def test_a_refusal_of_entra_is_told_and_concerns_nobody_else(tenant: World, who: dict[str, Any], reason: str) -> None:
    sign_in_agent(tenant, BOB)
    tenant.emulator.sit_down(ADA, **who)
    page = come_back(tenant, go_to_entra(tenant, begin(tenant, agent=ADA)["url"]))
    refused(tenant, page, reason, ada="needs_sign_in", bob="connected")
    assert tenant.get("/connections/desk")["state"] == "connected"


@pytest.mark.requirement("CONN-4")
def test_while_the_directory_does_not_answer_nothing_is_kept(tenant: World) -> None:
    tenant.emulator.faults.add(Fault(kind="unavailable", path="/me"))
    page = sign_in_agent(tenant, ADA)
    assert (page.status, "again" in page.body.decode()) == (503, True)
    assert states(tenant) == {ADA: "needs_sign_in"}
    assert AgentTokens(tenant.rt, "desk", ADA).load() is None


@pytest.mark.requirement("CONN-4", "CONN-9")
def test_who_was_disconnected_meanwhile_is_not_connected_by_an_old_answer(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    assert tenant.api("DELETE", f"/connections/desk/agents/{ADA}").json()["state"] == "disconnected"
    refused(tenant, come_back(tenant, back), "(disconnected)", ada="disconnected")
    assert AgentTokens(tenant.rt, "desk", ADA).load() is None
    [newest] = tenant.get("/audit?limit=1")["items"]
    assert (newest["what"], "disconnected" in newest["outcome"]) == ("agent.signed_in", True)
    assert sign_in_agent(tenant, ADA).status == 200
    assert states(tenant) == {ADA: "connected"}


@pytest.mark.requirement("CONN-4", "CONN-9")
def test_of_a_sign_in_and_a_disconnect_at_the_same_moment_one_holds_whole(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    done: list[int] = []

    def overtaken(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if b"signed_in_at" in body_of(request) and not done:
            done.append(0)
            done[0] = tenant.api("DELETE", f"/connections/desk/agents/{ADA}").status
        return carry()

    tamper_with_storage(tenant, overtaken)
    refused(tenant, come_back(tenant, back), "(disconnected)", ada="disconnected")
    assert done == [200]
    assert AgentTokens(tenant.rt, "desk", ADA).load() is None


@pytest.mark.requirement("CONN-2", "CONN-4")
def test_each_kind_of_sign_in_is_for_its_own_kind_of_connection(tenant: World) -> None:
    tenant.connect()
    connect(tenant, "One", method="delegated")
    wrong = ["/connections/desk/sign-in", f"/connections/one/agents/{ADA}/sign-in"]
    wrong.append(f"/connections/contoso/agents/{ADA}/sign-in")
    for path in wrong:
        answered = tenant.api("POST", path)
        assert (answered.status, answered.json()["type"]) == (409, "/api/v1/problems#conflict"), path
        assert answered.json()["cure"]
    assert sign_in(tenant, "one").status == 200
    assert tenant.get("/connections/one/agents")["items"] == []


@pytest.mark.requirement("CONN-3", "CONN-4")
def test_no_secret_of_a_sign_in_is_seen_anywhere(
    tenant: World, azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    back = go_to_entra(tenant, begin(tenant, agent=ADA)["url"])
    pages = [come_back(tenant, back), come_back(tenant, back), sign_in_agent(tenant, BOB, account=ADA)]
    answers = [tenant.api("GET", f"/connections/desk/agents{tail}") for tail in ("", f"/{ADA}")]
    kept = AgentTokens(tenant.rt, "desk", ADA).load()
    assert kept is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    stored, ours = str(dump(azurite, tenant)), [each.message for each in caplog.records if each.name == "deskbridge"]
    for secret in (kept.tokens.access_token, kept.tokens.refresh_token, asked["code"], CLIENT_SECRET):
        for place in (caplog.text, stored, repr(kept), *(str(each.body) for each in (*pages, *answers))):
            assert secret not in place, secret[:9]
    assert asked["state"] not in stored
    assert asked["state"] not in str(ours)


@pytest.mark.requirement("CONN-3")
def test_the_tokens_of_one_agent_do_not_open_as_another_s(tenant: World) -> None:
    sign_in_agent(tenant, ADA)
    sign_in_agent(tenant, BOB)
    table = tenant.rt.tables["AgentSignIns"]
    ada = table.find("desk", ADA)
    assert ada is not None
    table.merge(Row("desk", BOB, {"sealed_tokens": ada["sealed_tokens"]}))
    tenant.start()
    trial = tenant.api("POST", "/connections/desk/test").json()
    assert {each["target"]: each["ok"] for each in trial["probes"] if each["name"] == "calendar"} == {
        ADA: True,
        BOB: False,
    }


def test_who_began_a_sign_in_and_who_signed_in_is_recorded(tenant: World) -> None:
    sign_in_agent(tenant, ADA)
    tenant.api("DELETE", f"/connections/desk/agents/{ADA}")
    ended, signed, begun, *_ = tenant.get("/audit?target=desk")["items"]
    assert {each["target"] for each in (ended, signed, begun)} == {f"desk/{ADA}"}
    assert [each["what"] for each in (ended, signed, begun)] == [
        "agent.disconnected",
        "agent.signed_in",
        "agent.sign_in_begun",
    ]
    assert {(each["who"], each["outcome"]) for each in (ended, signed, begun)} == {("key", "done")}
    assert signed["after"]["account"] == ADA
