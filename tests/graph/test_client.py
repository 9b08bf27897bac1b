"""The client's manners: it waits as told, tries again where that may help, and follows no link to a stranger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dev.graph import Fault
from shared.errors import BadInput
from shared.graph import mail as graph_mail
from shared.graph.clouds import CLOUDS, get_cloud
from shared.graph.delta import EndlessRound
from shared.graph.errors import (
    AccessDenied,
    GraphBusy,
    GraphError,
    ItemGone,
    ResyncRequired,
    SignInFailed,
    answer_failure,
    sign_in_failure,
)
from tests.graph.conftest import Tenant
from tests.world import SUPPORT, mail

GRAPH = "^/v1.0/"
"""Requests to Graph, not to Entra."""


@pytest.mark.requirement("OPS-2")
def test_a_short_wait_is_waited_and_a_long_one_is_left_to_the_caller(tenant: Tenant) -> None:
    tenant.emulator.faults.add(Fault(kind="throttle", path=GRAPH, times=1, retry_after=2))
    assert graph_mail.get_folder(tenant.client, SUPPORT, "inbox")["displayName"] == "Inbox"
    assert sum(tenant.clock.pauses) >= 2

    tenant.emulator.faults.add(Fault(kind="throttle", path=GRAPH, times=1, retry_after=90))
    with pytest.raises(GraphBusy) as raised:
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    assert raised.value.retry_after == 90


@pytest.mark.requirement("OPS-2")
def test_no_request_goes_out_before_the_time_that_another_was_told(tenant: Tenant) -> None:
    tenant.emulator.faults.add(Fault(kind="throttle", path=GRAPH, times=1, retry_after=90))
    with pytest.raises(GraphBusy):
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    sent = tenant.emulator.statistics.requests_total
    with pytest.raises(GraphBusy) as raised:
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    assert 0 < raised.value.retry_after <= 90
    assert tenant.emulator.statistics.requests_total == sent
    tenant.clock.advance(91)
    assert graph_mail.get_folder(tenant.client, SUPPORT, "inbox")


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize("retry_after", [3, "date", None])
@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_retry_after_is_read_in_every_form(tenant: Tenant, kind: Any, retry_after: Any) -> None:
    tenant.emulator.faults.add(Fault(kind=kind, path=GRAPH, times=1, retry_after=retry_after))
    if kind == "throttle" and retry_after is None:
        with pytest.raises(GraphBusy) as raised:
            graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
        assert raised.value.retry_after == 30
        return
    assert graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    least = {3: 3, "date": 1, None: 0.5}[retry_after]
    assert sum(tenant.clock.pauses) >= least


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize("kind", ["unavailable", "timeout", "refuse_connection"])
def test_what_goes_on_failing_is_busy_in_the_end(tenant: Tenant, kind: Any) -> None:
    failing = tenant.emulator.faults.add(Fault(kind=kind, path="/mailFolders"))
    with pytest.raises(GraphBusy):
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    assert failing.struck == 4


@pytest.mark.requirement("OPS-2")
def test_twenty_threads_are_four_requests_at_once(tenant: Tenant) -> None:
    tenant.emulator.faults.add(Fault(kind="latency", seconds=0.02))
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: graph_mail.get_folder(tenant.client, SUPPORT, "inbox"), range(40)))
    assert tenant.emulator.statistics.max_concurrency(SUPPORT) == 4


@pytest.mark.requirement("CONN-1")
def test_a_token_that_is_refused_is_fetched_anew_once(tenant: Tenant) -> None:
    graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    tenant.emulator.expire_tokens()
    assert graph_mail.get_folder(tenant.client, SUPPORT, "inbox")


@pytest.mark.requirement("CONN-1")
@pytest.mark.parametrize(("code", "cure"), [(7000215, "Value"), (7000222, "expired"), (700016, "tenant id")])
def test_a_failed_sign_in_has_cause_and_cure(tenant: Tenant, code: int, cure: str) -> None:
    tenant.emulator.faults.add(Fault(kind="revoke_sign_in", code=code))
    with pytest.raises(SignInFailed) as raised:
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")
    assert raised.value.code == f"AADSTS{code}"
    assert cure in raised.value.cure
    assert "Trace ID" not in raised.value.cause


@pytest.mark.requirement("CONN-1")
@pytest.mark.parametrize("kind", ["throttle", "unavailable", "timeout", "refuse_connection"])
@pytest.mark.parametrize("where", ["oauth2", "openid"])
def test_an_entra_that_is_away_is_busy(tenant: Tenant, kind: Any, where: str) -> None:
    tenant.emulator.faults.add(Fault(kind=kind, path=where))
    with pytest.raises(GraphBusy):
        graph_mail.get_folder(tenant.client, SUPPORT, "inbox")


@pytest.mark.requirement("CONN-8")
def test_a_sign_in_failure_of_an_unknown_kind_names_where_to_look() -> None:
    failure = sign_in_failure({"error": "made_up", "error_codes": [123456], "error_description": "No."})
    assert isinstance(failure, SignInFailed)
    assert (failure.code, failure.needs_person) == ("AADSTS123456", True)
    assert "https://login.microsoftonline.com/error?code=123456" in failure.cure


@pytest.mark.requirement("CONN-8")
@pytest.mark.parametrize("answer", [{}, {"error_codes": []}, {"error_codes": "x"}, {"error": None}])
def test_an_answer_of_entra_that_says_nothing_is_a_failed_sign_in(answer: dict[str, object]) -> None:
    failure = sign_in_failure(answer)
    assert isinstance(failure, SignInFailed)
    assert failure.cure


@pytest.mark.requirement("CONN-8")
@pytest.mark.parametrize(
    "answer",
    [
        {"error": "temporarily_unavailable", "error_description": "Try later."},
        {"error": "server_error"},
        {"error": "temporarily_unavailable", "error_codes": [999999]},
        {"error": "invalid_grant", "error_codes": [90033]},
        {"error": "invalid_grant", "error_codes": [50196]},
    ],
)
def test_passing_trouble_of_entra_is_busy(answer: dict[str, object]) -> None:
    failure = sign_in_failure(answer)
    assert isinstance(failure, GraphBusy)
    assert failure.retry_after >= 30


@pytest.mark.requirement("CONN-8")
@pytest.mark.parametrize(
    ("number", "lost"), [(7000222, True), (700082, True), (53003, True), (50011, False), (54005, False)]
)
def test_a_failed_attempt_to_sign_in_is_no_lost_sign_in(number: int, lost: bool) -> None:
    failure = sign_in_failure({"error": "invalid_grant", "error_codes": [number]})
    assert isinstance(failure, SignInFailed)
    assert failure.needs_person is lost


def test_what_microsoft_says_is_cut_where_it_is_long() -> None:
    failure = sign_in_failure({"error": "invalid_grant", "error_description": "x" * 10_000})
    refusal = answer_failure(403, {"error": {"code": "ErrorAccessDenied", "message": "x" * 10_000}}, {}, 0)
    assert max(len(failure.cause), len(refusal.cause)) < 1_000


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (410, "syncStateNotFound", ResyncRequired),
        (400, "SyncStateNotFound", ResyncRequired),
        (404, "resyncRequired", ResyncRequired),
        (404, "ErrorItemNotFound", ItemGone),
        (403, "ErrorAccessDenied", AccessDenied),
        (429, "ApplicationThrottled", GraphBusy),
        (503, "serviceNotAvailable", GraphBusy),
        (400, "ErrorInvalidRequest", GraphError),
    ],
)
def test_answers_have_their_names(status: int, code: str, kind: type[GraphError]) -> None:
    body = {"error": {"code": code, "message": "m"}}
    failure = answer_failure(status, body, {"request-id": "r-1"}, 7)
    assert type(failure) is kind
    assert failure.cause
    assert failure.cure


@pytest.mark.parametrize("body", [None, "text", [], {"error": None}, {"error": "x"}])
def test_an_answer_that_makes_no_sense_is_an_error_all_the_same(body: object) -> None:
    assert answer_failure(400, body, {}, 0).status == 400


def test_a_link_to_another_host_is_not_followed(tenant: Tenant) -> None:
    for link in ("https://evil.example/v1.0/users", "http://graph.microsoft.com/v1.0/users"):
        with pytest.raises(GraphError, match="another host"):
            tenant.client.get(link)


@pytest.mark.requirement("OPS-2")
def test_a_round_that_repeats_itself_is_given_up(tenant: Tenant) -> None:
    tenant.emulator.deliver(SUPPORT, mail())
    tenant.emulator.faults.add(Fault(kind="endless_delta"))
    with pytest.raises(EndlessRound):
        graph_mail.fetch_message_round(tenant.client, SUPPORT, "inbox", None)


def test_a_round_takes_the_last_word_on_each_message_and_passes_empty_pages(tenant: Tenant) -> None:
    tenant.emulator.faults.add(Fault(kind="empty_delta_page", times=1))
    ids = {tenant.emulator.deliver(SUPPORT, mail(f"Mail {index}")) for index in range(450)}
    first = graph_mail.fetch_message_round(tenant.client, SUPPORT, "inbox", None)
    assert {item["id"] for item in first.items} == ids
    again = graph_mail.fetch_message_round(tenant.client, SUPPORT, "inbox", first.delta_link)
    assert again.items == []


def test_a_folder_with_a_quote_in_its_name_is_found(tenant: Tenant) -> None:
    name = "Ada's / #1? %20"
    made = graph_mail.find_or_create_folder(tenant.client, SUPPORT, name)
    assert graph_mail.find_or_create_folder(tenant.client, SUPPORT, name) == made


def test_clouds_are_the_published_ones() -> None:
    assert {cloud.graph for cloud in CLOUDS.values()} == {
        "https://graph.microsoft.com",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
    with pytest.raises(BadInput):
        get_cloud("local")
    assert get_cloud("local", "https://localhost:1").graph == "https://localhost:1"
