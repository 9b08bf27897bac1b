"""Health: each thing that is wrong is told once, with its cause and what to do about it."""

from __future__ import annotations

import base64

import pytest

from dev.graph import Fault
from shared.errors import SetAside
from shared.mail import mailboxes
from shared.subscriptions import store
from shared.subscriptions.store import Subscription
from shared.upkeep import health, set_aside
from tests.world import SECRET_KEY, SUPPORT, World, mail


@pytest.fixture
def mailbox_id(world: World) -> str:
    world.connect()
    made = world.add_mailbox()
    world.settle()
    return made


def codes(world: World) -> set[str]:
    found = health.check(world.rt)
    assert all(issue.cause and issue.cure and issue.subject for issue in found.issues), found.issues
    assert found.healthy == all(issue.severity != "error" for issue in found.issues)
    return {issue.code for issue in found.issues}


@pytest.mark.requirement("OPS-1")
def test_nothing_is_wrong_where_nothing_is_set_up(world: World) -> None:
    assert codes(world) == set()


@pytest.mark.requirement("OPS-1")
def test_a_mailbox_that_is_read_is_healthy_and_its_lag_grows_with_time(world: World, mailbox_id: str) -> None:
    [before] = health.check(world.rt).mailboxes
    assert (before.mailbox_id, before.issues, before.subscription) == (mailbox_id, (), "active")
    world.advance(60)
    [after] = health.check(world.rt).mailboxes
    assert before.lag is not None
    assert after.lag is not None
    assert 59 < after.lag - before.lag < 70


@pytest.mark.requirement("OPS-1")
def test_a_mailbox_that_no_scan_has_read_for_two_intervals_is_overdue(world: World, mailbox_id: str) -> None:
    world.advance(10 * 60)
    assert codes(world) == set()
    world.advance(90)
    assert codes(world) == {"mailbox_overdue"}
    mailboxes.change(world.rt, mailbox_id, {"enabled": False})
    assert codes(world) == set()


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("known", [True, False])
def test_a_missing_subscription_is_told_with_a_cure_even_where_its_creation_died(
    world: World, mailbox_id: str, known: bool
) -> None:
    store.remove(world.rt, "contoso", mailbox_id)
    if known:
        store.save(world.rt, Subscription("contoso", mailbox_id, "users/x"))
    assert codes(world) == {"subscription_missing"}


@pytest.mark.requirement("OPS-1")
def test_a_mailbox_that_is_only_scanned_needs_no_subscription(world: World, mailbox_id: str) -> None:
    mailboxes.change(world.rt, mailbox_id, {"method": "scan"})
    store.remove(world.rt, "contoso", mailbox_id)
    assert codes(world) == set()


@pytest.mark.requirement("MAIL-15", "OPS-2")
def test_what_graph_says_and_what_cannot_be_processed_are_told(world: World, mailbox_id: str) -> None:
    world.emulator.deliver(SUPPORT, b"")
    world.settle()
    world.emulator.faults.add(Fault(kind="refuse", path="/delta", times=1, status=403))
    world.emulator.deliver(SUPPORT, mail())
    world.settle()
    assert codes(world) == {"mail_quarantined", "round_failing"}
    assert not health.check(world.rt).healthy
    world.scan()
    assert codes(world) == {"mail_quarantined"}
    assert health.check(world.rt).mailboxes[0].mailbox_id == mailbox_id


@pytest.mark.requirement("OPS-3")
def test_work_set_aside_is_counted_until_it_is_put_again(world: World) -> None:
    for index in range(3):
        text = f'{{"mailbox_id": "box{index}", "cause": "asked"}}'
        set_aside.keep_text(world.rt, "subscription-care", text, SetAside("It cannot be done.", "Mend it."))
    assert codes(world) == {"work_set_aside"}
    assert health.check(world.rt).set_aside == 3
    kept, _ = set_aside.list_kept(world.rt)
    for each in kept:
        set_aside.replay(world.rt, each.key)
    assert codes(world) == set()


@pytest.mark.requirement("CONN-3", "OPS-6")
def test_who_does_not_see_everything_is_not_told_whether_the_former_key_may_go(world: World, mailbox_id: str) -> None:
    key = base64.b64encode(b"n" * 32).decode()
    world.start(SECRET_KEY=key, FORMER_SECRET_KEY=SECRET_KEY)
    assert codes(world) == {"former_key_needed"}
    assert health.check(world.rt, {"contoso"}).issues == ()
    world.start(SECRET_KEY=key)
    assert "secret_lost" in codes(world)
    assert health.check(world.rt, {"contoso"}).issues == (), mailbox_id
