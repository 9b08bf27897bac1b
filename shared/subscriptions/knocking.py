"""Turning a hail of notifications into few rounds.

The first knock at a mailbox goes on the queue at once. Those that follow within a second share one more, which becomes
visible at the end of that second: whatever was notified before then is in the mailbox when its round begins. So a burst
costs two rounds a mailbox, and a single mail is not delayed. Two designs were weighed; the other one, a table row that
remembers the last knock, costs the webhook a read and a write, which is more than the round that it saves.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from shared.clock import to_text
from shared.work import SyncMailbox, Work

if TYPE_CHECKING:
    from shared.runtime import Runtime

WINDOW = 1.0
"""Seconds; the queue's visibility delay is in whole ones."""
_MARGIN = 0.2
"""A notice that comes so shortly before the shared knock becomes visible gets a knock of its own."""
_MOST_REMEMBERED = 10_000


class Knocker:
    """What this process put on the queue lately. ``refused``: notifications that were not genuine, since it started."""

    def __init__(self) -> None:
        self.refused = 0
        self.put_count = 0
        self.spared = 0
        self._lock = Lock()
        self._visible_at: dict[str, float] = {}

    def put(self, rt: Runtime, work: Work) -> None:
        """Put work on its queue, unless a knock at the same mailbox is still to become visible."""
        if not isinstance(work, SyncMailbox):
            rt.queues.put(work)
            return
        now = rt.clock.steady()
        with self._lock:
            delay, visible_at = self._plan(now, self._visible_at.get(work.mailbox_id, float("-inf")))
            if delay is None:
                self.spared += 1
                return
            self._remember(work.mailbox_id, visible_at)
            self.put_count += 1
        if delay:  # it stands for all that is noticed until it becomes visible: no round that begins before covers it
            work = work.model_copy(update={"noticed_at": to_text(rt.clock.now() + timedelta(seconds=delay))})
        try:
            rt.queues.put(work, delay)
        except BaseException:
            with self._lock:
                self._visible_at.pop(work.mailbox_id, None)
            raise

    @staticmethod
    def _plan(now: float, visible_at: float) -> tuple[float | None, float]:
        """Seconds to hide the knock (None: no knock is needed), and when it becomes visible."""
        if now < visible_at - _MARGIN:
            return None, visible_at
        if now < visible_at + WINDOW:
            return WINDOW, now + WINDOW
        return 0, now

    def _remember(self, mailbox_id: str, visible_at: float) -> None:
        if len(self._visible_at) >= _MOST_REMEMBERED:
            self._visible_at.clear()
        self._visible_at[mailbox_id] = visible_at


def knocker(rt: Runtime) -> Knocker:
    """The one knocker of this process."""
    found: Knocker = rt.memory.setdefault("subscriptions.knocker", Knocker())
    return found
