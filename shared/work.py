"""Every queue, and the small message on it.

Only ids travel on queues. A piece of work ends in one of three ways: *done*, *later* (put again with a delay and one
more attempt) or *set aside* with its reason. Anything else is a bug of ours: it raises, the host tries again, and what
fails too often arrives on the queue's ``-poison`` twin.

No field here may be called like one of the host's own (``id``, ``dequeueCount``, ``insertionTime``...): the host copies
a message's top-level fields over its metadata. https://github.com/Azure/azure-functions-python-worker/issues/1373
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from shared import log, tally
from shared.errors import Later, SetAside

Cause = Literal["notification", "scan", "lifecycle", "asked", "slice", "created", "replay"]
"""Why a piece of work was put: Graph told us, the timer came round, an admin asked, ..."""

LONGEST_DELAY = 15 * 60


class Work(BaseModel):
    """A message on a queue."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    queue: ClassVar[str]
    attempt: int = 0
    trace: str = ""
    """Names what this work comes of, in every log line about it; given when it is put."""

    def traced(self) -> Self:
        """The same work, named after what it comes of: what the process works on now, unless it has a name."""
        trace = self.trace or log.bound_field("trace") or tally.new_trace()
        return self.model_copy(update={"trace": trace})

    def again(self) -> Self:
        """The same work, one attempt later."""
        return self.model_copy(update={"attempt": self.attempt + 1})


class SyncMailbox(Work):
    """Bring one mailbox up to date. ``noticed_at``: ISO 8601; a round that began later makes this one needless."""

    queue: ClassVar[str] = "mailbox-sync"
    mailbox_id: str
    cause: Cause
    noticed_at: str


class ReplayMail(Work):
    """Put one mail through again, from its kept original. ``entry``: its key in the journal of the mailbox."""

    queue: ClassVar[str] = "mail-replay"
    mailbox_id: str
    entry: str


class CareForSubscription(Work):
    """Make the subscription of one mailbox what it should be: there, renewed, or gone."""

    queue: ClassVar[str] = "subscription-care"
    mailbox_id: str
    cause: Cause


class SyncDirectory(Work):
    """Bring the desk in line with the directory of one connection: begin what is due, go on with what is under way."""

    queue: ClassVar[str] = "directory-sync"
    connection_id: str
    cause: Cause


class ReadSignIns(Work):
    """Read when the people of a connection last signed in: begin at night, go on with what is under way."""

    queue: ClassVar[str] = "sign-ins"
    connection_id: str
    cause: Cause


class ChangeLicense(Work):
    """Give licenses to a user of a connection, or take them. ``change``: the key of what is wanted."""

    queue: ClassVar[str] = "license-changes"
    connection_id: str
    change: str


class BringForward(Work):
    """Bring the storage of an earlier version to the present one: go on with it, or see that nothing is left to do."""

    queue: ClassVar[str] = "upgrades"


class SendAlert(Work):
    """Tell the people in charge. ``alert``: the key of its row."""

    queue: ClassVar[str] = "alerts"
    alert: str


KINDS: dict[str, type[Work]] = {
    kind.queue: kind
    for kind in (
        *(SyncMailbox, ReplayMail, CareForSubscription, SyncDirectory, ChangeLicense, ReadSignIns, SendAlert),
        BringForward,
    )
}


class Handler[W: Work](Protocol):
    """What does one kind of work; raises Later or SetAside where it cannot."""

    def __call__(self, rt: Any, work: W, /) -> None:
        """Do it."""


def carry_out[W: Work](
    rt: Any,
    kind: type[W],
    text: str,
    handler: Handler[W],
    *,
    put: Callable[[Work, float], None],
    keep: Callable[[Any, str, str, SetAside], None],
) -> None:
    """Do the work that a message stands for: done, later (``put`` again after seconds) or set aside (``keep``)."""
    try:
        work = kind.model_validate_json(text)
    except ValidationError:
        cause = f"A message on the queue {kind.queue} could not be understood."
        keep(rt, kind.queue, text, SetAside(cause, "Find out what else writes to this queue."))
        return
    about = work.model_dump(exclude={"trace"})
    with tally.told(rt.clock, kind.__name__, work.trace), log.bound(queue=work.queue, **about):
        try:
            handler(rt, work)
        except Later as later:
            tally.count("put_again")
            log.info("work.later", reason=later.cause, delay=later.delay)
            put(work.again(), min(later.delay, LONGEST_DELAY))
        except SetAside as reason:
            tally.count("set_aside")
            log.error("work.set_aside", reason=reason.cause)
            keep(rt, work.queue, work.model_dump_json(), reason)
