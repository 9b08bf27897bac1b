"""How long a piece of work waits for Graph in all, however many of its threads do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import tally
from shared.clock import Clock
from shared.graph import patience
from shared.graph.limits import LONGEST_PAUSE, LONGEST_PAUSES


@pytest.mark.requirement("OPS-2")
def test_what_threads_wait_for_together_counts_once() -> None:
    with tally.told(Clock(), "test"), ThreadPoolExecutor(4) as pool:
        for moment in (100.0, 100.0, 101.0, 104.0):
            pool.submit(tally.carried(patience.spend), moment, LONGEST_PAUSE).result()
        patience.spend(200.0, LONGEST_PAUSE)
        assert patience.allows(300.0, LONGEST_PAUSE), "nine seconds and five, and not twenty-five"
        patience.spend(300.0, LONGEST_PAUSE)
        assert not patience.allows(400.0, LONGEST_PAUSE)


@pytest.mark.requirement("OPS-2")
def test_one_after_the_other_they_add_up_to_so_much_and_no_more() -> None:
    with tally.told(Clock(), "test"):
        waits = int(LONGEST_PAUSES // LONGEST_PAUSE)
        for number in range(waits):
            moment = 100.0 + 10 * number
            assert patience.allows(moment, LONGEST_PAUSE)
            patience.spend(moment, LONGEST_PAUSE)
        assert not patience.allows(1000.0, 0.5)
    with tally.told(Clock(), "test"):
        assert patience.allows(1000.0, LONGEST_PAUSE), "another piece of work"


@pytest.mark.requirement("OPS-2")
def test_what_is_waited_for_anyway_is_allowed_when_nothing_is_left() -> None:
    with tally.told(Clock(), "test"):
        for number in range(4):
            patience.spend(100.0 + number * LONGEST_PAUSE, LONGEST_PAUSE)
        assert patience.allows(118.0, 2.0)
        assert not patience.allows(118.0, 2.1)


@pytest.mark.requirement("OPS-2")
@pytest.mark.parametrize("at_work", [True, False])
def test_a_single_pause_has_its_limit_always(at_work: bool) -> None:
    def allowed() -> tuple[bool, bool]:
        return patience.allows(100.0, LONGEST_PAUSE), patience.allows(100.0, LONGEST_PAUSE + 0.1)

    if at_work:
        with tally.told(Clock(), "test"):
            assert allowed() == (True, False)
    else:
        patience.spend(100.0, 1000.0)
        assert allowed() == (True, False)
