"""Who wants something: the sender of a mail, or somebody for whom a machine wrote it."""

from __future__ import annotations

from shared.mail.parsing import Address, Mail

UNKNOWN_SENDER = Address(name="Unknown sender", address="unknown@sender.invalid")
"""Stands for the sender of a mail that names none."""


def find_requester(mailbox_address: str, mail: Mail) -> Address:
    """The sender, or whom to answer where a web form writes in the mailbox's own name."""
    sender = mail.sender or UNKNOWN_SENDER
    if sender.address == mailbox_address and mail.reply_to:
        return mail.reply_to[0]
    return sender
