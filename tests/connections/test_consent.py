"""A person signs in for a connection, and everything that may be wrong with what their browser brings back."""

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
from shared.connections import store, tokens
from shared.graph.errors import ItemGone
from tests.api.storage_dump import dump
from tests.connections.browser import ADA, begin, come_back, connect, go_to_entra, sign_in, token_requests
from tests.tampering import answer, body_of, tamper_with_graph, tamper_with_storage, with_claims
from tests.world import CALLBACK, CLIENT_SECRET, TENANT, Answer, World

OTHER_TENANT = "99999999-2222-4333-8444-555555555555"


@pytest.fixture
def tenant(world: World) -> World:
    """A connection for one account, and Ada at the browser."""
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    world.emulator.sit_down(ADA)
    connect(world)
    return world


def signed_in(world: World, connection_id: str = "desk") -> Any:
    return world.get(f"/connections/{connection_id}/sign-in")["account"]


def text(page: Answer) -> str:
    assert page.headers["content-type"].startswith("text/html")
    return page.body.decode()


@pytest.mark.requirement("CONN-2", "CONN-4")
def test_an_account_signs_in_and_is_named(tenant: World) -> None:
    assert tenant.get("/connections/desk")["state"] == "needs_sign_in"
    begun = begin(tenant)
    assert begun["redirect_uri"] == CALLBACK
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun["url"]).query).items()}
    assert asked["redirect_uri"] == CALLBACK
    assert asked["code_challenge_method"] == "S256"
    assert {"openid", "offline_access", "https://graph.microsoft.com/Mail.ReadWrite"} <= set(asked["scope"].split())
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 20

    page = come_back(tenant, go_to_entra(tenant, begun["url"]))
    assert page.status == 200
    assert ADA in text(page)
    assert signed_in(tenant) == ADA
    assert tenant.get("/connections/desk")["state"] == "connected"
    assert tenant.api("POST", "/connections/desk/test").json()["ok"] is True


@pytest.mark.requirement("CONN-4")
def test_the_redirect_uri_is_shown_before_anybody_signs_in(tenant: World) -> None:
    found = tenant.get("/connections/desk/sign-in")
    assert found == {"redirect_uri": CALLBACK, "account": None, "signed_in_at": None}
    trial = tenant.api("POST", "/connections/desk/test").json()
    assert (trial["ok"], "sign in" in trial["cure"].lower()) == (False, True)
    health = tenant.get("/health")
    assert [(issue["code"], issue["severity"]) for issue in health["issues"]] == [("sign_in_awaited", "warning")]


@pytest.mark.requirement("CONN-4")
def test_the_page_is_kept_and_told_nowhere(tenant: World) -> None:
    for page in (sign_in(tenant), come_back(tenant, f"{CALLBACK}?state=x&code=y")):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        for tag in ("<script", "<a ", "<img", "<form", "<link", "http"):
            assert tag not in text(page).lower()


def refused(world: World, page: Answer, reason: str, *, account: str | None = None) -> None:
    """The page gives this reason and a cure, and nobody (or whoever was before) is signed in."""
    assert page.status == 400
    assert reason in text(page)
    assert text(page).count("<p>") == 2, "a cause and a cure"
    assert "location" not in page.headers
    assert signed_in(world) == account


