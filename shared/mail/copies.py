"""Knowing a second copy of a mail, by whatever stations it came."""

from __future__ import annotations

import hashlib

from shared.mail.parsing import Mail
from shared.storage.keys import digest


def fingerprint(mail: Mail) -> str:
    """The same for two copies of one mail, and another for any other mail, even under the same Message-ID.

    A scanner may send every page under one Message-ID, with one subject and no text: only the file differs.
    """
    sender, date = mail.sender.address if mail.sender else "", mail.date.isoformat() if mail.date else ""
    files = (f"{each.name}:{hashlib.sha256(each.content).hexdigest()}" for each in mail.attachments)
    return digest(mail.message_id or "", sender, date, mail.subject, mail.text, *files)
