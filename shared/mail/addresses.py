"""Mail addresses as they stand in ``From``, ``To`` and their like.

The whole field is cut by one regular expression that cannot go back (nested comments and unclosed quotes make the
standard library's reader recurse or crawl); what is not a valid address is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.mail.headers import decode_words, one_line

# More than Exchange Online lets one message have is 1,000 (https://learn.microsoft.com/office365/servicedescriptions/
# exchange-online-service-description/exchange-online-limits); followers of a ticket are far fewer.
MAX_ADDRESSES = 500
MAX_ADDRESS_LENGTH = 320  # 64 + @ + 255, RFC 5321 4.5.3.1
MAX_NAME_LENGTH = 200

_PIECE = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.){0,300}+)"'  # the bound: every quote may turn out to be unclosed
    r"|\((?P<comment>(?:[^()\\]|\\.){0,300}+)\)"
    r"|<(?P<angle>[^<>]*+)>"
    r"|(?P<separator>[,;])"
    r'|(?P<word>[^",;<()]++)'
    r"|(?P<stray>.)",
    re.DOTALL,
)
_LOCAL = r"[^\s@<>\"(),:;\\\[\]\x00-\x1f]{1,255}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(
    rf"(?P<local>{_LOCAL}|\"[^\"\\@\s]{{1,62}}\")@(?P<domain>{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f.:]+\])"
)
_WRAPPING = "<>[](){}'\",;:"
_SPACE = re.compile(r"\s+")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """A display name (``""`` when there is none) and a valid address in lower case, its domain in ASCII (IDNA)."""

    name: str
    address: str


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Every valid address in a field, in order, each address once; encoded words may still be in ``text``.

    At most ``MAX_ADDRESSES`` of them.
    """
    found: dict[str, Address] = {}
    for name, candidate in _cut(text):
        for address in _valid_ones(name, candidate):
            found.setdefault(address.address, address)
        if len(found) >= MAX_ADDRESSES:
            break
    return tuple(found.values())


def normalize_address(text: str) -> str | None:
    """``text`` as a valid address in lower case with an ASCII domain, or None."""
    text = text.strip().strip("'").removeprefix("mailto:").lower()
    match = _ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_LENGTH else None
    if match is None:
        return None
    domain = match["domain"].rstrip(".")
    ascii_domain = domain if domain.isascii() else _in_ascii(domain)
    return f"{match['local']}@{ascii_domain}" if ascii_domain else None


def _in_ascii(domain: str) -> str | None:
    """A look-alike domain shows itself by its ``xn--``."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None


def _cut(text: str) -> Iterator[tuple[str, str]]:
    """``(display name, what should be the address)`` of each mailbox of the field, neither decoded nor validated."""
    name: list[str] = []
    comment = angle = ""
    has_at = False  # in the name: then it is an address
    for piece in _PIECE.finditer(text):
        kind, value = piece.lastgroup, piece[piece.lastgroup or 0]
        if kind == "separator" and (angle or has_at):
            yield from _mailbox(name, comment, angle)
            name, comment, angle, has_at = [], "", "", False
        elif kind == "angle":
            if angle:  # two mailboxes with the comma forgotten
                yield from _mailbox(name, comment, angle)
                name, comment, has_at = [], "", False
            angle = value
        elif kind == "comment":
            comment = comment or value
        else:
            name.append(_QUOTED_PAIR.sub(r"\1", value) if kind == "quoted" else value)
            has_at = has_at or (kind == "word" and "@" in value)
    yield from _mailbox(name, comment, angle)


def _mailbox(name: list[str], comment: str, angle: str) -> Iterator[tuple[str, str]]:
    words = "".join(name).strip()
    if angle:
        yield words or comment, angle
    elif words or comment:
        yield comment, words.rpartition(":")[2] or words  # "undisclosed-recipients:", "Group: a@example.com"


def _valid_ones(name: str, candidate: str) -> Iterator[Address]:
    attempts = (candidate, *(word.strip(_WRAPPING) for word in candidate.split()), _SPACE.sub("", candidate))
    for attempt in attempts:
        if "@" in attempt and (address := normalize_address(attempt)) is not None:
            yield Address(_display_name(name, address), address)
            return
    if "=?" in candidate or "=?" in name:  # the address itself was put into the encoded word
        decoded = decode_words(f"{name} {candidate}")
        yield from (Address(_display_name(n, a), a) for n, c in _cut(decoded) if (a := normalize_address(c)))


def _display_name(name: str, address: str) -> str:
    shown = one_line(decode_words(name)).strip("'\" <>,")[:MAX_NAME_LENGTH]
    return "" if shown.lower() == address else shown
