"""Turning a hail of notifications into few rounds.

The first knock at a mailbox goes on the queue at once. Those that follow within a second share one more, which becomes
visible at the end of that second: whatever was notified before then is in the mailbox when its round begins. So a burst
costs two rounds a mailbox, and a single mail is not delayed. When many mailboxes knock within a second, all but the
first few wait for its end: then one round a mailbox is enough, and the rounds begin when the hail is over. Why this is
remembered in memory: docs/decisions/0003.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.clock import to_text
from shared.work import SyncMailbox, Work

if TYPE_CHECKING:
    from shared.clock import Clock
    from shared.runtime import Runtime

WINDOW = 1.0
"""Seconds; the queue's visibility delay is in whole ones."""
AT_ONCE = 8
"""Knocks of one second that are visible at once; it is the batchSize of host.json: more would wait there anyhow."""
_MARGIN = 0.05
"""A notice that comes so shortly before the shared knock becomes visible gets a knock of its own: clocks differ. The
storage counts the second from when the knock arrives there, which is always later than we do."""
_MOST_REMEMBERED = 10_000


class Knock(NamedTuple):
    """Work that is to be put on its queue, and the seconds until it can be seen there."""

    work: Work
    delay: float = 0


class Knocker:
    """What this process put on the queue lately; for the event loop's thread only.

    ``refused``: notifications that were not genuine, since it started.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.put_count = 0
        self.spared = 0
        self._visible_at: dict[str, float] = {}
        self._at_once: deque[float] = deque(maxlen=AT_ONCE)

    def plan(self, clock: Clock, work: Work) -> Knock | None:
        """What to put on the queue; None if a knock at the same mailbox is still to become visible."""
        if not isinstance(work, SyncMailbox):
            return Knock(work)
        now = clock.steady()
        delay, visible_at = self._plan(now, self._visible_at.get(work.mailbox_id, float("-inf")))
        if delay is None:
            self.spared += 1
            return None
        self._remember(work.mailbox_id, visible_at)
        self.put_count += 1
        if not delay:
            self._at_once.append(now)
            return Knock(work)
        # It stands for all that is noticed until it becomes visible: no round that begins before covers it.
        noticed_at = to_text(clock.now() + timedelta(seconds=delay))
        return Knock(work.model_copy(update={"noticed_at": noticed_at}), delay)

    async def put(self, rt: Runtime, knock: Knock) -> None:
        """Put a knock on its queue, on another thread; if that fails it spares none after it."""
        try:
            await asyncio.to_thread(rt.queues.put, knock.work, knock.delay)
        except BaseException:
            if isinstance(knock.work, SyncMailbox):
                self._visible_at.pop(knock.work.mailbox_id, None)
            raise

    def _plan(self, now: float, visible_at: float) -> tuple[float | None, float]:
        """Seconds to hide the knock (None: no knock is needed), and when it becomes visible."""
        if now < visible_at - _MARGIN:
            return None, visible_at
        if now < visible_at + WINDOW or self._is_hail(now):
            return WINDOW, now + WINDOW
        return 0, now

    def _is_hail(self, now: float) -> bool:
        return len(self._at_once) == AT_ONCE and now < self._at_once[0] + WINDOW

    def _remember(self, mailbox_id: str, visible_at: float) -> None:
        if len(self._visible_at) >= _MOST_REMEMBERED:
            self._visible_at.clear()
        self._visible_at[mailbox_id] = visible_at


def knocker(rt: Runtime) -> Knocker:
    """The one knocker of this process."""
    found: Knocker = rt.memory.setdefault("subscriptions.knocker", Knocker())
    return found
