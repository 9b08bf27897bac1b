"""Webhooks that fall silent, subscriptions that vanish, tokens that grow old: mail comes in all the same."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault
from shared.connections.store import graph_client
from shared.graph import subscriptions as graph
from tests.world import CLIENT_SECRET, SUPPORT, World, mail

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox()
    world.settle()
    return world


def issues(world: World) -> set[str]:
    """The codes of what health says is wrong."""
    found: list[Any] = world.get("/health")["issues"]
    assert all(issue["cause"] and issue["cure"] for issue in found), found
    return {issue["code"] for issue in found}


@pytest.mark.requirement("OPS-1", "MAIL-2", "MAIL-4")
def test_all_notifications_of_an_hour_are_lost(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="drop_notifications"))
    for step in range(12):
        for index in range(3):
            desk.emulator.deliver(SUPPORT, mail(f"Mail {step}.{index}"))
        desk.advance(300)
        desk.scan()
        assert len(desk.tickets()) == 3 * (step + 1)
    assert issues(desk) == {"webhook_silent"}

    desk.emulator.faults.clear()
    desk.emulator.deliver(SUPPORT, mail("Heard again"))
    desk.settle()
    assert len(desk.tickets()) == 37
    assert issues(desk) == set()


@pytest.mark.requirement("OPS-1")
def test_a_subscription_deleted_behind_our_back_is_made_again(desk: World) -> None:
    [subscription] = desk.emulator.subscriptions()
    desk.emulator.remove_subscription(subscription.id, silently=True)
    desk.emulator.deliver(SUPPORT, mail("Unheard"))
    desk.advance(300)
    desk.scan()
    assert len(desk.tickets()) == 1
    assert issues(desk) == {"webhook_silent"}

    desk.host.run_timer("reconcile_subscriptions")
    [renewed] = desk.emulator.subscriptions()
    assert renewed.id != subscription.id
    desk.emulator.deliver(SUPPORT, mail("Heard"))
    desk.settle()
    assert len(desk.tickets()) == 2
    assert issues(desk) == set()


@pytest.mark.requirement("OPS-1")
def test_a_removed_subscription_that_graph_tells_of_is_made_again_at_once(desk: World) -> None:
    [subscription] = desk.emulator.subscriptions()
    desk.emulator.remove_subscription(subscription.id, silently=False)
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    [renewed] = desk.emulator.subscriptions()
    assert renewed.id != subscription.id
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("OPS-1")
def test_reauthorization_extends_the_subscription(desk: World) -> None:
    [before] = desk.emulator.subscriptions()
    expiry = before.expires
    desk.advance(3 * DAY)
    desk.emulator.send_lifecycle(before.id, "reauthorizationRequired")
    desk.settle()
    [after] = desk.emulator.subscriptions()
    assert after.id == before.id
    assert after.expires > expiry
    assert desk.get("/subscriptions")["items"][0]["expires_at"] > expiry.isoformat()


@pytest.mark.requirement("OPS-1")
def test_missed_notifications_lead_to_a_round(desk: World) -> None:
    silence = desk.emulator.faults
    silence.add(Fault(kind="drop_notifications"))
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    silence.clear()
    [subscription] = desk.emulator.subscriptions()
    desk.emulator.send_lifecycle(subscription.id, "missed")
    desk.settle()
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("OPS-1")
def test_subscriptions_are_renewed_hour_by_hour_and_never_expire(desk: World) -> None:
    [before] = desk.emulator.subscriptions()
    for _ in range(40):
        desk.advance(6 * HOUR)
        desk.host.run_timer("reconcile_subscriptions")
    [after] = desk.emulator.subscriptions()
    assert after.id == before.id


@pytest.mark.requirement("OPS-1", "MAIL-2")
def test_the_app_was_away_until_the_subscription_had_expired(desk: World) -> None:
    for index in range(5):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
        desk.emulator.faults.add(Fault(kind="drop_notifications"))
    desk.advance(8 * DAY)
    assert desk.emulator.subscriptions() == []
    assert {"subscription_expired", "mailbox_overdue"} <= issues(desk)
    desk.emulator.faults.clear()
    desk.scan()
    assert len(desk.tickets()) == 5

    desk.host.run_timer("reconcile_subscriptions")
    desk.emulator.deliver(SUPPORT, mail("Heard"))
    desk.settle()
    assert len(desk.tickets()) == 6
    assert len(desk.emulator.subscriptions()) == 1


@pytest.mark.requirement("OPS-1")
def test_strays_and_doubles_are_removed_and_those_of_others_are_left(desk: World) -> None:
    client = graph_client(desk.rt, "contoso")
    mine, foreign = "https://desk.contoso.com/graph/notifications", "https://other.example/graph/notifications"
    folders = (("sentitems", mine), ("archive", foreign))
    for folder, url in folders:
        graph.create(
            client,
            resource=f"users/{SUPPORT}/mailFolders('{folder}')/messages",
            notification_url=url,
            lifecycle_url=url.replace("notifications", "lifecycle"),
            client_state="leaked",
            now=desk.clock.now(),
        )
    assert len(desk.emulator.subscriptions()) == 3
    desk.host.run_timer("reconcile_subscriptions")
    left = sorted(each.notification_url for each in desk.emulator.subscriptions())
    assert left == [mine, foreign]


@pytest.mark.requirement("OPS-1", "MAIL-4")
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_delta_token_that_expires_in_mid_round_costs_a_full_round_and_no_double(desk: World, skip: int) -> None:
    for index in range(5):
        desk.emulator.deliver(SUPPORT, mail(f"First {index}"))
    desk.settle()
    assert len(desk.tickets()) == 5
    desk.emulator.faults.add(Fault(kind="drop_notifications"))
    for index in range(450):
        desk.emulator.deliver(SUPPORT, mail(f"Second {index}"))
    desk.emulator.faults.add(Fault(kind="expire_delta", times=1, skip=skip))
    desk.scan()
    desk.scan()
    assert len(desk.tickets()) == 455
    assert desk.get("/health")["mailboxes"][0]["resyncs"] == 1


@pytest.mark.requirement("MAIL-4")
def test_a_full_round_over_mails_that_were_left_in_the_inbox_doubles_nothing(world: World) -> None:
    world.connect()
    world.add_mailbox(disposal="mark_read", method="scan")
    for index in range(60):
        world.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    world.scan()
    world.emulator.expire_delta()
    world.emulator.deliver(SUPPORT, mail("New"))
    world.scan()
    assert len(world.tickets()) == 61
    assert len(world.journal()) == 61


@pytest.mark.requirement("OPS-2", "MAIL-2")
def test_an_endless_delta_round_does_not_stop_mail(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="endless_delta"))
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    assert len(desk.tickets()) == 1
    assert issues(desk) == {"delta_endless"}
    desk.emulator.faults.clear()
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    assert len(desk.tickets()) == 2
    assert issues(desk) == set()


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize("kind", ["throttle", "unavailable", "timeout", "refuse_connection", "lost_answer"])
def test_a_graph_that_is_away_for_a_while_loses_nothing(desk: World, kind: Any) -> None:
    is_throttle = kind == "throttle"
    retry_after = 6 if is_throttle else None
    desk.emulator.faults.add(Fault(kind=kind, path="/messages", times=3 if is_throttle else 9, retry_after=retry_after))
    for index in range(3):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}"))
    desk.settle()
    for _ in range(4):
        desk.advance(60)
        desk.scan()
    assert len(desk.tickets()) == 3
    assert desk.emulator.messages(SUPPORT) == []


@pytest.mark.requirement("CONN-1")
def test_a_secret_that_expired_is_told_and_mail_comes_after_it_was_replaced(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    desk.emulator.expire_tokens()
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    desk.scan()
    [issue] = [each for each in desk.get("/health")["issues"] if each["code"] == "round_failing"]
    assert "AADSTS7000222" in issue["cause"]
    assert "new one" in issue["cure"]
    assert "connection_lost" in issues(desk)
    desk.emulator.faults.clear()
    desk.scan()
    assert desk.tickets() == [], "the connection rests until somebody mends it"
    assert desk.api("PUT", "/connections/contoso/secret", {"client_secret": CLIENT_SECRET}).status == 200
    desk.settle()
    assert len(desk.tickets()) == 1
    assert issues(desk) == set()
