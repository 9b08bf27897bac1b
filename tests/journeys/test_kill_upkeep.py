"""Replays, subscriptions, the reconciliation and the setting up of a mailbox, killed after each single request."""

from __future__ import annotations

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from dev.host import Host
from shared.work import CareForSubscription
from tests import kill
from tests.kill import iter_survivors
from tests.world import SUPPORT, TENANT, World, mail

SHARDS = 2


@pytest.fixture(autouse=True)
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """These works take few steps."""
    monkeypatch.setattr(kill, "SHARDS", SHARDS)


def _with_mailbox(world: World) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()


def _with_refused_mail(world: World) -> None:
    _with_mailbox(world)
    refusal = world.emulator.faults.add(
        Fault(kind="refuse", path=r"\$value", times=1, status=400, error="ErrorInvalidRequest")
    )
    world.emulator.deliver(SUPPORT, mail("At last"))
    world.settle()
    assert refusal.struck == 1


def _replay(world: World) -> None:
    [entry] = world.get("/journal")["items"]
    world.api("POST", f"/journal/{entry['mailbox_id']}/{entry['key']}/replay")
    world.settle()


def _replay_once_more(world: World) -> None:
    """An administrator who got no answer asks again; where the mail has its ticket, that is refused."""
    [entry] = world.get("/journal")["items"]
    answer = world.api("POST", f"/journal/{entry['mailbox_id']}/{entry['key']}/replay")
    assert answer.status in (202, 409)
    world.settle()
    world.host.make_visible()
    world.settle()


@pytest.mark.requirement("MAIL-11", "MAIL-4")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_replay_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _with_refused_mail, _replay, shard):
        _replay_once_more(world)
        assert [entry["verdict"] for entry in world.journal()] == ["ticket"], where
        [ticket] = world.tickets()
        assert len(world.ticket(ticket["number"])["actions"]) == 1, where
        assert len(world.emulator.messages(SUPPORT, "Processed")) == 1, where
        assert world.get("/health")["issues"] == [], where


def _assert_watched_once(world: World, where: str) -> None:
    world.host.run_timer("reconcile_subscriptions")
    [theirs] = world.emulator.subscriptions()
    [ours] = world.get("/subscriptions")["items"]
    assert (ours["subscription_id"], ours["state"]) == (theirs.id, "active"), where
    world.emulator.deliver(SUPPORT, mail("Heard"))
    world.settle()
    assert len(world.tickets()) == 1, where
    assert world.get("/health")["issues"] == [], where


def _without_subscription(world: World) -> None:
    _with_mailbox(world)
    [subscription] = world.emulator.subscriptions()
    world.emulator.remove_subscription(subscription.id, silently=True)


def _care(world: World) -> None:
    [mailbox] = world.get("/mailboxes")["items"]
    world.rt.queues.put(CareForSubscription(mailbox_id=mailbox["mailbox_id"], cause="lifecycle"))
    world.settle()


def _reconcile(world: World) -> None:
    world.host.run_timer("reconcile_subscriptions")


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_care_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _without_subscription, _care, shard):
        _assert_watched_once(world, where)


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_reconciliation_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _without_subscription, _reconcile, shard):
        _assert_watched_once(world, where)


def _before_the_end(world: World) -> None:
    _with_mailbox(world)
    world.advance(6 * 86_400)


@pytest.mark.requirement("OPS-1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_renewal_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _before_the_end, _reconcile, shard):
        _assert_watched_once(world, where)
        assert world.emulator.subscriptions()[0].expires > world.emulator.clock.now().replace(microsecond=0), where


def _with_tenant_alone(world: World) -> None:
    world.connect()
    world.emulator.add_mailbox(TENANT, SUPPORT, kind="shared")


def _set_up(world: World) -> None:
    world.api("POST", "/mailboxes", {"connection_id": "contoso", "address": SUPPORT})
    world.settle()


@pytest.mark.requirement("MAIL-1", "OPS-1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_setting_up_a_mailbox_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _with_tenant_alone, _set_up, shard):
        _set_up(world)  # the administrator got no answer, and tries again
        assert len(world.get("/mailboxes")["items"]) == 1, where
        _assert_watched_once(world, where)


def _switched_off(world: World) -> None:
    _with_mailbox(world)
    [mailbox] = world.get("/mailboxes")["items"]
    world.api("PATCH", f"/mailboxes/{mailbox['mailbox_id']}", {"enabled": False})
    world.settle()
    assert world.emulator.subscriptions() == []


def _switch_on(world: World) -> None:
    [mailbox] = world.get("/mailboxes")["items"]
    world.api("PATCH", f"/mailboxes/{mailbox['mailbox_id']}", {"enabled": True})
    world.settle()


@pytest.mark.requirement("MAIL-1", "OPS-1")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_switching_a_mailbox_on_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    for where, world in iter_survivors(azurite, host, _switched_off, _switch_on, shard):
        _switch_on(world)
        _assert_watched_once(world, where)
