"""Tokens in the name of an account: renewed once, by whoever needs them first, for as long as Entra goes along."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dev.graph import Fault
from shared.connections import tokens
from shared.connections.permissions import to_delegate
from shared.graph.clouds import get_cloud
from shared.graph.delegated_sign_in import DelegatedSignIn
from shared.graph.errors import GraphBusy, SignInFailed
from shared.graph.sign_in import Credentials
from shared.runtime import Runtime
from tests.connections.browser import ADA, connect, sign_in, token_requests
from tests.tampering import body_of, tamper_with_graph
from tests.world import CLIENT, CLIENT_SECRET, TENANT, World

HOUR = 3600


@pytest.fixture
def tenant(world: World) -> World:
    """Ada has signed in for a connection."""
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect(world)
    assert sign_in(world).status == 200
    return world


def signed_in(rt: Runtime) -> DelegatedSignIn:
    """The sign-in as a process of the app has it."""
    assert rt.http is not None
    credentials = Credentials(TENANT, CLIENT, "secret", CLIENT_SECRET, "", get_cloud("global"))
    vault = tokens.SealedTokens(rt, "desk")
    return DelegatedSignIn(credentials, rt.http, rt.clock, vault, to_delegate({"mail"}))


def kept(rt: Runtime) -> str:
    found = tokens.SealedTokens(rt, "desk").load()
    assert found is not None
    return found.tokens.access_token


@pytest.mark.requirement("CONN-2")
def test_ten_who_need_a_token_at_once_make_one_request(tenant: World) -> None:
    tenant.advance(HOUR)
    found, before = signed_in(tenant.rt), token_requests(tenant)
    tenant.emulator.faults.add(Fault(kind="latency", path="/token", seconds=0.2))
    with ThreadPoolExecutor(10) as threads:
        given = list(threads.map(lambda _: found.token(), range(10)))
    assert len(set(given)) == 1
    assert token_requests(tenant) == before + 1
    assert kept(tenant.rt) == given[0]


@pytest.mark.requirement("CONN-2")
def test_a_token_that_is_good_is_shared_by_all_processes(tenant: World) -> None:
    before = token_requests(tenant)
    first = signed_in(tenant.rt).token()
    assert signed_in(tenant.start()).token() == first
    assert token_requests(tenant) == before


@pytest.mark.requirement("CONN-2")
def test_of_two_processes_that_renew_at_once_the_slower_one_takes_what_the_faster_one_got(tenant: World) -> None:
    tenant.advance(HOUR)
    slow, fast_rt = tenant.rt, tenant.start()
    fast: list[str] = []

    def overtaken(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if "/token" in str(request.url) and not fast:
            fast.append(signed_in(fast_rt).token())
        return carry()

    tenant.rt = slow
    tamper_with_graph(tenant, overtaken)
    assert signed_in(slow).token() == fast[0] == kept(slow)


@pytest.mark.requirement("CONN-2")
def test_who_is_refused_while_somebody_signs_in_anew_takes_the_new_tokens(tenant: World) -> None:
    tenant.advance(HOUR)
    tenant.emulator.revoke_sessions(ADA)
    tenant.emulator.clock.advance(1)
    renewing, renewed = signed_in(tenant.rt), list[str]()

    def meanwhile(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if b"grant_type=refresh_token" in body_of(request) and not renewed:
            sign_in(tenant)
            renewed.append(kept(tenant.rt))
        return carry()

    tamper_with_graph(tenant, meanwhile)
    assert renewing.token() == renewed[0]


@pytest.mark.requirement("CONN-2")
@pytest.mark.parametrize("number", [50173, 70043, 700082])
def test_a_sign_in_that_was_revoked_needs_a_person_and_is_not_tried_on_and_on(tenant: World, number: int) -> None:
    tenant.emulator.revoke_sessions(ADA, number)
    tenant.advance(HOUR)
    found, before = signed_in(tenant.rt), token_requests(tenant)
    for _ in range(10):
        with pytest.raises(SignInFailed) as raised:
            found.token()
        assert raised.value.code == f"AADSTS{number}"
        assert "sign in" in raised.value.cure.lower()
    assert token_requests(tenant) == before + 1

    assert sign_in(tenant).status == 200
    assert found.token() == kept(tenant.rt), "and goes on as soon as somebody has signed in"


@pytest.mark.requirement("CONN-2")
def test_a_sign_in_that_is_used_never_ends_and_one_that_is_not_ends_after_ninety_days(tenant: World) -> None:
    found = signed_in(tenant.rt)
    for _ in range(3):
        tenant.advance(60 * 24 * HOUR)
        assert found.token() == kept(tenant.rt)
    tenant.advance(91 * 24 * HOUR)
    with pytest.raises(SignInFailed, match="AADSTS700082"):
        found.token()


@pytest.mark.requirement("CONN-2")
def test_while_entra_is_away_it_is_worth_trying_again(tenant: World) -> None:
    tenant.advance(HOUR)
    found = signed_in(tenant.rt)
    tenant.emulator.faults.add(Fault(kind="refuse_connection", path="/token", times=1))
    with pytest.raises(GraphBusy):
        found.token()
    assert found.token() == kept(tenant.rt)


@pytest.mark.requirement("CONN-2")
def test_a_token_that_graph_refused_is_not_used_again(tenant: World) -> None:
    found = signed_in(tenant.rt)
    first = found.token()
    found.forget()
    second = found.token()
    assert second not in (first, "")
    assert kept(tenant.rt) == second


@pytest.mark.requirement("CONN-2")
def test_where_nobody_has_signed_in_this_is_said(world: World) -> None:
    connect(world)
    with pytest.raises(SignInFailed) as raised:
        signed_in(world.rt).token()
    assert raised.value.code == "nobody"
