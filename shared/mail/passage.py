"""A mail on its way: where it is taken from, what is known of it so far, and what happens where a step fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared import log
from shared.desk.recording import Incoming
from shared.desk.tickets import File
from shared.errors import DeskbridgeError, Later
from shared.graph.client import GraphClient
from shared.graph.errors import AccessDenied, GraphBusy, MailboxAway, SignInFailed
from shared.mail.ledger import Entry
from shared.mail.mailboxes import Mailbox
from shared.mail.parsing import Mail
from shared.mail.state import State
from shared.mail.verdicts import Verdict
from shared.runtime import Runtime
from shared.storage.errors import StorageAway, StorageError, is_refusal

INTERRUPTIONS = (GraphBusy, AccessDenied, MailboxAway, SignInFailed, Later)
"""What is no mail's own fault: the mail keeps its place and has to wait."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where mails are taken from, and with what."""

    rt: Runtime
    client: GraphClient
    mailbox: Mailbox
    state: State


@dataclass(slots=True)
class Passage:
    """One mail on its way: its entry in the ledger and, step by step, what is known of it."""

    entry: Entry
    mail: Mail | None = None
    files: tuple[File, ...] = ()
    fingerprint: str = ""
    incoming: Incoming | None = None
    interruption: DeskbridgeError | None = None

    @property
    def is_open(self) -> bool:
        """Whether the mail has no verdict yet."""
        return not self.entry.verdict and self.interruption is None


def guarded(passage: Passage, step: Callable[[], None]) -> None:
    """Take one step: it may interrupt the passage or send the mail into quarantine, and never harms the next mail."""
    try:
        step()
    except INTERRUPTIONS as interruption:
        passage.interruption = interruption
    except StorageError as error:
        if is_refusal(error):
            quarantine(passage.entry, error)
        else:
            passage.interruption = StorageAway(error)
    except Exception as error:  # noqa: BLE001 - whatever one mail breaks must not stop the next
        quarantine(passage.entry, error)


def quarantine(entry: Entry, error: Exception) -> None:
    """Set a mail aside, with the reason."""
    log.error("mail.quarantined", entry=entry.key, failure=error)
    reason = error.cause if isinstance(error, DeskbridgeError) else f"{type(error).__name__}: {error}"
    entry.conclude(Verdict.QUARANTINED, reason, error.cure if isinstance(error, DeskbridgeError) else "")
