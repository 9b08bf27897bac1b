"""Whether what became of the mails is right: a figure counts only if it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.corpus import Sample
from shared.desk import PARTITION, TABLE
from shared.desk.tickets import action_of, unpack
from shared.mail import ledger
from shared.runtime import Runtime
from shared.storage.keys import after


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a desk holds: for each mail, by Message-ID, its ticket and the names of its files."""

    tickets: int
    placed: Mapping[str, int]
    files: Mapping[str, tuple[str, ...]]
    stored_files: int
    actions: int


def read_desk(rt: Runtime) -> Outcome:
    """Everything on the desk, read row by row; files are counted where they are kept."""
    table = rt.tables[TABLE]
    tickets = sum(1 for _ in table.range(PARTITION, low="t~", high=after("t~"), select=["number"]))
    placed, files, stored, actions = {}, {}, 0, 0
    for row in table.range(PARTITION, low="a~", high=after("a~")):
        action, body = action_of(row), unpack(rt, row)
        placed[action.message_id] = action.number
        files[action.message_id] = tuple(sorted(each.name for each in body.files))
        stored += sum(1 for each in body.files if len(rt.blobs.get(each.blob)) == each.size)
        actions += 1
    return Outcome(tickets, placed, files, stored, actions)


def find_mistakes(outcome: Outcome, samples: Sequence[Sample]) -> list[str]:
    """What is wrong, in words; empty if each mail is one action, with its files, on the ticket of its thread."""
    wanted_files = sum(len(sample.files) for sample in samples)
    mistakes = [
        f"{name}: {found} instead of {wanted}"
        for name, found, wanted in (
            ("tickets", outcome.tickets, sum(1 for sample in samples if not sample.is_reply)),
            ("actions", outcome.actions, len(samples)),
            ("attachments in the storage", outcome.stored_files, wanted_files),
        )
        if found != wanted
    ]
    ids = {sample.index: sample.message_id for sample in samples}
    for sample in samples:
        number = outcome.placed.get(sample.message_id)
        if number is None:
            mistakes.append(f"{sample.subject}: is nowhere")
        elif number != outcome.placed.get(ids[sample.root]):
            mistakes.append(f"{sample.subject}: is not on the ticket of its thread")
        elif outcome.files.get(sample.message_id) != tuple(sorted(sample.files)):
            mistakes.append(f"{sample.subject}: has other files than it came with")
    return mistakes


def find_disorder(rt: Runtime, mailbox_ids: Iterable[str]) -> list[str]:
    """Mailboxes in whose journal a mail has no verdict, or a ticket a lower number than that of an earlier mail."""
    mistakes = []
    for mailbox_id in mailbox_ids:
        entries = [entry for entry in ledger.iter_newest(rt, mailbox_id) if entry.verdict != "reply"]
        numbers = [entry.number for entry in entries]
        if any(entry.verdict != "ticket" for entry in entries):
            mistakes.append(f"{mailbox_id}: not every mail has the verdict that it should have")
        if numbers != sorted(numbers, reverse=True):
            mistakes.append(f"{mailbox_id}: tickets are not numbered in the order of arrival")
    return mistakes
