"""A backlog worked off: how fast, at what cost, and whether rightly; then the same mailboxes from the start again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.access_log import work_only
from bench.corpus import Sample
from bench.proof import find_disorder, find_mistakes, read_desk
from bench.stack import Stack
from shared.clock import from_text
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox


@dataclass(frozen=True, slots=True)
class BacklogFigures:
    """What working off ``mails`` took. Requests are totals; ``mistakes`` is empty if the figures count."""

    mails: int
    seconds: float
    graph: Counter[str]
    storage: Counter[str]
    files: int
    peak_megabytes: float
    cpu_seconds: float
    storage_cpu_seconds: float
    mistakes: tuple[str, ...]

    @property
    def mails_per_second(self) -> float:
        """From the knock at the mailboxes to the end of the last round."""
        return self.mails / self.seconds


def measure_backlog(samples: Sequence[Sample], mailbox_count: int, *, logged: bool = False) -> BacklogFigures:
    """Work off these mails, dealt to so many mailboxes thread by thread, with an app that has warmed up.

    Storage requests are counted if ``logged``, at the price of time.
    """
    with Stack(logged=logged) as stack:
        made = stack.add_mailboxes(mailbox_count + 1, "scan")
        warm, boxes = made[-1], made[:-1]
        _warm_up(stack, warm)
        _deliver(stack, boxes, samples)
        return _work_off(stack, boxes, samples)


def _deliver(stack: Stack, boxes: Sequence[Mailbox], samples: Sequence[Sample]) -> None:
    """A mail a second, by Graph's clock: it tells arrivals to the second, and an answer comes after its question."""
    for sample in samples:
        address = boxes[sample.root % len(boxes)].address
        message = stack.emulator.message(address, stack.emulator.deliver(address, sample.raw))
        assert message.summary  # noqa: S101 - like Exchange, the emulator reads a mail when it comes, not when it is moved
        stack.emulator.clock.advance(1)


def _warm_up(stack: Stack, mailbox: Mailbox) -> None:
    """An empty round: modules are loaded, tables are made, the token is there, and no ticket."""
    stack.scan([mailbox])
    stack.wait_for(lambda: _ended_at(stack, mailbox) > 0, "the first round")
    stack.quiet()


def _work_off(stack: Stack, boxes: Sequence[Mailbox], samples: Sequence[Sample]) -> BacklogFigures:
    graph_before = Counter(stack.emulator.statistics.by_template)
    cpu_before, storage_cpu_before = stack.app.cpu_seconds, stack.storage.cpu_seconds
    log, started = stack.storage_log, time.time()
    stack.scan(boxes)
    stack.wait_for(lambda: _all_moved(stack, boxes), "the backlog's end", every=0.02)
    time.sleep(1)  # the last receipts; nothing of it is in the figures, which end with the rounds' own times
    storage = log.requests()
    cpu, storage_cpu = stack.app.cpu_seconds - cpu_before, stack.storage.cpu_seconds - storage_cpu_before
    graph = Counter(stack.emulator.statistics.by_template) - graph_before
    ended, peak = max(_ended_at(stack, box) for box in boxes), stack.app.peak_megabytes
    mistakes = [*_proof(stack, boxes, samples), *_replay(stack, boxes, samples)]
    files = sum(len(sample.files) for sample in samples)
    return BacklogFigures(
        len(samples), ended - started, graph, work_only(storage), files, peak, cpu, storage_cpu, tuple(mistakes)
    )


def _replay(stack: Stack, boxes: Sequence[Mailbox], samples: Sequence[Sample]) -> list[str]:
    """Everything back into the inbox, every cursor too old, each mailbox listed anew: nothing may be added."""
    for box in boxes:
        for message in stack.emulator.messages(box.address, "Processed"):
            stack.emulator.move(box.address, message.immutable_id, "inbox")
    stack.emulator.expire_delta()
    before = {box.mailbox_id: _ended_at(stack, box) for box in boxes}
    stack.scan(boxes)
    stack.wait_for(lambda: all(_ended_at(stack, box) > before[box.mailbox_id] for box in boxes), "the replay's end")
    resyncs = sum(mailboxes.get_head(stack.rt, box.mailbox_id)[1].resyncs for box in boxes)
    listed = [] if resyncs == len(boxes) else [f"{resyncs} of {len(boxes)} mailboxes were listed anew"]
    return [*listed, *(f"after the replay: {each}" for each in _proof(stack, boxes, samples))]


def _proof(stack: Stack, boxes: Sequence[Mailbox], samples: Sequence[Sample]) -> list[str]:
    disorder = find_disorder(stack.rt, [box.mailbox_id for box in boxes])
    return [*find_mistakes(read_desk(stack.rt), samples), *disorder]


def _all_moved(stack: Stack, boxes: Sequence[Mailbox]) -> bool:
    found = (stack.emulator.gateway.world.mailbox_at(box.address).folder("inbox").messages for box in boxes)
    return not any(found)


def _ended_at(stack: Stack, mailbox: Mailbox) -> float:
    """When the last good round over a mailbox ended, in seconds of the epoch; 0 before the first."""
    _, state = mailboxes.get_head(stack.rt, mailbox.mailbox_id)
    return from_text(state.last_success_at).timestamp() if state.last_success_at else 0.0
