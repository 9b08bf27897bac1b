"""Which mails answer which, as far as their headers say so in plain bytes."""

import re

_MOST_HEADER_BYTES = 65_536
_FIELD = re.compile(
    rb"^(message-id|in-reply-to|references)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)
_ID = re.compile(rb"<[^<>\s]+>")


def message_ids(raw: bytes) -> tuple[set[bytes], set[bytes]]:
    """The Message-IDs that a mail has, and those that it answers."""
    own: set[bytes] = set()
    answered: set[bytes] = set()
    for name, value in _FIELD.findall(raw[:_MOST_HEADER_BYTES]):
        (own if name.lower() == b"message-id" else answered).update(_ID.findall(value))
    return own, answered
