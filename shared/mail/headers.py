"""The header section of a message or of one of its parts, read from bytes and decoded field by field.

Nothing here raises: a line that is no header is passed over, a word that is not encoded as it says is read as it is.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.mail.charsets import decode_text

# A message to some thousand recipients still fits; what does not is an attack on memory and time.
MAX_HEADER_BYTES = 512 * 1024
MAX_FIELDS = 2_000
# One field: Exchange Online refuses above 256 KB in all (https://learn.microsoft.com/office365/servicedescriptions/
# exchange-online-service-description/exchange-online-limits), nobody reads a longer one.
MAX_FIELD_BYTES = 128 * 1024

_FIELD = re.compile(rb"([!-9;-~\x80-\xff]{1,200})[ \t]*:")
_ENVELOPE_LINE = re.compile(rb">?From ")
# A word ends before the next one begins: that keeps this linear. Spaces inside and any length are seen.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{0,80})\?([bBqQ])\?((?:[^?=]++|=(?!\?[^=])|\?(?!=))*+)\?=")
_SPACE_ONLY = re.compile(r"[ \t\r\n]*")
# C0 and C1 controls, and the marks that turn the direction of writing (a known disguise: "exe.fdp" shown as "pdf.exe").
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order of the message: name in lower case, value unfolded, still as bytes."""

    fields: tuple[tuple[str, bytes], ...]
    charset: str | None = None  # what raw 8-bit values are most likely written in: the body's

    def first(self, name: str) -> bytes:
        """The value of the first field called ``name`` (lower case), or ``b""``."""
        return next(self.every(name), b"")

    def every(self, name: str) -> Iterator[bytes]:
        """The values of all fields called ``name`` (lower case), top down."""
        return (value for found, value in self.fields if found == name)

    def has(self, name: str) -> bool:
        """Whether there is a field called ``name`` (lower case), if only an empty one."""
        return any(found == name for found, _ in self.fields)

    def text(self, name: str) -> str:
        """The first field called ``name``, decoded to one line without controls; ``""`` when there is none."""
        return decode_value(self.first(name), self.charset)


def split_headers(raw: bytes, start: int, end: int) -> tuple[tuple[tuple[str, bytes], ...], int, tuple[str, ...]]:
    """Read the header section of ``raw[start:end]``: its fields, where the body begins, and what had to be mended."""
    fields: list[tuple[str, list[bytes]]] = []
    notes: list[str] = []
    position = start
    while position < end:
        line, following = _line_at(raw, position, end)
        if not line.rstrip(b"\r\x00"):
            position = following
            break
        if line[0] in b" \t" and fields:
            fields[-1][1].append(line)
        elif (field := _FIELD.match(line)) is not None:
            fields.append((field[1].decode("ascii", "replace").lower(), [line[field.end() :]]))
        elif not _is_passed_over(raw, line, position == start, following, end):
            notes.append("no empty line between header and body")
            break
        position = following
        if position - start > MAX_HEADER_BYTES or len(fields) > MAX_FIELDS:
            notes.append("header too long, the rest of it left out")
            position = _body_after(raw, position, end)
            break
    return tuple((name, _unfold(lines)) for name, lines in fields), position, tuple(notes)


def _line_at(raw: bytes, position: int, end: int) -> tuple[bytes, int]:
    newline = raw.find(b"\n", position, end)
    stop = end if newline < 0 else newline
    return raw[position : min(stop, position + MAX_FIELD_BYTES)].rstrip(b"\r"), end if newline < 0 else newline + 1


def _is_passed_over(raw: bytes, line: bytes, is_first: bool, following: int, end: int) -> bool:
    """A mailbox's ``From `` line, a fold of nothing, or one broken line with a true field after it."""
    if is_first and (_ENVELOPE_LINE.match(line) or line[0] in b" \t"):
        return True
    after, _ = _line_at(raw, following, end)
    return not is_first and _FIELD.match(after) is not None


def _body_after(raw: bytes, position: int, end: int) -> int:
    found = [at + len(gap) for gap in (b"\n\r\n", b"\n\n") if (at := raw.find(gap, position - 1, end)) >= 0]
    return min(found, default=end)


def _unfold(lines: list[bytes]) -> bytes:
    value = lines[0] if len(lines) == 1 else b"".join(lines)
    return value[:MAX_FIELD_BYTES].replace(b"\r", b" ").strip()


def decode_value(raw: bytes, charset: str | None = None) -> str:
    """A header value as one line of text: RFC 2047 words decoded, raw 8-bit read as ``charset`` or whatever it is."""
    return one_line(decode_words(as_text(raw, charset)))


def as_text(raw: bytes, charset: str | None = None) -> str:
    """A header value as text, its encoded words untouched."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    text, note = decode_text(raw, None)
    if charset and note is not None and note.endswith("windows-1252"):  # a guess only: the body's claim is better
        text, _ = decode_text(raw, charset)
    return text


def one_line(text: str) -> str:
    """``text`` with control and direction characters out, and every run of white space one space."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip()


def decode_words(text: str) -> str:
    """``text`` with every RFC 2047 encoded word replaced by what it says.

    White space between two words goes, and neighbors of one character set are joined before they are decoded: many
    senders cut in the middle of a letter.
    """
    if "=?" not in text:
        return text
    pieces: list[str] = []
    run: tuple[str, bytes] | None = None
    position = 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[position : word.start()]
        charset, raw = word[1].split("*")[0].lower(), _word_bytes(word[2], word[3])
        if run is not None and run[0] == charset and _SPACE_ONLY.fullmatch(between):
            run = charset, run[1] + raw
        else:
            pieces += _closed(run, between)
            run = charset, raw
        position = word.end()
    return "".join([*pieces, *_closed(run, ""), text[position:]])


def _closed(run: tuple[str, bytes] | None, between: str) -> list[str]:
    if run is None:
        return [between]
    return [decode_text(run[1], run[0])[0], "" if _SPACE_ONLY.fullmatch(between) else between]


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    raw = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    raw = raw[:-1] if len(raw) % 4 == 1 else raw
    return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
