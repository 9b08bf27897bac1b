"""``Content-Type`` and ``Content-Disposition``: a value and its parameters, by RFC 2231 and by what is sent instead."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from shared.mail.charsets import decode_text
from shared.mail.headers import as_text, decode_words, one_line

# More than any sender needs; a name cut into more pieces than this stays cut.
MAX_PARAMETERS = 200

_VALUE = re.compile(r"[^;]*")
_PARAMETER = re.compile(r';\s*([^=;\s"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_NUMBERED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Parameterized:
    """A value such as ``text/html``, in lower case, with its parameters: names in lower case, values decoded."""

    value: str
    parameters: dict[str, str]


def parse_parameters(raw: bytes, charset: str | None = None) -> Parameterized:
    """Read a field such as ``text/plain; charset=utf-8; name*=utf-8''a%20b.txt``; never raises."""
    text = as_text(raw, charset)
    head = _VALUE.match(text)
    value = _COMMENT.sub("", head[0] if head else "").strip().strip('"').lower()
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, found in enumerate(_PARAMETER.finditer(text)):
        if count >= MAX_PARAMETERS:
            break
        name = _NUMBERED.fullmatch(found[1].lower())
        if name is not None:
            piece = _unquoted(found[2]), bool(name[3])
            pieces.setdefault(name[1], {}).setdefault(int(name[2] or 0), piece)
    return Parameterized(value, {name: _joined(numbered, charset) for name, numbered in pieces.items()})


def _unquoted(value: str) -> str:
    value = value.strip()
    if not value.startswith('"'):
        return value
    inner = value[1:].removesuffix('"')
    # A backslash before anything but a quote is a Windows path, not a quoted pair.
    return _QUOTED_PAIR.sub(lambda pair: pair[1] if pair[1] in '"\\' else pair[0], inner)


def _joined(pieces: dict[int, tuple[str, bool]], charset: str | None) -> str:
    """RFC 2231 pieces in the order of their numbers, percent signs undone where the name had its asterisk."""
    ordered = [pieces[number] for number in sorted(pieces)]
    if not any(extended for _, extended in ordered):
        return one_line(decode_words("".join(text for text, _ in ordered)))
    claimed, first = _split_charset(ordered[0][0]) if ordered[0][1] else (None, ordered[0][0])
    ordered[0] = first, ordered[0][1]
    raw = b"".join(
        unquote_to_bytes(text) if extended else text.encode("utf-8", "replace") for text, extended in ordered
    )
    return one_line(decode_text(raw, claimed or charset)[0])


def _split_charset(text: str) -> tuple[str | None, str]:
    charset, quote, rest = text.partition("'")
    _language, second, value = rest.partition("'")
    return (charset or None, value) if quote and second else (None, text)