@pytest.mark.requirement("CONN-4")
def test_an_answer_counts_once(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    assert come_back(tenant, back).status == 200
    asked = token_requests(tenant)
    refused(tenant, come_back(tenant, back), "(used_state)", account=ADA)
    assert token_requests(tenant) == asked, "the code is not sent again"


@pytest.mark.requirement("CONN-4")
def test_an_answer_does_not_wake_what_was_disconnected_meanwhile(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    assert tenant.api("POST", "/connections/desk/disconnect").status == 200
    assert come_back(tenant, back).status == 200
    assert signed_in(tenant) == ADA
    assert tenant.get("/connections/desk")["state"] == "disconnected"
    assert tenant.api("POST", "/connections/desk/connect").json()["state"] == "connected"


@pytest.mark.requirement("CONN-4")
def test_of_two_answers_at_the_same_moment_one_counts(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    faster: list[Answer] = []

    def overtaken(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if b"used_at" in body_of(request) and not faster:
            faster.append(Answer(0, {}, b""))
            faster[0] = come_back(tenant, back)
        return carry()

    tamper_with_storage(tenant, overtaken)
    slower = come_back(tenant, back)
    assert faster[0].status == 200, faster[0].body
    refused(tenant, slower, "(used_state)", account=ADA)
    assert token_requests(tenant) == 1


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("state", ["", "x" * 22, "x" * 5000, "' or 1 eq 1", "\u202e", None])
def test_a_state_that_was_never_given_leads_nowhere(tenant: World, state: str | None) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    refused(tenant, come_back(tenant, back, state=state), "(unknown_state)")
    assert token_requests(tenant) == 0


@pytest.mark.requirement("CONN-4")
def test_the_state_of_another_connection_does_not_fit_the_code(tenant: World) -> None:
    connect(tenant, "Two")
    mine, other = go_to_entra(tenant, begin(tenant)["url"]), go_to_entra(tenant, begin(tenant, "two")["url"])
    state = parse_qs(urlsplit(other).query)["state"][0]
    refused(tenant, come_back(tenant, mine, state=state), "(AADSTS501481)")
    assert signed_in(tenant, "two") is None
    assert come_back(tenant, mine).status == 200
    assert (signed_in(tenant), signed_in(tenant, "two")) == (ADA, None)


@pytest.mark.requirement("CONN-4")
def test_a_code_that_was_redeemed_does_not_count_again(tenant: World) -> None:
    first = begin(tenant)["url"]
    back = go_to_entra(tenant, first)
    code = parse_qs(urlsplit(back).query)["code"][0]
    tenant.emulator.gateway.entra.authorizing.codes[code].redeemed = True  # somebody was faster
    refused(tenant, come_back(tenant, back), "(AADSTS54005)")
    again = go_to_entra(tenant, begin(tenant)["url"])
    refused(tenant, come_back(tenant, again, code=code), "(AADSTS501481)")


@pytest.mark.requirement("CONN-4")
def test_after_ten_minutes_it_is_too_late(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    tenant.advance(599)
    assert come_back(tenant, back).status == 200
    late = begin(tenant)["url"]
    tenant.advance(600)
    refused(tenant, come_back(tenant, go_to_entra(tenant, late)), "(expired)", account=ADA)


@pytest.mark.requirement("CONN-4")
def test_a_guest_of_the_tenant_is_an_account_of_another_one(tenant: World) -> None:
    tenant.emulator.add_mailbox(TENANT, "eve@fabrikam.com", kind="guest")
    refused(tenant, sign_in(tenant, account="eve@fabrikam.com"), "(other_tenant)")


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"tid": OTHER_TENANT}, "(other_tenant)"),
        ({"nonce": "of-another-sign-in"}, "(other_nonce)"),
        ({"nonce": None}, "(other_nonce)"),
        ({"aud": OTHER_TENANT}, "(incomplete)"),
        (None, "(incomplete)"),
    ],
)
def test_what_the_token_says_is_compared(tenant: World, claims: dict[str, Any] | None, reason: str) -> None:
    tamper_with_graph(tenant, with_claims(claims))
    refused(tenant, sign_in(tenant), reason)


@pytest.mark.requirement("CONN-4")
def test_less_than_was_asked_for_is_not_enough(tenant: World) -> None:
    def tamper(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        return answer(request, 200, carry().content.replace(b"/Mail.ReadWrite.Shared", b"/Mail.Read"))

    tamper_with_graph(tenant, tamper)
    refused(tenant, sign_in(tenant), "mail.readwrite.shared")


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("name", ["redirect_uri", "next", "returnUrl", "post_logout_redirect_uri"])
def test_nothing_in_the_answer_says_where_to_go(tenant: World, name: str) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    page = come_back(tenant, back, **{name: "https://evil.example/"})
    assert page.status == 200
    assert "location" not in page.headers
    assert "evil.example" not in text(page)


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE", "OPTIONS"])
def test_another_site_cannot_post_an_answer(tenant: World, method: str) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    parts = urlsplit(back)
    headers = {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    given = tenant.host.http(method, f"{parts.path}?{parts.query}", headers, parts.query)
    assert given.status in (404, 405)
    assert signed_in(tenant) is None
    assert come_back(tenant, back).status == 200, "and the sign-in is not used up by it"


@pytest.mark.requirement("CONN-4")
@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ({"consents": False}, "(AADSTS65004)"),
        ({"refusal": 53003}, "(AADSTS53003)"),
        ({"refusal": 50076}, "(AADSTS50076)"),
        ({"refusal": 50105}, "(AADSTS50105)"),
    ],
)
def test_a_refusal_of_entra_is_told_with_its_cure(tenant: World, who: dict[str, Any], reason: str) -> None:
    tenant.emulator.sit_down(ADA, **who)
    back = go_to_entra(tenant, begin(tenant)["url"])
    refused(tenant, come_back(tenant, back), reason)
    refused(tenant, come_back(tenant, back), "(used_state)")


@pytest.mark.requirement("CONN-4")
def test_an_answer_that_answers_nothing_is_none(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    refused(tenant, come_back(tenant, back, code=None), "(no_code)")
    assert token_requests(tenant) == 0


@pytest.mark.requirement("CONN-4")
def test_where_only_admins_may_consent_this_is_said(tenant: World) -> None:
    tenant.emulator.gateway.world.ensure_tenant(TENANT).people_consent = False
    page = sign_in(tenant)
    refused(tenant, page, "(AADSTS90094)")
    assert "admin" in text(page)


@pytest.mark.requirement("CONN-4")
def test_what_strangers_write_is_shown_as_text(tenant: World) -> None:
    said = {"code": None, "error": "<b>", "error_description": "AADSTS1: <script>alert(1)</script>" + "x" * 9000}
    page = come_back(tenant, go_to_entra(tenant, begin(tenant)["url"]), **said)
    refused(tenant, page, "&lt;script&gt;")
    assert len(page.body) < 2000
    odd = "<b>o'hara</b>@contoso.com"
    tenant.emulator.add_mailbox(TENANT, odd)
    assert "&lt;b&gt;o&#x27;hara&lt;/b&gt;@contoso.com" in text(sign_in(tenant, account=odd))


def test_while_entra_is_away_the_person_is_asked_to_come_again(tenant: World) -> None:
    back = go_to_entra(tenant, begin(tenant)["url"])
    tenant.emulator.faults.add(Fault(kind="unavailable", path="/token", times=1))
    page = come_back(tenant, back)
    assert (page.status, "again" in text(page)) == (503, True)
    assert sign_in(tenant).status == 200


@pytest.mark.requirement("CONN-4")
def test_what_has_no_sign_in_is_not_signed_in_to(tenant: World) -> None:
    tenant.connect()
    answered = tenant.api("POST", "/connections/contoso/sign-in")
    assert (answered.status, answered.json()["type"]) == (409, "/api/v1/problems#conflict")
    assert tenant.api("POST", "/connections/nothing/sign-in").status == 404
    assert tenant.api("GET", "/connections/nothing/sign-in").status == 404
    assert tenant.api("POST", "/connections/desk/sign-in", key="wrong").status == 401
    connect(tenant, "Wrong", tenant_id=OTHER_TENANT)
    answered = tenant.api("POST", "/connections/wrong/sign-in")
    assert (answered.status, "tenant id" in answered.json()["cure"]) == (409, True)


@pytest.mark.requirement("CONN-3", "CONN-4")
def test_no_secret_of_a_sign_in_is_seen_anywhere(
    tenant: World, azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = begin(tenant)
    back = go_to_entra(tenant, begun["url"])
    pages = [come_back(tenant, back), come_back(tenant, back), sign_in(tenant)]
    answers = [tenant.api("GET", "/connections/desk/sign-in"), tenant.api("GET", "/connections")]
    kept = tokens.SealedTokens(tenant.rt, "desk").load()
    assert kept is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    stored, ours = str(dump(azurite, tenant)), [each.message for each in caplog.records if each.name == "deskbridge"]
    for secret in (kept.tokens.access_token, kept.tokens.refresh_token, asked["code"], CLIENT_SECRET):
        for place in (caplog.text, stored, repr(kept), *(str(each.body) for each in (*pages, *answers))):
            assert secret not in place, secret[:9]
    assert asked["state"] not in stored
    assert asked["state"] not in str(ours)
    assert any("connection.signed_in" in line for line in ours)


def test_who_began_a_sign_in_and_who_signed_in_is_recorded(tenant: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sign_in(tenant)
    lines = [json.loads(record.message) for record in caplog.records if record.name == "deskbridge"]
    told = {line["event"]: line for line in lines}
    assert told["api.changed"]["what"] == "connection.sign_in_begun"
    assert told["connection.signed_in"]["begun_by"] == "key"
    assert ADA not in caplog.text
    signed, begun, *_ = tenant.get("/audit")["items"]
    assert (begun["what"], begun["outcome"]) == ("connection.sign_in_begun", "done")
    assert (signed["what"], signed["who"], signed["outcome"]) == ("connection.signed_in", "key", "done")
    assert signed["after"]["account"] == ADA


def test_sign_ins_that_nobody_ended_are_forgotten_after_a_day(tenant: World, azurite: Azurite) -> None:
    def attempts() -> int:
        return str(dump(azurite, tenant)["rows"]).count("sealed_flow")

    begin(tenant)
    begin(tenant)
    tenant.host.run_timer("remove_old")
    assert attempts() == 2
    tenant.advance(86_401)
    begin(tenant)
    tenant.host.run_timer("remove_old")
    assert attempts() == 1


@pytest.mark.requirement("CONN-4")
def test_the_next_sign_in_proposes_the_account_of_the_last_one(tenant: World) -> None:
    sign_in(tenant)
    assert parse_qs(urlsplit(begin(tenant)["url"]).query)["login_hint"] == [ADA]


@pytest.mark.requirement("CONN-4")
def test_another_account_takes_over(tenant: World) -> None:
    tenant.emulator.add_mailbox(TENANT, "bob@contoso.com")
    sign_in(tenant)
    client = store.graph_client(tenant.rt, "desk")
    with pytest.raises(ItemGone, match="not found in the store"):
        client.get("/users/bob@contoso.com/mailFolders/inbox")
    sign_in(tenant, account="bob@contoso.com")
    assert signed_in(tenant) == "bob@contoso.com"
    assert client.get("/users/bob@contoso.com/mailFolders/inbox")["displayName"] == "Inbox"
