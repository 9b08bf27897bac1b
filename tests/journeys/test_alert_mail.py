"""Alerts by mail: through a connection that is not in trouble, once, whatever happens on the way."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from dev.host import Host
from shared.connections import alerts
from tests import kill
from tests.kill import steps_of
from tests.world import CLIENT, CLIENT_SECRET, TENANT, World

SENDER_APP = "77777777-7777-4777-8777-777777777777"
SENDER, OPS, BOSS = "alerts@contoso.com", "ops@contoso.com", "boss@contoso.com"
MAILED = {"ALERT_MAIL_TO": f"{OPS}, {BOSS}", "ALERT_MAIL_FROM": f"mailer/{SENDER}"}
NOBODY = "https://nobody.example/hook"
"""No part of the emulator: a webhook that does not answer."""


def set_up(world: World) -> None:
    """A connection that will lose its sign-in, and another one, of another app, that sends alerts.

    It is morning: a sign-in that is lost in the evening is rightly told of again after midnight.
    """
    world.sleep_until_morning()
    for address in (SENDER, OPS, BOSS):
        world.emulator.add_mailbox(TENANT, address)
    world.emulator.add_app(TENANT, SENDER_APP, CLIENT_SECRET)
    world.start(**MAILED)
    world.connect()
    mailer = {"name": "Mailer", "tenant_id": TENANT, "client_id": SENDER_APP, "client_secret": CLIENT_SECRET}
    assert world.api("POST", "/connections", mailer).status == 201
    world.add_mailbox(method="scan")
    world.settle()  # else its first round and the scan's get into each other's way, and one comes back seconds later
    world.scan()


@pytest.fixture
def desk(world: World) -> World:
    set_up(world)
    return world


def lose(world: World, client: str = CLIENT) -> None:
    """Somebody removes the secret of an app."""
    world.emulator.add_app(TENANT, client, "nobody-knows-this-secret")
    world.emulator.expire_tokens()
    world.host.run_timer("scan_mailboxes")
    world.settle()


def later(world: World, hours: int = 1) -> None:
    for _ in range(hours):
        world.host.make_visible()
        world.advance(3600)
        world.host.run_timer("watch_connections")
        world.settle()


def mailed(world: World) -> dict[str, int]:
    """How many mails each has."""
    return {name: len(world.emulator.messages(address)) for name, address in (("ops", OPS), ("boss", BOSS))}


def folders(world: World) -> tuple[int, int]:
    """How many drafts the sender has, and how many mails it sent."""
    return len(world.emulator.messages(SENDER, "drafts")), len(world.emulator.messages(SENDER, "sentitems"))


def rows(world: World) -> list[dict[str, Any]]:
    return [row.values for row in world.rt.tables[alerts.TABLE].range(alerts.PARTITION, high="~", low="0")]


def untold(world: World) -> list[Any]:
    return [each for each in world.get("/health")["issues"] if each["code"] == "alert_untold"]


@pytest.mark.requirement("CONN-9")
def test_a_lost_sign_in_is_mailed_through_another_connection(desk: World) -> None:
    lose(desk)
    assert mailed(desk) == {"ops": 1, "boss": 1}
    [message] = desk.emulator.messages(OPS)
    assert message.subject == "Deskbridge, Contoso: connection lost"
    assert "AADSTS7000215" in message.content.text
    assert desk.get("/connections/contoso")["cure"] in message.content.text
    assert ("X-Auto-Response-Suppress", "All") in message.headers.every
    later(desk, 2)
    assert (mailed(desk), folders(desk)) == ({"ops": 1, "boss": 1}, (0, 1))
    assert untold(desk) == []


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("how", ["lost", "disconnected"])
def test_a_connection_that_cannot_send_is_left_out(desk: World, how: str) -> None:
    if how == "disconnected":
        assert desk.api("POST", "/connections/mailer/disconnect").status == 200
        lose(desk)
    else:
        desk.add_mailbox("second@contoso.com", connection_id="mailer", method="scan")
        lose(desk, SENDER_APP)
    later(desk, 2)
    assert (mailed(desk), folders(desk)) == ({"ops": 0, "boss": 0}, (0, 0))
    [row] = rows(desk)
    assert row["sent_at"]
    assert row["mail_outcome"].startswith("left out")
    assert untold(desk) == []


@pytest.mark.requirement("CONN-9", "CONN-6")
def test_without_mail_send_the_alert_waits_and_health_tells_why(desk: World) -> None:
    desk.emulator.add_app(TENANT, SENDER_APP, CLIENT_SECRET, roles=("Mail.ReadWrite",))
    lose(desk)
    [issue] = untold(desk)
    assert "403" in issue["cause"]
    assert issue["cure"]
    tried = desk.api("POST", "/connections/mailer/test").json()
    assert (tried["ok"], "Mail.Send" in tried["cause"]) == (True, False), "Exchange may have granted it past the token"
    assert {
        each["permission"]: each["standing"] for each in tried["permissions"] if each["feature"] == "alert-mail"
    } == {
        "Mail.ReadWrite": "granted",
        "Mail.Send": "undecided",
    }
    assert [each["ok"] for each in tried["probes"] if each["name"] == "alert-mail"] == [True]
    desk.emulator.add_app(TENANT, SENDER_APP, CLIENT_SECRET)
    desk.emulator.expire_tokens()
    later(desk)
    assert (mailed(desk), folders(desk), untold(desk)) == ({"ops": 1, "boss": 1}, (0, 1), [])


@pytest.mark.requirement("CONN-9")
def test_a_connection_that_is_not_there_is_told(desk: World) -> None:
    desk.start(ALERT_MAIL_TO=OPS, ALERT_MAIL_FROM=f"nothing/{SENDER}")
    lose(desk)
    [issue] = untold(desk)
    assert "ALERT_MAIL_FROM" in issue["cause"]
    assert "ALERT_MAIL_FROM" in issue["cure"]


@pytest.mark.requirement("CONN-9")
def test_a_webhook_that_does_not_answer_repeats_no_mail(desk: World) -> None:
    desk.start(**MAILED, ALERT_WEBHOOK_URL=NOBODY)
    lose(desk)
    later(desk, 3)
    assert (mailed(desk), folders(desk)) == ({"ops": 1, "boss": 1}, (0, 1))
    [issue] = untold(desk)
    assert "ALERT_WEBHOOK_URL" in issue["cause"]


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("path", [r"/messages$", r"/send$", r"drafts/messages"])
@pytest.mark.parametrize("kind", ["lost_answer", "unavailable"])
def test_an_answer_that_is_lost_leaves_one_mail(desk: World, path: str, kind: Any) -> None:
    fault = desk.emulator.faults.add(Fault(kind=kind, path=path, mailbox=SENDER, times=1))
    lose(desk)
    later(desk, 2)
    assert fault.struck == 1
    assert (mailed(desk), folders(desk)) == ({"ops": 1, "boss": 1}, (0, 1))


def _send(world: World) -> None:
    lose(world)


def revive(world: World, _timer: str) -> None:
    """Start the process again, with its settings, and let the timers come round."""
    world.start(**MAILED)
    world.host.make_visible()
    world.advance(kill.LEASE_OVER)
    world.scan()
    later(world, 2)


@pytest.mark.minutes
@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("shard", range(3))
def test_an_alert_killed_at_every_step_is_mailed_once(
    azurite: Azurite, host: Host, shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill, "SHARDS", 3)
    monkeypatch.setattr(kill, "revive", revive)
    for where, world in kill.iter_survivors(azurite, host, set_up, _send, shard):
        assert world.get("/connections/contoso")["state"] == "needs_sign_in", where
        assert (mailed(world), folders(world)) == ({"ops": 1, "boss": 1}, (0, 1)), where
        assert [bool(row["sent_at"]) for row in rows(world)] == [True], where


def test_the_kill_comes_between_draft_and_mail_too(azurite: Azurite, host: Host) -> None:
    def make() -> World:
        world = World(azurite, host)
        set_up(world)
        return world

    steps = [step for step in steps_of(make, _send) if SENDER in step and "POST" in step]
    assert [step.rpartition("/")[2] for step in steps] == ["messages", "send"]
