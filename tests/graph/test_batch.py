"""Batches: twenty at a time, item by item, those that are throttled again."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.graph import mail as graph_mail
from shared.graph.batch import perform
from shared.graph.errors import GraphBusy, GraphError, ItemGone
from tests.graph.conftest import Tenant
from tests.world import SUPPORT, mail


def _deliver(tenant: Tenant, count: int) -> list[str]:
    return [tenant.emulator.deliver(SUPPORT, mail(f"Mail {index}")) for index in range(count)]


@pytest.mark.requirement("OPS-2")
def test_fifty_moves_take_three_requests_and_stay_within_four_at_once(tenant: Tenant) -> None:
    ids = _deliver(tenant, 50)
    outcomes = perform(tenant.client, SUPPORT, [graph_mail.moving(SUPPORT, each, "archive") for each in ids])
    assert [outcome["id"] for outcome in outcomes if isinstance(outcome, dict)] == ids
    assert tenant.emulator.messages(SUPPORT) == []
    assert tenant.emulator.statistics.max_concurrency(SUPPORT) <= 4


@pytest.mark.requirement("OPS-2")
def test_items_fail_one_by_one(tenant: Tenant) -> None:
    first, gone, last = _deliver(tenant, 3)
    tenant.emulator.gateway.world.mailbox_at(SUPPORT).delete_for_good(tenant.emulator.message(SUPPORT, gone))
    outcomes = perform(tenant.client, SUPPORT, [graph_mail.marking_read(SUPPORT, each) for each in (first, gone, last)])
    assert [isinstance(outcome, ItemGone) for outcome in outcomes] == [False, True, False]
    assert [message.is_read for message in tenant.emulator.messages(SUPPORT)] == [True, True]


@pytest.mark.requirement("OPS-2")
def test_seven_throttled_items_of_twenty_are_sent_again_after_the_time_told(tenant: Tenant) -> None:
    ids = _deliver(tenant, 20)
    throttled = tenant.emulator.faults.add(Fault(kind="throttle", path="/move", times=7, retry_after=3))
    outcomes = perform(tenant.client, SUPPORT, [graph_mail.moving(SUPPORT, each, "archive") for each in ids])
    assert throttled.struck == 7
    assert not any(isinstance(outcome, GraphError) for outcome in outcomes)
    assert sum(tenant.clock.pauses) > 2.9
    assert len(tenant.emulator.messages(SUPPORT, "archive")) == 20


@pytest.mark.requirement("OPS-2")
def test_items_that_must_wait_longer_are_left_to_the_caller(tenant: Tenant) -> None:
    ids = _deliver(tenant, 5)
    tenant.emulator.faults.add(Fault(kind="throttle", path="/move", times=2, retry_after=60))
    outcomes = perform(tenant.client, SUPPORT, [graph_mail.moving(SUPPORT, each, "archive") for each in ids])
    waiting = [outcome for outcome in outcomes if isinstance(outcome, GraphBusy)]
    assert [busy.retry_after for busy in waiting] == [60, 60]
    assert tenant.clock.pauses == []
    assert len(tenant.emulator.messages(SUPPORT)) == 2


@pytest.mark.requirement("OPS-2")
def test_items_that_find_graph_away_for_a_moment_are_sent_again_soon(tenant: Tenant) -> None:
    ids = _deliver(tenant, 20)
    tenant.emulator.faults.add(Fault(kind="unavailable", path="/move", times=3))
    outcomes = perform(tenant.client, SUPPORT, [graph_mail.moving(SUPPORT, each, "archive") for each in ids])
    assert not any(isinstance(outcome, GraphError) for outcome in outcomes)
    assert sum(tenant.clock.pauses) < 2
