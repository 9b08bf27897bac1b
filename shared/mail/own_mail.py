"""Knowing our own mail when it comes back: the mark that it carries in ``X-Deskbridge``, with our signature.

Exchange lets custom headers through only if they begin with ``x-``.
https://learn.microsoft.com/en-us/graph/api/resources/internetmessageheader
"""

from shared.desk import tags
from shared.sealing import Keys


def make_mark(keys: Keys, number: int) -> str:
    """The value of the header on a mail about this ticket."""
    return tags.make_tag(keys, number)


def is_signed(keys: Keys, mark: str) -> bool:
    """Whether this mark was made by us; anybody can write the header, nobody else its signature."""
    number, _ = tags.find_tagged(keys, mark)
    return number is not None
