"""SECRET_KEY is changed: everything goes on, and after the rotation nothing needs the former key but old tags."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from shared.connections import safekeeping, store, tokens
from shared.storage.rows import Row
from shared.upkeep import key_rotation
from tests.connections.browser import ADA, sign_in
from tests.connections.browser import connect as connect_account
from tests.kill import kill_after
from tests.tampering import body_of, tamper_with_storage
from tests.world import CLIENT_SECRET, SECRET_KEY, SUPPORT, TENANT, World, mail


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


NEW = key(1)


def change_key(world: World) -> None:
    world.start(SECRET_KEY=NEW, FORMER_SECRET_KEY=SECRET_KEY)


def rotate(world: World) -> Any:
    answer = world.api("POST", "/keys/rotate")
    assert answer.status == 200, answer.body
    return answer.json()


def issues(world: World) -> dict[str, str]:
    return {each["code"]: each["cause"] for each in world.get("/health")["issues"]}


def works(world: World, connection_id: str) -> bool:
    return bool(world.api("POST", f"/connections/{connection_id}/test").json()["ok"])


@pytest.fixture
def desk(world: World) -> World:
    """A tenant with a mailbox that is watched, and an account that signed in."""
    world.connect()
    world.add_mailbox()
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect_account(world)
    assert sign_in(world).status == 200
    world.settle()
    return world


@pytest.mark.requirement("CONN-3")
def test_nothing_stops_while_the_key_is_changed_and_nothing_needs_the_former_one_afterwards(desk: World) -> None:
    for subject in ("First", "Second"):
        desk.emulator.deliver(SUPPORT, mail(subject))
        desk.settle()
    tag, page = desk.ticket(1)["tag"], desk.get("/tickets?limit=1")
    granted = tokens.SealedTokens(desk.rt, "desk").load()
    assert granted is not None

    change_key(desk)
    assert (works(desk, "contoso"), works(desk, "desk")) == (True, True)
    assert [each["number"] for each in desk.get(f"/tickets?limit=1&after={page['next']}")["items"]] == [1]
    desk.emulator.deliver(SUPPORT, mail(f"Re: {tag}"))  # told of by the clientState of the former key
    desk.settle()
    assert len(desk.ticket(1)["actions"]) == 2
    assert desk.ticket(1)["tag"] != tag
    assert "3 stored secrets and 1 subscriptions" in issues(desk)["former_key_needed"]

    found = rotate(desk)
    assert (found["sealed_anew"], found["sealed_before"], found["lost"]) == (3, 0, [])
    assert rotate(desk) == {**found, "sealed_anew": 0, "sealed_before": 3}
    assert "0 stored secrets and 1 subscriptions" in issues(desk)["former_key_needed"]
    desk.host.run_timer("reconcile_subscriptions")
    desk.settle()
    assert set(issues(desk)) == {"former_key_idle"}

    desk.start(SECRET_KEY=NEW)
    assert (works(desk, "contoso"), works(desk, "desk")) == (True, True)
    kept = tokens.SealedTokens(desk.rt, "desk").load()
    assert kept is not None
    assert kept.tokens.refresh_token == granted.tokens.refresh_token
    [subscription] = desk.emulator.subscriptions()
    desk.emulator.deliver(SUPPORT, mail("Told of by the clientState of the new key"))
    desk.settle()
    assert len(desk.tickets()) == 3
    assert issues(desk) == {}
    desk.host.run_timer("reconcile_subscriptions")
    assert [each.id for each in desk.emulator.subscriptions()] == [subscription.id], "it is made anew once"


@pytest.mark.requirement("CONN-3")
def test_a_rotation_that_dies_after_any_request_is_ended_by_the_next_one(desk: World) -> None:
    desk.start(SECRET_KEY=key(1), FORMER_SECRET_KEY=SECRET_KEY)
    rotate(desk)
    for step in range(1, 50):
        settings = {"SECRET_KEY": key(step + 1), "FORMER_SECRET_KEY": key(step)}
        desk.start(**settings)
        was_killed = kill_after(desk, step, lambda world: rotate(world) and None)
        desk.start(**settings)
        ended = rotate(desk)
        assert (ended["sealed_anew"] + ended["sealed_before"], ended["lost"]) == (3, []), step
        assert {each.opener for each in key_rotation.list_sealed(desk.rt)} == {"present"}, step
        if not was_killed:
            break
    assert 6 < step < 40, "each request of the rotation was its last one once"
    desk.start(SECRET_KEY=settings["SECRET_KEY"])
    assert (works(desk, "contoso"), works(desk, "desk")) == (True, True)


@pytest.mark.requirement("CONN-3")
def test_a_secret_that_is_entered_while_it_is_sealed_anew_is_not_undone(world: World) -> None:
    world.connect()
    change_key(world)
    entered: list[str] = []

    def overtaken(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if b"sealed_secret" in body_of(request) and not entered:
            entered.append(world.rt.keys.seal("entered meanwhile", context=safekeeping.context_of("contoso")))
            world.rt.tables[store.TABLE].merge(Row(store.PARTITION, "contoso", {"sealed_secret": entered[0]}))
        return carry()

    tamper_with_storage(world, overtaken)
    found = rotate(world)
    assert (found["sealed_anew"], found["lost"]) == (1, [])
    kept = store.read(world.rt, "contoso")[0].sealed_secret
    assert [kept] == entered


@pytest.mark.requirement("CONN-3")
def test_a_secret_whose_key_is_lost_is_told_and_stops_nothing_else(world: World) -> None:
    world.start(SECRET_KEY=key(9))
    assert connect_account(world, "Lost", method="application") == "lost"
    world.start()
    world.connect()
    mailbox_id = world.add_mailbox()
    world.settle()
    change_key(world)

    found = rotate(world)
    [lost] = found["lost"]
    assert (found["sealed_anew"], lost["connection_id"], lost["what"]) == (1, "lost", "secret")
    assert "FORMER_SECRET_KEY" in lost["cure"]
    told = [each for each in world.get("/health")["issues"] if each["code"] == "secret_lost"]
    assert [(each["subject"], each["severity"]) for each in told] == [("lost", "error")]
    tried = world.api("POST", "/connections/lost/test").json()
    assert (tried["ok"], "SECRET_KEY" in tried["cause"]) == (False, True)
    world.emulator.deliver(SUPPORT, mail("Still taken in"))
    world.settle()
    world.host.run_timer("reconcile_subscriptions")
    assert len(world.tickets()) == 1
    assert world.get(f"/mailboxes/{mailbox_id}")["enabled"]

    answers = json.dumps([found, told, tried, world.get("/health"), world.get("/audit")])
    for secret in (NEW, SECRET_KEY, key(9), CLIENT_SECRET):
        assert secret not in answers
    world.api("PUT", "/connections/lost/secret", {"client_secret": CLIENT_SECRET})
    assert works(world, "lost")
    assert "secret_lost" not in issues(world)
