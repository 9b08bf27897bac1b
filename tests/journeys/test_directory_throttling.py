"""A Graph that is busy while a directory is read: told in seconds, by a date, or not at all, and item by item."""

from __future__ import annotations

from collections import defaultdict

import pytest

from dev.graph import Fault
from shared import tally
from shared.directory import runs
from shared.directory.runs import Run
from shared.graph import directory
from shared.graph.limits import BATCH_SIZE, LONGEST_PAUSES
from tests.companies import Company, open_company
from tests.world import World

RetryAfter = int | None | str


@pytest.fixture
def company(world: World) -> Company:
    """Twenty-two people who came in."""
    made = open_company(world, leaving="deleted")
    for number in range(BATCH_SIZE + 2):
        made.hire(f"clerk{number:02}")
    made.run()
    return made


def run_to_its_end(company: Company) -> Run:
    """Wake the run up whenever Graph may have room again."""
    company.world.advance(3600)
    for _ in range(30):
        company.wake()
        if not runs.get_head(company.world.rt, company.connection_id).state.run:
            return company.last_run()
        company.world.advance(31)
        company.world.host.make_visible()
    raise AssertionError("the run does not end")


def gone_for_good(company: Company) -> None:
    """Twenty people go of whom Graph tells nothing: all of them are asked for in the bin, in one batch."""
    for number in range(BATCH_SIZE):
        entry = company.tenant.delete(f"clerk{number:02}@contoso.com")
        company.tenant.purge(entry.id)
    company.keep(leaving="deleted", reset="clear")


def overheard(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[object, float]:
    """How many seconds each piece of work sleeps: the time passes, and nobody waits for it."""
    slept: defaultdict[object, float] = defaultdict(float)

    def pause(seconds: float) -> None:
        slept[tally._current.get()] += seconds
        world.advance(seconds)

    monkeypatch.setattr(world.clock, "pause", pause)
    return slept


@pytest.mark.requirement("DIR-1", "DIR-8")
@pytest.mark.parametrize("retry_after", [1, 25, None, "date"])
def test_s15_seven_of_twenty_items_of_a_batch_are_throttled(company: Company, retry_after: RetryAfter) -> None:
    gone_for_good(company)
    throttled = Fault(kind="throttle", path="deletedItems", times=7, retry_after=retry_after)  # type: ignore[arg-type]  # one of those
    company.world.emulator.faults.add(throttled)
    company.world.meter.start()
    run = run_to_its_end(company)
    assert throttled.struck == 7
    assert (run.status, run.removals) == ("held", {"deactivation": BATCH_SIZE})
    assert {str(each.reason) for each in company.entries(run).values()} == {"missing"}
    batches = sum(call == "graph POST /v1.0/$batch" for call in company.world.meter.calls)
    assert batches == 2, "the seven are asked for again, or, after a longer wait, all of them"


@pytest.mark.requirement("DIR-1")
@pytest.mark.parametrize("retry_after", [5, 25, None, "date"])
@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_s15_no_function_sleeps_long_however_often_graph_is_busy(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, retry_after: RetryAfter
) -> None:
    slept = overheard(world, monkeypatch)
    company = open_company(world)
    members = [company.hire(f"clerk{number:03}") for number in range(9)]
    for number in range(12):
        company.tenant.add_group(f"Group {number:02}", members)
    company.keep(sync_method="all")
    monkeypatch.setattr(directory, "_WHOLE_PAGES", "odata.maxpagesize=1")
    busy = {"probability": 0.6, "seed": 3, "retry_after": retry_after}
    fault = world.emulator.faults.add(Fault(kind=kind, path="/delta", times=25, **busy))  # type: ignore[arg-type]  # as above
    run = run_to_its_end(company)
    assert (run.status, run.counts, fault.struck) == ("done", {"create": 9}, 25)
    told = [seconds for seconds in slept.values() if seconds]
    assert max(told, default=0) <= LONGEST_PAUSES
    is_long = retry_after == 25 or (kind, retry_after) == ("throttle", None)
    assert bool(told) is not is_long, "what is long is not slept at all, and a 429 that does not say how long it is"
