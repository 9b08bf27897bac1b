"""What a mail, a scan and each timer take, measured: the numbers that docs/costs.md reckons with."""

from __future__ import annotations

import pytest

from dev import cost_page
from dev.cost_page import HOST_QUEUE, MAIL, SCAN, TIMERS, Take
from tests.world import SUPPORT, TENANT, World, mail

SALES = "sales@contoso.com"


class Measured:
    """The requests that the app sends meanwhile."""

    def __init__(self, world: World) -> None:
        world.meter.start()
        self._calls = world.meter.calls

    def take(self, executions: int, messages: int) -> Take:
        """What it came to; the host's own requests for so many messages are added."""
        graph = sum(call.startswith("graph ") for call in self._calls)
        return Take(executions, len(self._calls) - graph + messages * HOST_QUEUE, graph)


@pytest.fixture
def desk(world: World) -> World:
    """A desk that has taken a mail in a while ago; the scan has come round since, and its sender is forgotten."""
    world.connect()
    world.add_mailbox()
    world.emulator.deliver(SUPPORT, mail("What is made at first is made"))
    world.settle()
    world.advance(900)
    world.scan()
    world.advance(200)
    return world


@pytest.mark.requirement("OPS-8")
def test_a_mail(desk: World) -> None:
    measured = Measured(desk)
    desk.emulator.deliver(SUPPORT, mail("Another one"))
    desk.settle()
    assert measured.take(2, 1) == MAIL


@pytest.mark.requirement("OPS-8")
def test_a_scan_of_a_quiet_mailbox_and_the_timers(desk: World) -> None:
    timers = {name for name, function in desk.host.functions.items() if function.kind == "timerTrigger"}
    assert timers == set(TIMERS)
    for name in TIMERS:  # their tables are made
        desk.host.run_timer(name)
    desk.settle()
    for name, (_, requests, _) in TIMERS.items():
        desk.advance(120)
        measured = Measured(desk)
        desk.host.run_timer(name)
        by_itself = measured.take(1, 0).storage
        if name == "scan_mailboxes":
            desk.settle()
            whole = measured.take(1, 1)
            assert Take(whole.executions, whole.storage - requests, whole.graph) == SCAN
            by_itself -= 1  # the knock is the scan's
        assert by_itself == requests, name


@pytest.mark.requirement("OPS-8")
def test_what_a_further_mailbox_adds_to_the_timers(desk: World) -> None:
    desk.emulator.add_mailbox(TENANT, SALES, "Sales", "shared")
    desk.add_mailbox(SALES)
    desk.settle()
    for name in TIMERS:
        desk.host.run_timer(name)
    desk.settle()
    for name, (_, requests, more) in TIMERS.items():
        desk.advance(120)
        measured = Measured(desk)
        desk.host.run_timer(name)
        by_itself = measured.take(1, 0).storage - (2 if name == "scan_mailboxes" else 0)  # the knocks are the scans'
        assert by_itself == requests + more, name
        desk.settle()


def test_the_page_is_made_of_these() -> None:
    assert cost_page.PAGE.read_text(encoding="utf-8") == cost_page.page()
