"""Undo a part's ``Content-Transfer-Encoding``, however badly it was done."""

import binascii
import re

_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODED = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]+")
_PADDING_WITHIN = re.compile(rb"(?<!=)=++\s*+(?=[A-Za-z0-9+/])")
# RFC 2045, 6.7 (3): whatever white space ends a line was added on the way.
_SPACE_AFTER_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n)")
_WHOLE_LINE = re.compile(rb"\s*(?:[A-Za-z0-9+/]{4}){5,}+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?[ \t]*(?:\r?\n|\Z)")
_LONGEST_END = 6  # "==", line ends
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?$", re.MULTILINE)


def decode_transfer(raw: bytes, encoding: str) -> tuple[bytes, str | None]:
    """The bytes that ``raw`` stands for under ``encoding`` (lower case); never raises.

    The second value is None, or says in one sentence what was mended.
    """
    if encoding in _IDENTITY:
        return raw, None
    if encoding == "base64":
        return _decode_base64(raw)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(_SPACE_AFTER_SOFT_BREAK.sub(b"=", raw)), None
    if encoding in _UUENCODED:
        return _decode_uu_part(raw), None
    return raw, f"transfer encoding {encoding[:40]!r} unknown, read as it is"


def _decode_base64(raw: bytes) -> tuple[bytes, str | None]:
    if _is_plainly_not_base64(raw):
        return raw, "claimed to be base64, is not"
    padding = raw.find(b"=")
    if 0 <= padding < len(raw) - _LONGEST_END and _is_in_pieces(raw, padding):
        return b"".join(_decode_block(piece) for piece in _PADDING_WITHIN.split(raw)), "base64 in several pieces"
    try:
        return binascii.a2b_base64(raw), None
    except binascii.Error:
        return _decode_block(raw), "base64 cut short"


def _is_in_pieces(raw: bytes, padding: int) -> bool:
    """Whether more base64 follows the first padding, and not words (a footer that a gateway put below)."""
    return bool(_PADDING_WITHIN.search(raw, padding)) and not _NOT_BASE64.search(raw) and b" " not in raw


def _is_plainly_not_base64(raw: bytes) -> bool:
    """Whether the first lines are words or markup: some gateways rewrite a body and leave its header."""
    if _WHOLE_LINE.match(raw[:2_000]):
        return False
    sample = raw[:400].strip()
    if sample.startswith(b"<"):
        return True
    return sum(map(len, _NOT_BASE64.findall(sample))) * 4 > len(sample) or sample.count(b" ") * 8 > len(sample)


def _decode_block(raw: bytes) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _decode_uu_part(raw: bytes) -> bytes:
    begin = _UU_BEGIN.search(raw)
    content, _ = decode_uu_lines(raw, begin.end() + 1) if begin else (raw, 0)
    return content


def decode_uu_lines(raw: bytes, position: int) -> tuple[bytes, int]:
    """Decode uuencoded lines from ``position`` on up to ``end``; also where what follows them begins."""
    pieces: list[bytes] = []
    while position < len(raw):
        newline = raw.find(b"\n", position)
        stop = len(raw) if newline < 0 else newline
        line = raw[position:stop].rstrip(b"\r")
        position = stop + 1
        if line.strip() in {b"end", b""}:
            break
        try:
            pieces.append(binascii.a2b_uu(line[:100]))
        except binascii.Error:
            pieces.append(_decode_broken_uu_line(line))
    return b"".join(pieces), min(position, len(raw))


def _decode_broken_uu_line(line: bytes) -> bytes:
    """Some encoders count wrongly; the count in the first byte is taken at its word, as the old tools do."""
    wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:wanted])
    except binascii.Error:
        return b""


def split_uuencoded(raw: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The text without the files that were uuencoded into it, and ``(name, content)`` of each of those."""
    kept: list[bytes] = []
    files: list[tuple[bytes, bytes]] = []
    position = 0
    while (begin := _UU_BEGIN.search(raw, position)) is not None:
        content, after = decode_uu_lines(raw, begin.end() + 1)
        if content:
            kept.append(raw[position : begin.start()])
            files.append((begin[1], content))
        else:
            kept.append(raw[position:after])
        position = max(after, begin.end())
    return b"".join([*kept, raw[position:]]), files
