"""Which parts of a mail are its body, and which are files."""

import re
from dataclasses import dataclass, field
from html import escape

from shared.mail.attachments import File, file_from_part
from shared.mail.charsets import decode_text
from shared.mail.flowed import unflow
from shared.mail.headers import as_text
from shared.mail.parts import Part, parse_parts
from shared.mail.pictures import extract_data_pictures
from shared.mail.smime import TYPES as SMIME_TYPES
from shared.mail.smime import find_signed_content
from shared.mail.transfer import split_uuencoded

# A person reads some thousand characters; one million is a log file that was pasted in.
MAX_TEXT_CHARACTERS = 1_000_000
# The largest newsletters have 2 MB of HTML; parsing costs about 0.1 s a megabyte.
MAX_HTML_CHARACTERS = 5_000_000
# More than any person attaches; each becomes a blob.
MAX_FILES = 300
# A signed mail around a signed mail around a signed mail: a gateway, a person, a list.
_MAX_ENVELOPES = 3
# RFC 8551, 3.2.1; "" because some leave the name out.
_ENVELOPE_NAMES = frozenset({"", "smime.p7m", "smime.p7z"})

_PLAIN_TYPES = frozenset({"text/plain", "text/enriched", "text/richtext", "text/x-markdown", "text/markdown"})
_MARKED_UP = frozenset({"text/enriched", "text/richtext"})
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_LEFT_OUT_ALTERNATIVES = frozenset({"text/x-amp-html", "text/watch-html"})
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_LINE_ENDS = re.compile("\r+\n?|[\x0c\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the body: as plain text, as HTML, or as both when the sender gave both."""

    plain: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Contents:
    """A mail taken apart: the passages of its body in order, its files in order, and what was mended."""

    passages: list[Passage] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str | None:
        """The body as plain text when every passage that says something has it; else None."""
        said = [passage for passage in self.passages if passage.plain or passage.html]
        if not said or any(not (passage.plain or "").strip() and passage.html for passage in said):
            return None
        return "\n".join(passage.plain or "" for passage in said)

    @property
    def html(self) -> str | None:
        """The body as HTML of strangers, passages without it put in as they are; None when none has HTML."""
        if not any(passage.html for passage in self.passages):
            return None
        return "\n<br>\n".join(passage.html or _as_html(passage.plain or "") for passage in self.passages)


def take_apart(root: Part) -> Contents:
    """Sort the leaves of a MIME tree into body and files."""
    contents = Contents()
    contents.passages = _passages(root, contents, _MAX_ENVELOPES)
    if len(contents.files) > MAX_FILES:
        contents.notes.append(f"{len(contents.files)} attachments, the first {MAX_FILES} kept")
        del contents.files[MAX_FILES:]
    return contents


def _as_html(plain: str) -> str:
    return escape(plain, quote=False).replace("\n", "<br>\n")


def _passages(part: Part, contents: Contents, envelopes: int) -> list[Passage]:
    if part.type == "multipart/alternative" and part.children:
        return _one_of(part, contents, envelopes)
    if part.children:
        _note_protection(part, contents)
        return [passage for child in part.children for passage in _passages(child, contents, envelopes)]
    if part.type in SMIME_TYPES:
        return _opened(part, contents, envelopes)
    if _is_body(part, contents):
        return [_passage(part, contents)]
    _note_unreadable(part, contents)
    contents.files.append(file_from_part(part, contents.notes))
    return []


def _one_of(part: Part, contents: Contents, envelopes: int) -> list[Passage]:
    """RFC 2046, 5.1.4: the last alternative is the richest. The first plain one and the last HTML are one passage."""
    plain: str | None = None
    html: str | None = None
    for child in part.children:
        if child.type in _LEFT_OUT_ALTERNATIVES:
            continue
        inside = Contents(_passages(child, contents, envelopes))  # its files go to the whole mail's
        plain = plain or inside.plain
        html = inside.html or html
    return [Passage(plain, html)] if plain or html else []


def _is_body(part: Part, contents: Contents) -> bool:
    """A text that is not meant as a file. Apple shows text files inline: a name makes a file, too."""
    if part.type not in _PLAIN_TYPES and part.type != "text/html":
        return False
    if part.disposition.value == "attachment":
        return part.start == 0 and not part.filename
    return not part.filename or (part.disposition.value == "" and not contents.files)


def _passage(part: Part, contents: Contents) -> Passage:
    raw, note = part.content()
    if note:
        contents.notes.append(note)
    if part.type == "text/html":
        return Passage(html=_html(raw, part, contents))
    if b"begin " in raw:
        raw, embedded = split_uuencoded(raw)
        contents.files += [File(as_text(name), "application/octet-stream", content) for name, content in embedded]
    text = _decoded(raw, part.parameters.get("charset"), MAX_TEXT_CHARACTERS, contents)
    if part.type in _MARKED_UP:
        text = _MARKUP.sub("", text)
    if part.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, part.parameters.get("delsp", "").lower() == "yes")
    return Passage(plain=text)


def _html(raw: bytes, part: Part, contents: Contents) -> str:
    charset = part.parameters.get("charset")
    if not charset and (declared := _META_CHARSET.search(raw, 0, 4_000)) is not None:
        charset = declared[1].decode("ascii")
        # Whoever could read the declaration did not read UTF-16.
        charset = None if charset.lower().startswith("utf-16") else charset
    html, pictures = extract_data_pictures(decode_body(raw, charset, contents.notes))
    contents.files += [File("", picture.type, picture.content, picture.content_id) for picture in pictures]
    return _capped(html, MAX_HTML_CHARACTERS, contents)


def _decoded(raw: bytes, charset: str | None, limit: int, contents: Contents) -> str:
    return _capped(decode_body(raw, charset, contents.notes), limit, contents)


def decode_body(raw: bytes, charset: str | None, notes: list[str]) -> str:
    """The text of a part: decoded, lines by ``\\n``, without control characters."""
    text, note = decode_text(raw, charset)
    if note:
        notes.append(note)
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _capped(text: str, limit: int, contents: Contents) -> str:
    if len(text) <= limit:
        return text
    contents.notes.append(f"body of {len(text)} characters cut after {limit}")
    return text[:limit]


def _opened(part: Part, contents: Contents, envelopes: int) -> list[Passage]:
    """A signed S/MIME mail is opened; a signed file (an invoice, say) and an encrypted mail stay what they are."""
    inner = find_signed_content(part.content()[0]) if envelopes > 0 else None
    root, notes = parse_parts(inner or b"")
    if not inner or not root.headers.has("content-type"):
        if not inner and part.filename.lower() in _ENVELOPE_NAMES:
            contents.notes.append("S/MIME content that cannot be read without a key, kept as attachment")
        contents.files.append(file_from_part(part, contents.notes))
        return []
    contents.notes += ["S/MIME signature taken off, not checked", *notes]
    return _passages(root, contents, envelopes - 1)


def _note_protection(part: Part, contents: Contents) -> None:
    if part.type == "multipart/encrypted":
        contents.notes.append("encrypted (PGP), kept as attachment")
    elif part.type == "multipart/signed":
        contents.notes.append("signature not checked")


def _note_unreadable(part: Part, contents: Contents) -> None:
    if part.type in {"application/ms-tnef", "application/vnd.ms-tnef"} or part.filename.lower() == "winmail.dat":
        contents.notes.append("Outlook's own format (TNEF), kept as attachment")
