"""What is made of our subscriptions and Graph's list: one for each watched mailbox, alive, and no other."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from dev.graph import Fault
from shared.clock import from_text
from shared.connections.safekeeping import Credential
from shared.connections.store import change_credential, graph_client
from shared.errors import Misconfigured
from shared.graph import subscriptions as graph
from shared.graph.errors import SignInFailed
from shared.graph.limits import SUBSCRIPTION_LIFETIME
from shared.mail import watching
from shared.subscriptions import client_state, renewal, store
from shared.subscriptions.renewal import Watch
from shared.subscriptions.store import Subscription
from shared.upkeep.key_rotation import rotate
from tests.kill import kill_after
from tests.world import SECRET_KEY, SUPPORT, World

HOUR = 3600
URL = "https://desk.contoso.com/graph/notifications"


@pytest.fixture
def watch(world: World) -> Watch:
    world.connect()
    mailbox_id = world.add_mailbox()
    world.settle()
    return Watch("contoso", mailbox_id, f"users/{SUPPORT}/mailFolders('inbox')/messages")


def stored(world: World, watch: Watch) -> Subscription:
    found = store.find(world.rt, watch.connection_id, watch.mailbox_id)
    assert found is not None
    return found


@pytest.mark.requirement("OPS-1")
def test_what_graph_granted_is_stored_and_nothing_is_computed(world: World, watch: Watch) -> None:
    [theirs] = world.emulator.subscriptions()
    ours = stored(world, watch)
    assert (ours.subscription_id, ours.state, ours.recreated) == (theirs.id, "active", 0)
    assert abs(from_text(ours.expires_at) - theirs.expires) < timedelta(seconds=1)
    assert from_text(ours.expires_at) - world.clock.now() > SUBSCRIPTION_LIFETIME - timedelta(hours=1)
    assert ours.created_at == ours.renewed_at != ""


@pytest.mark.requirement("OPS-1")
def test_a_subscription_is_renewed_when_two_days_are_left_and_not_before(world: World, watch: Watch) -> None:
    before = stored(world, watch)
    world.advance(4 * 24 * HOUR)
    renewal.reconcile(world.rt, "contoso", [watch])
    assert stored(world, watch) == before
    world.advance(2 * 24 * HOUR)
    renewal.reconcile(world.rt, "contoso", [watch])
    after = stored(world, watch)
    assert after.subscription_id == before.subscription_id
    assert after.expires_at > before.expires_at
    assert after.renewed_at > before.renewed_at
    assert after.created_at == before.created_at


@pytest.mark.requirement("OPS-1")
def test_connections_of_one_app_registration_leave_each_other_their_subscriptions(world: World, watch: Watch) -> None:
    other = world.connect()
    assert other != watch.connection_id
    renewal.reconcile(world.rt, other, [])
    assert [each.id for each in world.emulator.subscriptions()] == [stored(world, watch).subscription_id]


@pytest.mark.requirement("OPS-1")
def test_a_creation_that_died_behind_the_request_is_found_again(world: World, watch: Watch) -> None:
    before = stored(world, watch)
    store.save(world.rt, Subscription("contoso", watch.mailbox_id, watch.resource))
    renewal.ensure(world.rt, watch)
    assert stored(world, watch).subscription_id == before.subscription_id
    assert len(world.emulator.subscriptions()) == 1


@pytest.mark.requirement("OPS-1")
def test_a_double_is_removed_and_the_one_we_know_stays(world: World, watch: Watch) -> None:
    world.emulator.remove_subscription(stored(world, watch).subscription_id, silently=True)
    graph.create(
        graph_client(world.rt, "contoso"),
        resource=watch.resource,
        notification_url=URL,
        lifecycle_url=URL.replace("notifications", "lifecycle"),
        client_state=client_state.make(world.rt.keys, watch.mailbox_id),
        now=world.clock.now(),
    )
    renewal.ensure(world.rt, watch)
    renewal.reconcile(world.rt, "contoso", [watch])
    [left] = world.emulator.subscriptions()
    assert stored(world, watch).subscription_id == left.id
    assert stored(world, watch).recreated == 1


@pytest.mark.requirement("OPS-1")
def test_a_mailbox_that_is_watched_no_longer_loses_its_subscription(world: World, watch: Watch) -> None:
    renewal.reconcile(world.rt, "contoso", [])
    assert world.emulator.subscriptions() == []
    assert store.find(world.rt, "contoso", watch.mailbox_id) is None


@pytest.mark.requirement("OPS-1")
def test_ending_twice_is_harmless(world: World, watch: Watch) -> None:
    for _ in range(2):
        renewal.end(world.rt, "contoso", watch.mailbox_id)
    assert world.emulator.subscriptions() == []


@pytest.mark.requirement("OPS-1")
def test_a_refusal_is_noted_with_its_cure_and_the_next_mailbox_goes_on(world: World, watch: Watch) -> None:
    other = world.add_mailbox("sales@contoso.com")
    world.settle()
    for each in world.emulator.subscriptions():
        world.emulator.remove_subscription(each.id, silently=True)
    world.emulator.faults.add(Fault(kind="refuse", path="/subscriptions$", method="POST", times=1, status=403))
    watching.reconcile_all(world.rt)
    states = {each.mailbox_id: each for each in store.list_of(world.rt, "contoso")}
    assert sorted(each.state for each in states.values()) == ["active", "creating"]
    failed = next(each for each in states.values() if each.state == "creating")
    assert "403" in failed.failure
    assert failed.failure_cure
    assert {failed.mailbox_id} < {watch.mailbox_id, other}
    watching.reconcile_all(world.rt)
    assert len(world.emulator.subscriptions()) == 2


@pytest.mark.requirement("OPS-1", "CONN-1")
def test_a_lost_sign_in_is_noted_and_raised(world: World, watch: Watch) -> None:
    change_credential(world.rt, "contoso", Credential("secret", "wrong-secret-value"))
    with pytest.raises(SignInFailed):
        renewal.ensure(world.rt, watch)
    ours = stored(world, watch)
    assert ours.state == "failed"
    assert "AADSTS7000215" in ours.failure
    assert "wrong-secret-value" not in ours.failure + ours.failure_cure


@pytest.mark.requirement("OPS-1", "CONN-1")
def test_one_connection_that_cannot_be_used_does_not_stop_the_others(world: World, watch: Watch) -> None:
    row = world.rt.tables["Connections"].find("connections", "contoso")
    assert row is not None
    row.key = row.values["connection_id"] = "broken"  # sealed for another connection: it cannot be opened
    world.rt.tables["Connections"].insert(row)
    with pytest.raises(Misconfigured):
        renewal.reconcile(world.rt, "broken", [])
    world.emulator.remove_subscription(stored(world, watch).subscription_id, silently=True)
    watching.reconcile_all(world.rt)
    assert len(world.emulator.subscriptions()) == 1


@pytest.mark.requirement("CONN-3", "OPS-1")
@pytest.mark.parametrize("dies_after", [None, 1, 2, 3, 4, 5, 6])
def test_a_subscription_that_another_key_signed_is_made_anew_once_wherever_the_app_dies(
    world: World, watch: Watch, dies_after: int | None
) -> None:
    [before] = world.emulator.subscriptions()
    key = base64.b64encode(b"n" * 32).decode()
    world.start(SECRET_KEY=key, FORMER_SECRET_KEY=SECRET_KEY)
    rotate(world.rt)
    if dies_after:
        kill_after(world, dies_after, lambda started: renewal.reconcile(started.rt, "contoso", [watch]))
    for _ in range(2):
        world.start(SECRET_KEY=key)
        renewal.reconcile(world.rt, "contoso", [watch])
    [after] = world.emulator.subscriptions()
    assert before.id != after.id == stored(world, watch).subscription_id
    assert after.client_state == client_state.make(world.rt.keys, watch.mailbox_id)
    assert stored(world, watch).key_id == world.rt.keys.key_id
