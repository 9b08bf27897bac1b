"""Heads: the settings of a mailbox and where its rounds are, remembered by the process from one round to the next.

A memory may be outdated: another process was at the mailbox, or somebody changed its settings, or those of its
connection, which is remembered for as long then. All of them write the state row, so that the first thing which a round
writes from such a memory is refused. Until then it has only looked.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.mail import mailboxes
from shared.mail.disposal import is_ready
from shared.mail.mailboxes import Mailbox
from shared.mail.state import State
from shared.runtime import Runtime

REMEMBERED_SECONDS = 600
_DISTRUSTED_SECONDS = 600
_MOST_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Head:
    """A mailbox and where its rounds are. ``good_until``: steady seconds, from then on it is read anew in any case."""

    mailbox: Mailbox
    state: State
    good_until: float

    @property
    def is_plain(self) -> bool:
        """Whether a round may begin with it: all is well, and nothing has to be made in the mailbox before a claim."""
        return self.mailbox.enabled and self.state.is_settled and is_ready(self.mailbox, self.state)


def read(rt: Runtime, mailbox_id: str) -> Head:
    """The head as it is at this moment, in one request; raises NotFound."""
    _remembered(rt).pop(mailbox_id, None)
    mailbox, state = mailboxes.get_head(rt, mailbox_id)
    return Head(mailbox, state, rt.clock.steady() + REMEMBERED_SECONDS)


def take(rt: Runtime, mailbox_id: str) -> Head | None:
    """The head that is remembered, if any. It is forgotten at once: of two rounds of a process only one begins so."""
    head = _remembered(rt).pop(mailbox_id, None)
    return head if head and head.good_until > rt.clock.steady() else None


def keep(rt: Runtime, head: Head) -> None:
    """Remember a head for the next round, if it can begin with it."""
    memory, mailbox_id = _remembered(rt), head.mailbox.mailbox_id
    if not head.is_plain or _distrusted(rt).get(mailbox_id, 0) > rt.clock.steady():
        return
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[mailbox_id] = head


def distrust(rt: Runtime, mailbox_id: str) -> None:
    """Remember nothing of this mailbox for a while: others are at it, too, and a wrong memory costs more than none."""
    distrusted = _distrusted(rt)
    if len(distrusted) >= _MOST_REMEMBERED:
        distrusted.clear()
    distrusted[mailbox_id] = rt.clock.steady() + _DISTRUSTED_SECONDS


def _remembered(rt: Runtime) -> dict[str, Head]:
    memory: dict[str, Head] = rt.memory.setdefault("mail.heads", {})
    return memory


def _distrusted(rt: Runtime) -> dict[str, float]:
    memory: dict[str, float] = rt.memory.setdefault("mail.distrusted", {})
    return memory
