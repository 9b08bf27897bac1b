"""How things stand, told regularly in log lines: how far behind each mailbox is, how long the oldest work waits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from shared import log, side_by_side
from shared.clock import from_text
from shared.mail import mailboxes
from shared.mail.mailboxes import Mailbox
from shared.mail.state import State
from shared.runtime import Runtime
from shared.work import KINDS

LATE = timedelta(minutes=30)
"""A mailbox that was not read for so long is told of as an error; Azure Monitor listens for it."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """``length``: messages, hidden ones included; ``oldest``: seconds since the oldest visible one was put."""

    queue: str
    length: int
    oldest: float


def of_queues(rt: Runtime) -> list[QueueFigures]:
    """Every queue of ours, two requests each."""
    return side_by_side.each(partial(_of_queue, rt, rt.clock.now()), sorted(KINDS))


def _of_queue(rt: Runtime, now: datetime, queue: str) -> QueueFigures:
    return QueueFigures(queue, rt.queues.length(queue), _age(rt.queues.find_oldest(queue), now))


def report(rt: Runtime) -> None:
    """One line a queue and a mailbox."""
    for figures in of_queues(rt):
        log.info("queue.figures", **asdict(figures))
    now, ids = rt.clock.now(), [each.mailbox_id for each in mailboxes.list_all(rt)]
    for mailbox, state in side_by_side.each(partial(mailboxes.get_head, rt), ids):
        if mailbox.enabled:
            _report_mailbox(mailbox, state, now)


def _report_mailbox(mailbox: Mailbox, state: State, now: datetime) -> None:
    lag = now - from_text(state.last_success_at or mailbox.created_at)
    told = {"taken": state.taken, "quarantined": state.quarantined, "resyncs": state.resyncs}
    log.info("mailbox.figures", mailbox_id=mailbox.mailbox_id, lag=round(lag.total_seconds()), **told)
    if lag > LATE:
        log.error("mailbox.late", mailbox_id=mailbox.mailbox_id, lag=round(lag.total_seconds()), reason=state.failure)


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, round((now - moment).total_seconds(), 1)) if moment else 0.0
