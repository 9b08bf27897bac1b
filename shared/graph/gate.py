"""Graph's limits on one mailbox, kept by us before Graph has to: four requests at once, none before Retry-After."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import BoundedSemaphore, Lock

from shared.clock import Clock
from shared.graph.limits import CONCURRENT_REQUESTS_PER_MAILBOX


class MailboxGate:
    """The way to one mailbox, for all threads of this process.

    Limits are per app and mailbox: https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots = BoundedSemaphore(CONCURRENT_REQUESTS_PER_MAILBOX)
        self._taking = Lock()
        self._opens = 0.0

    def close_for(self, seconds: float) -> None:
        """Let no request through for so long: Graph said so."""
        self._opens = max(self._opens, self._clock.steady() + seconds)

    @property
    def closed_for(self) -> float:
        """Seconds until requests may go through again; 0 when open."""
        return max(0.0, self._opens - self._clock.steady())

    @contextmanager
    def slots(self, count: int = 1) -> Iterator[None]:
        """So many of the four requests that may be under way; a batch of more takes all four."""
        with ExitStack() as taken:
            # Two batches that each held some of the four would wait for each other for ever.
            with self._taking:
                for _ in range(min(count, CONCURRENT_REQUESTS_PER_MAILBOX)):
                    taken.enter_context(self._slots)
            yield


class Gates:
    """The gates of all mailboxes of one app."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._gates: dict[str, MailboxGate] = {}

    def of(self, mailbox: str) -> MailboxGate:
        """The gate of a mailbox (or of everything that is no mailbox: the empty name)."""
        with self._lock:
            return self._gates.setdefault(mailbox.lower(), MailboxGate(self._clock))
