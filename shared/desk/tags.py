"""The ticket tag: a ticket's number with our signature, for subjects and bodies of mails.

A number alone can be guessed and gets nobody into a ticket; the tag cannot.
"""

import base64
import re

from shared.sealing import Keys

_SIGNATURE_LENGTH = 10
_TAG = re.compile(r"\[#([1-9]\d{0,9})-([A-Za-z2-7]{10})\]")
_LONGEST_TEXT = 200_000


def make_tag(keys: Keys, number: int) -> str:
    """The tag of a ticket, such as ``[#1042-K7QX2M9PAB]``: 50 bits of HMAC-SHA256."""
    return f"[#{number}-{_shown(keys.sign('ticket-tag', str(number)))}]"


def find_tagged(keys: Keys, text: str) -> tuple[int | None, list[int]]:
    """The number of the first tag that we signed, and the numbers of all that only look as if we had."""
    forged: list[int] = []
    for found in _TAG.finditer(text[:_LONGEST_TEXT]):
        number = int(found[1])
        if keys.is_genuine("ticket-tag", str(number), found[2].upper(), _shown):
            return number, forged
        forged.append(number)
    return None, forged


def _shown(signature: bytes) -> str:
    return base64.b32encode(signature).decode()[:_SIGNATURE_LENGTH]
