"""Whether this app may work on the storage that it finds: looked at once by each process, before its first work.

Never by the webhook, which reads no row: it puts what it is told on a queue, where it waits as long as need be.
"""

from __future__ import annotations

from math import inf

from shared import log
from shared.clock import to_text
from shared.errors import Later
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError
from shared.storage.tables import RowChanged
from shared.upgrades import reached
from shared.upgrades.reached import Reached
from shared.upgrades.steps import STEPS
from shared.work import LONGEST_DELAY, BringForward, Handler, Work

LATEST = STEPS[-1].number
"""The version that this app brings a storage to."""
LOOK_AGAIN = 300
"""Seconds after which it is looked again whether a storage was brought forward: the message to do so may be lost."""
_UNTIL = "upgrades.ready_until"


class StorageTooNew(Later):
    """A later version of the app has changed the storage so that this one cannot read it."""

    def __init__(self, found: Reached) -> None:
        cause = f"The storage (version {found.number}) needs an app of version {found.needs}; this one knows {LATEST}."
        cure = "Install the later version of the app again. Nothing is lost: mail and work wait until then."
        super().__init__(cause, LONGEST_DELAY, cure)


def check(rt: Runtime) -> None:
    """See that the storage can be worked on, and is brought forward if need be; raises StorageTooNew, StorageAway."""
    if rt.memory.get(_UNTIL, 0.0) > rt.clock.steady():
        return
    try:
        is_latest = _look(rt)
    except StorageError as error:
        raise StorageAway(error) from error
    if is_latest:
        remember_latest(rt)
    else:
        rt.memory[_UNTIL] = rt.clock.steady() + LOOK_AGAIN


def remember_latest(rt: Runtime) -> None:
    """This process has nothing to look at any more."""
    rt.memory[_UNTIL] = inf


def checked[W: Work](handler: Handler[W]) -> Handler[W]:
    """The same work, begun only where the storage can be worked on."""

    def handle(rt: Runtime, work: W) -> None:
        check(rt)
        handler(rt, work)

    return handle


def is_too_new(found: Reached) -> bool:
    """Whether this app must not work on such a storage."""
    return found.needs > LATEST


def check_readable(found: Reached) -> None:
    """Raise StorageTooNew where it must not."""
    if is_too_new(found):
        failure = StorageTooNew(found)
        log.error("upgrade.storage_too_new", reason=failure.cause, cure=failure.cure)
        raise failure


def _look(rt: Runtime) -> bool:
    """Whether there is nothing left to do."""
    found = reached.find(rt)
    check_readable(found)
    if found.number < LATEST:
        rt.queues.put(BringForward())
        return False
    if found.number > LATEST or found.after:
        _step_back(rt, found)
    return True


def _step_back(rt: Runtime, found: Reached) -> None:
    """Note that an earlier app works here again: the later one goes its steps once more over what is written now."""
    found.number, found.after, found.at = LATEST, "", to_text(rt.clock.now())
    try:
        reached.save(rt, found)
    except RowChanged:  # another process of ours has just done so
        return
    log.warning("upgrade.stepped_back", version=LATEST)
