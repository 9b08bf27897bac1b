"""Single mails at an idle desk, told by webhook: how long from arrival to ticket, and what one costs."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.access_log import work_only
from bench.corpus import Sample
from bench.stack import Stack
from shared.desk import PARTITION, TABLE
from shared.desk.message_ids import message_key
from shared.mail.mailboxes import Mailbox

LOOK_EVERY = 0.01
SHORTEST_GAP, LONGEST_GAP = 1.1, 1.6
"""Seconds; knocks that come closer than one second are joined, and the desk would not be idle."""
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class IdleFigures:
    """Seconds from each mail's arrival to its ticket, in order of size; requests and attachments of them all."""

    seconds: list[float]
    graph: Counter[str]
    storage: Counter[str]
    files: int

    def percentile(self, percent: int) -> float:
        """The time that so many of a hundred mails stayed below."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def measure_idle(samples: Sequence[Sample]) -> IdleFigures:
    """Deliver one mail after the other, each after the one before has its ticket and a moment has passed.

    Requests are counted first, with nobody looking on; then times are taken, by looking for the ticket again and again.
    """
    chance = random.Random(1)  # noqa: S311 - spreads the mails over the host's looks at its queue, guards nothing
    counted, timed = samples[_WARM_UP : len(samples) // 4], samples[len(samples) // 4 :]
    with Stack(logged=True) as stack:
        [mailbox] = stack.add_mailboxes(1, "webhook")
        for sample in samples[:_WARM_UP]:
            _deliver(stack, mailbox, sample)
            time.sleep(2)
        graph, log = Counter(stack.emulator.statistics.by_template), stack.storage_log
        for sample in counted:
            _deliver(stack, mailbox, sample)
            time.sleep(2)
        storage, graph = log.requests(), Counter(stack.emulator.statistics.by_template) - graph
        seconds = []
        for sample in timed:
            seconds.append(_deliver_and_watch(stack, mailbox, sample))
            time.sleep(chance.uniform(SHORTEST_GAP, LONGEST_GAP))
        files = sum(len(sample.files) for sample in counted)
        return IdleFigures(sorted(seconds), graph, work_only(storage), files)


def _deliver(stack: Stack, mailbox: Mailbox, sample: Sample) -> None:
    stack.emulator.deliver(mailbox.address, sample.raw)


def _deliver_and_watch(stack: Stack, mailbox: Mailbox, sample: Sample) -> float:
    started, key = time.perf_counter(), message_key(sample.message_id)
    _deliver(stack, mailbox, sample)
    stack.wait_for(
        lambda: stack.rt.tables[TABLE].find(PARTITION, key) is not None, "a ticket", timeout=60, every=LOOK_EVERY
    )
    return time.perf_counter() - started
