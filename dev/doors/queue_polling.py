"""How the host watches its queues: without end while it serves, or until nothing is left while a test waits."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError

from dev.doors.queue_trigger import Outcome, QueueDoor

log = logging.getLogger("host")

FIRST_DELAY = 0.1  # seconds between two looks at an empty queue; doubles up to maxPollingInterval
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.3  # seconds between two looks while draining and nothing ends; a look costs CPU
RENEWAL_PERIOD = 15.0  # seconds between two looks for leases that run out


@dataclass
class Drained:
    """What happened until the queues were empty. `delayed`: messages still hidden, by queue."""

    done: int = 0
    failed: int = 0
    poisoned: int = 0
    delayed: dict[str, int] = field(default_factory=dict)


class Queues:
    """All queue triggers of an app."""

    def __init__(self, doors: Iterable[QueueDoor]) -> None:
        self.doors = {door.queue: door for door in doors}
        most = sum(door.options.most_at_once for door in self.doors.values())
        self._pool = ThreadPoolExecutor(max(1, most), thread_name_prefix="queue-message")
        self._stopping = threading.Event()
        threading.Thread(target=self._renew, name="queue-leases", daemon=True).start()

    def listen(self) -> None:
        """Watch every queue from now on, in threads of its own."""
        for door in self.doors.values():
            threading.Thread(target=self._watch, args=(door,), name=f"queue-{door.queue}", daemon=True).start()

    def stop(self) -> None:
        """Take no more messages, and wait for those that run."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def step(self, queue: str) -> Outcome | None:
        """Take exactly one message and run it here and now; None if none is visible."""
        door = self.doors[queue]
        taken = door.take(1)
        return door.handle(taken[0]) if taken else None

    def drain(self, timeout: float, state: Callable[[str], object] = lambda _queue: object()) -> Drained:
        """Run messages until none is visible and none runs. Raises TimeoutError after `timeout` seconds.

        `state`: of a queue, from who knows of all that is put on them: None if it is empty, and the same as at the last
        look if there can be nothing new to take.
        What a function raises that is no Exception (a test's simulated kill) is raised here, after the others are done.
        """
        deadline = time.monotonic() + timeout
        drained, running, pause = Drained(), _Running(), SHORTEST_PAUSE
        while True:
            was_idle = not running.all()
            took = sum(self._fill(door, running, state(name)) for name, door in self.doors.items())
            running.collect(drained)
            if was_idle and not took:
                break
            pause = SHORTEST_PAUSE if took else min(2 * pause, LONGEST_PAUSE)
            if time.monotonic() > deadline:
                raise TimeoutError(f"messages still run after {timeout} s in {', '.join(running.queues())}")
            wait(running.all(), timeout=pause, return_when=FIRST_COMPLETED)
        if running.killed:
            raise running.killed
        drained.delayed = {n: count for n, door in self.doors.items() if state(n) and (count := door.waiting())}
        return drained

    def make_visible(self) -> int:
        """Let messages that failed or were left behind be taken again at once; return how many there were."""
        return sum(door.make_visible() for door in self.doors.values())

    def _fill(self, door: QueueDoor, running: "_Running", state: object) -> int:
        """Take the next batch of a queue if few enough of its messages run; return how many came."""
        if running.killed or running.count(door.queue) > door.options.new_batch_threshold:
            return 0
        if state in (None, running.exhausted.get(door.queue)):
            return 0
        taken = door.take(door.options.batch_size)
        running.exhausted[door.queue] = state if len(taken) < door.options.batch_size else None
        for one in taken:
            running.add(door.queue, self._pool.submit(door.handle, one))
        return len(taken)

    def _watch(self, door: QueueDoor) -> None:
        running, delay = _Running(), FIRST_DELAY
        while not self._stopping.is_set():
            running.collect(Drained())
            running.killed = None  # a function called sys.exit(); the others go on
            if running.count(door.queue) > door.options.new_batch_threshold:
                wait(running.all(), timeout=1, return_when=FIRST_COMPLETED)
            elif self._look(door, running):
                delay = FIRST_DELAY
            else:
                self._stopping.wait(delay * random.uniform(0.8, 1.0))  # noqa: S311  # spreads the looks, hides nothing
                delay = min(delay * 2, max(door.options.max_polling_interval, FIRST_DELAY))

    def _look(self, door: QueueDoor, running: "_Running") -> int:
        try:
            return self._fill(door, running, object())
        except AzureError as error:
            log.warning("queue %s cannot be read: %s", door.queue, error)
        except RuntimeError:
            if not self._stopping.is_set():  # the pool is shut: the host is ending
                raise
        return 0

    def _renew(self) -> None:
        while not self._stopping.wait(RENEWAL_PERIOD):
            for door in self.doors.values():
                door.renew_leases()


class _Running:
    """The messages that run, by queue; ``exhausted``: the state in which a queue was when it had no more to give."""

    def __init__(self) -> None:
        self.exhausted: dict[str, object] = {}
        self._futures: dict[Future[Outcome], str] = {}
        self.killed: BaseException | None = None

    def add(self, queue: str, future: "Future[Outcome]") -> None:
        self._futures[future] = queue

    def all(self) -> "set[Future[Outcome]]":
        return set(self._futures)

    def count(self, queue: str) -> int:
        return sum(1 for future, name in self._futures.items() if name == queue and not future.done())

    def queues(self) -> list[str]:
        return sorted(set(self._futures.values()))

    def collect(self, drained: Drained) -> None:
        """Count what has ended, and remember a kill."""
        for future in [future for future in self._futures if future.done()]:
            del self._futures[future]
            error = future.exception()
            if error is not None:
                self._remember(error)
                continue
            outcome = future.result()
            if outcome == "poisoned":  # a message that nobody but this host has put
                self.exhausted.clear()
            setattr(drained, outcome, getattr(drained, outcome) + 1)

    def _remember(self, error: BaseException) -> None:
        log.error("a message was left as it is: %r", error)
        self.killed = self.killed or error
