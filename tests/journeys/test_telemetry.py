"""Telemetry: one line a piece of work, a name from the notification to the ticket, figures that tell the truth."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from dev.graph import Fault
from tests.api.identities import BY_TOKEN, PERSON, signed_in
from tests.world import CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail


class Exporter(logging.Handler):
    """Catches what the app tells, as Application Insights would."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))  # as Microsoft's worker does it, any trace behind the line

    def told(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Lines of an event that have these fields."""
        named = (line for line in self.lines if line["event"] == event)
        return [line for line in named if all(line.get(name) == value for name, value in fields.items())]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    found, logger = Exporter(), logging.getLogger("deskbridge")
    logger.addHandler(found)
    before = logger.level
    logger.setLevel(logging.INFO)
    yield found
    logger.setLevel(before)
    logger.removeHandler(found)


@pytest.mark.requirement("OPS-8")
def test_one_name_leads_from_the_notification_to_the_ticket(world: World, exporter: Exporter) -> None:
    world.connect()
    world.add_mailbox()
    world.settle()
    exporter.lines.clear()
    world.emulator.deliver(SUPPORT, mail("First"))
    world.settle()
    (received,) = exporter.told("webhook.received")
    (done,) = exporter.told("work.done", operation="SyncMailbox")
    assert received["trace"] == done["trace"]
    assert done["tickets"] == [each["number"] for each in world.tickets()]
    assert done["outcome"] == "done"
    world.advance(5)
    world.emulator.deliver(SUPPORT, mail("Second"))
    world.settle()
    assert len({line["trace"] for line in exporter.told("work.done", operation="SyncMailbox")}) == 2


@pytest.mark.requirement("OPS-8")
def test_what_is_counted_is_what_was_sent(world: World, exporter: Exporter) -> None:
    world.connect()
    world.add_mailbox()
    world.emulator.deliver(SUPPORT, mail("What is made at first is made"))
    world.settle()
    world.advance(5)
    world.emulator.deliver(SUPPORT, mail("Counted"))
    world.emulator.settle()
    exporter.lines.clear()
    world.meter.start()
    world.settle()
    sent = [call.split(" ")[0] for call in world.meter.calls]
    (done,) = exporter.told("work.done", operation="SyncMailbox")
    assert done["graph_requests"] == sent.count("graph")
    assert done["storage_requests"] == len(sent) - sent.count("graph")
    assert (done["mails"], done["mails_ticket"]) == (1, 1)
    assert done["seconds"] >= 0


@pytest.mark.requirement("OPS-8", "OPS-5")
def test_every_figure_moves(world: World, exporter: Exporter) -> None:
    world.connect()
    mailbox = world.add_mailbox()
    world.settle()
    before = world.get("/health")
    world.emulator.deliver(SUPPORT, mail("Throttled"))
    world.emulator.faults.add(Fault("throttle", times=1, path="/messages/", retry_after=1))
    world.emulator.deliver(SUPPORT, b"\xff broken")
    world.scan()
    after = world.get("/health")
    for name in ("mails", "mails_ticket", "graph_requests", "graph_throttled", "storage_requests"):
        assert after["process"][name] > before["process"].get(name, 0), name
    assert {each["queue"] for each in after["queues"]} >= {"mailbox-sync", "directory-sync"}
    world.advance(45 * 60)
    world.host.run_timer("scan_mailboxes")
    world.advance(60)
    exporter.lines.clear()
    world.host.run_timer("report_figures")
    (queue,) = exporter.told("queue.figures", queue="mailbox-sync")
    assert queue["length"] >= 1
    assert queue["oldest"] >= 60
    (figures,) = exporter.told("mailbox.figures", mailbox_id=mailbox)
    assert figures["lag"] > 45 * 60
    assert figures["taken"] >= 1
    assert exporter.told("mailbox.late", mailbox_id=mailbox)


@pytest.mark.requirement("OPS-8")
def test_nothing_secret_or_personal_is_told(world: World, exporter: Exporter) -> None:
    world.connect()
    world.add_mailbox()
    world.emulator.deliver(SUPPORT, mail("My salary", sender="Grace Hopper <grace@example.com>", text="Between us"))
    world.settle()
    world.scan()
    world.host.run_timer("report_figures")
    told = json.dumps(exporter.lines)
    assert exporter.told("work.done")
    for private in ("salary", "Grace", "grace@example.com", "Between us", *world.meter.lookout.secrets):
        assert private not in told, private


@pytest.mark.requirement("OPS-8", "OPS-6")
def test_who_asks_for_more_than_their_role_is_told_by_id_alone(world: World, exporter: Exporter) -> None:
    world.start(**BY_TOKEN)
    assert world.api("POST", "/connections", {}, sign_in=signed_in(world, "Deskbridge.Reader")).status == 403
    (line,) = exporter.told("api.role_too_low")
    assert line["who"] == PERSON
    told = json.dumps(exporter.lines)
    assert not [each for each in ("Grace", "grace@contoso.com") if each in told]


@pytest.mark.requirement("OPS-8", "OPS-6")
def test_who_changed_what_is_told_by_ids_alone(world: World, exporter: Exporter) -> None:
    world.start(**BY_TOKEN)
    admin = signed_in(world, "Deskbridge.Admin")
    new = {"name": "Desk", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET, "method": "agents"}
    assert world.api("POST", "/connections", {**new, "cloud": "global"}, sign_in=admin).status == 201
    assert world.api("POST", "/connections/desk/agents/ada@contoso.com/sign-in", sign_in=admin).status == 200
    made, begun = exporter.told("api.changed")
    assert (made["who"], made["target"], begun["who"], begun["what"]) == (PERSON, "desk", PERSON, "agent.sign_in_begun")
    entries = {each["key"]: each for each in world.api("GET", "/audit", sign_in=admin).json()["items"]}
    assert entries[begun["record"]]["target"] == "desk/ada@contoso.com"
    told = json.dumps(exporter.lines)
    assert not [each for each in ("Grace", "grace@contoso.com", "ada@contoso.com") if each in told]


@pytest.mark.requirement("OPS-8")
def test_every_timer_tells_what_it_took(world: World, exporter: Exporter) -> None:
    timers = {name for name, function in world.host.functions.items() if function.kind == "timerTrigger"}
    for name in timers:
        world.host.run_timer(name)
    assert {line["operation"] for line in exporter.told("work.done")} == timers
