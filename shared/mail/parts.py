"""The MIME tree of a message: which bytes are which part.

Written for hostile input instead of taken from the standard library's ``email.parser``: that one tests every line
against every open boundary and recurses once a level, so a few kilobytes of nested multiparts end it with a
RecursionError. Here parts are spans of the one byte string, boundaries are found by ``bytes.find``, and depth and
number of parts are capped; what is left out is said in the notes.
"""

import re
from dataclasses import dataclass, field

from shared.mail.headers import Headers, split_headers
from shared.mail.parameters import Parameterized, parse_parameters
from shared.mail.transfer import decode_transfer

# Real mail stays under 10 levels (attached mails are not opened); each level costs a pass over its bytes.
MAX_DEPTH = 30
# A newsletter has 3 parts, a scan of a whole folder some 200.
MAX_PARTS = 500

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_AFTER_DELIMITER = re.compile(rb"[ \t]*(--)?[ \t]*(?:\r*\n|\r|$)")
_SOME_DELIMITER = re.compile(rb"^--([^\s-][^\r\n]{0,200}?)[ \t]{0,20}\r?\n(?=[!-9;-~]{1,80}:)", re.MULTILINE)
_NEWLINE, _RETURN = 0x0A, 0x0D


@dataclass(slots=True)
class Part:
    """One node of the tree; ``raw[start:end]`` is its body, still in its transfer encoding."""

    headers: Headers
    type: str  # always type/subtype, lower case
    parameters: dict[str, str]
    disposition: Parameterized
    raw: bytes = field(repr=False)
    start: int
    end: int
    children: tuple["Part", ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Whether this part holds others and was opened."""
        return bool(self.children)

    def encoded(self) -> bytes:
        """The body as it stands in the message."""
        return self.raw[self.start : self.end]

    def content(self) -> tuple[bytes, str | None]:
        """The body with its transfer encoding undone, and what had to be mended for that."""
        # RFC 2045 allows "base64" only; comments and semicolons after it are seen.
        encoding = self.headers.text("content-transfer-encoding").lower().split(";")[0].split("(")[0].strip()
        if self.type.startswith(("message/", "multipart/")) and encoding not in {"base64", "quoted-printable"}:
            return self.encoded(), None
        return decode_transfer(self.encoded(), encoding)

    @property
    def filename(self) -> str:
        """The name the sender gave the part, as sent; ``""`` when there is none."""
        return self.disposition.parameters.get("filename", "") or self.parameters.get("name", "")


def parse_parts(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The tree of a whole message, and what had to be mended or left out."""
    reader = _Reader(raw)
    root = reader.read(0, len(raw), "text/plain", 0)
    return root, tuple(reader.notes)


class _Reader:
    """Reads one message; holds how many parts may still be made, and the notes of the whole tree."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.room = MAX_PARTS
        self.notes: list[str] = []

    def read(self, start: int, end: int, default_type: str, depth: int) -> Part:
        """The part, and all below it, that lies in ``raw[start:end]``."""
        fields, body, notes = split_headers(self.raw, start, end)
        self.notes += notes
        part = _typed(Headers(fields), default_type, self.raw, (body, end))
        if not part.type.startswith("multipart/"):
            return part
        if depth >= MAX_DEPTH:
            return self._left_unopened(part)
        part.children = self._read_children(part, depth)
        if not part.children:
            self.notes.append("a multipart without parts, read as text")
            part.type = "text/plain"
        return part

    def _left_unopened(self, part: Part) -> Part:
        self.notes.append(f"more than {MAX_DEPTH} levels deep, the rest left unopened")
        part.type = "application/octet-stream"
        part.parameters.setdefault("name", "unopened.mime")
        return part

    def _read_children(self, part: Part, depth: int) -> tuple[Part, ...]:
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        children: list[Part] = []
        for start, end in self._find_spans(part):
            if self.room == 0:
                self.notes.append(f"more than {MAX_PARTS} parts, the rest left out")
                break
            self.room -= 1
            children.append(self.read(start, end, default, depth + 1))
        return tuple(children)

    def _find_spans(self, part: Part) -> list[tuple[int, int]]:
        boundary = part.parameters.get("boundary", "").encode("utf-8", "replace").rstrip()
        spans, is_closed = _spans_between(part, boundary) if boundary else ([], True)
        if not spans:
            guessed = _SOME_DELIMITER.search(part.raw, part.start, part.end)
            if guessed is None:
                return []
            self.notes.append("boundary missing or wrong, guessed")
            spans, is_closed = _spans_between(part, guessed[1])
        if not is_closed:
            self.notes.append("closing boundary missing")
        return spans


def _typed(headers: Headers, default_type: str, raw: bytes, span: tuple[int, int]) -> Part:
    kind = parse_parameters(headers.first("content-type"))
    charset = kind.parameters.get("charset")
    if charset and not headers.first("content-type").isascii():
        kind = parse_parameters(headers.first("content-type"), charset)
    disposition = parse_parameters(headers.first("content-disposition"), charset)
    is_named = "filename" in disposition.parameters or "name" in kind.parameters
    fallback = "application/octet-stream" if is_named else default_type
    type_ = kind.value if _TYPE.fullmatch(kind.value) else fallback
    return Part(Headers(headers.fields, charset), type_, kind.parameters, disposition, raw, *span)


def _spans_between(part: Part, boundary: bytes) -> tuple[list[tuple[int, int]], bool]:
    """Where each part between delimiter lines begins and ends, and whether a closing delimiter ends the last."""
    raw, delimiter = part.raw, b"--" + boundary
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    at = raw.find(delimiter, part.start, part.end)
    while at >= 0 and len(spans) <= MAX_PARTS:
        after = _AFTER_DELIMITER.match(raw, at + len(delimiter), part.end)
        if after is not None and (at == part.start or raw[at - 1] == _NEWLINE):
            if opened is not None:
                spans.append((opened, _before_newline(raw, opened, at)))
            if after[1]:
                return spans, True
            opened = after.end()
        at = raw.find(delimiter, at + len(delimiter), part.end)
    if opened is not None and opened < part.end:
        spans.append((opened, part.end))
    return spans, False


def _before_newline(raw: bytes, start: int, at: int) -> int:
    """The line break before a delimiter belongs to the delimiter (RFC 2046, 5.1.1)."""
    if at > start and raw[at - 1] == _NEWLINE:
        at -= 1
    return at - 1 if at > start and raw[at - 1] == _RETURN else at
