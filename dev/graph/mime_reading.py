"""Reads MIME as generously as Exchange does: whatever arrives becomes a message, nothing is refused, nothing raises."""

import contextlib
import html
import re
import uuid
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from quopri import decodestring

_ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_ENCODED_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?)")
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_PREFIXES = re.compile(r"^\s*((re|fw|fwd|aw|wg)\s*:\s*)+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PREVIEW_LENGTH = 255
_DEEPEST = 30

type Mailbox = tuple[str, str]
"""A display name and an address."""


@dataclass(frozen=True)
class Headers:
    """What the head of a mail says; every text is clean Unicode."""

    subject: str
    sender: Mailbox | None
    author: Mailbox | None
    to: list[Mailbox]
    cc: list[Mailbox]
    bcc: list[Mailbox]
    reply_to: list[Mailbox]
    sent: datetime | None
    importance: str
    topic: str
    wants_receipt: bool
    every: list[tuple[str, str]]


@dataclass(frozen=True)
class Content:
    """The body that Exchange would show, as text and as HTML, and whether there are attachments beside inline ones."""

    text: str
    html: str
    has_attachments: bool

    @property
    def preview(self) -> str:
        """The first 255 characters, without needless white space."""
        return " ".join(self.text.split())[:_PREVIEW_LENGTH]


def with_message_id(raw: bytes) -> tuple[bytes, str]:
    """The mail and its Message-ID; a mail without one gets one at its top, as from Exchange's transport."""
    if not raw.strip():
        return raw, ""  # a damaged item: it has an entry in the folder and no content
    found = _MESSAGE_ID.search(_head(raw))
    name = clean(found.group(1).decode("utf-8", "replace")).strip() if found else ""
    if name:
        return raw, name
    name = f"<{uuid.uuid4().hex.upper()}@DB9PR01MB4321.eurprd01.prod.outlook.com>"
    return b"Message-ID: " + name.encode() + b"\r\n" + raw, name


def read_headers(raw: bytes) -> Headers:
    """The head only: cheap however big the mail is."""
    every = [(name, unfolded(value)) for name, value in message_from_bytes(_head(raw)).raw_items()]
    first: dict[str, str] = {}
    for name, value in reversed(every):
        first[name.lower()] = value
    subject = decoded(first.get("subject", ""))
    author = _first(_mailboxes(every, "from"))
    return Headers(
        subject=subject,
        author=author,
        sender=_first(_mailboxes(every, "sender")) or author,
        to=_mailboxes(every, "to"),
        cc=_mailboxes(every, "cc"),
        bcc=_mailboxes(every, "bcc"),
        reply_to=_mailboxes(every, "reply-to"),
        sent=_moment(first.get("date", "")),
        importance=_importance(first),
        topic=_PREFIXES.sub("", subject).strip().lower(),
        wants_receipt="disposition-notification-to" in first,
        every=[(name, decoded(value)) for name, value in every],
    )


def read_content(raw: bytes) -> Content:
    """Body and attachments; a mail that the parser cannot cope with has an empty body."""
    try:
        parts = list(_leaves(message_from_bytes(raw), 0))
    except Exception:  # noqa: BLE001 - hostile MIME can break the standard parser in many ways; Exchange shows such a mail
        parts = []
    bodies = {part.get_content_type(): part for part in reversed(parts) if _is_body(part)}
    plain, rich = bodies.get("text/plain"), bodies.get("text/html")
    shown = [part for part in (plain, rich) if part is not None]
    attached = any(part not in shown and not _is_inline(part) for part in parts)
    text = _text(plain) if plain is not None else ""  # a part without headers is false
    markup = _text(rich) if rich is not None else text_to_html(text)
    return Content(text if plain is not None else html_to_text(markup), markup, attached)


def clean(text: str) -> str:
    """Without lone surrogates and control characters, which no JSON text of Graph has."""
    return _CONTROL.sub("", text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def unfolded(value: object) -> str:
    """A header value on one line."""
    return clean(re.sub(r"\r?\n[ \t]*", " ", str(value))).strip()


def decoded(value: str) -> str:
    """RFC 2047 encoded words turned into text; what cannot be decoded stays as it is."""
    return clean(_ENCODED_WORD.sub(_decode_word, _BETWEEN_ENCODED_WORDS.sub(r"\1", value)))


def text_to_html(text: str) -> str:
    """Plain text in the HTML page that Exchange makes of it."""
    lines = "<br>\r\n".join(html.escape(text, quote=False).splitlines())
    head = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    return f'<html><head>\r\n{head}</head><body>\r\n<div class="PlainText">{lines}</div>\r\n</body></html>'


def html_to_text(markup: str) -> str:
    """The visible text of an HTML page."""
    reader = _TextOfHtml()
    with contextlib.suppress(AssertionError):  # how the standard parser refuses some declarations
        reader.feed(markup)
        reader.close()
    return "".join(reader.pieces).strip()


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base class names it
        self._hidden += tag in ("style", "script", "head")
        if tag in ("br", "p", "div", "tr", "li"):
            self.pieces.append("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "head"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _head(raw: bytes) -> bytes:
    ends = [end for end in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if end >= 0]
    return raw[: min(ends) + 2] if ends else raw


def _decode_word(found: re.Match[str]) -> str:
    charset, encoding, data = found.groups()
    try:
        if encoding in "bB":
            raw = b64decode(data + "=" * (-len(data) % 4))
        else:
            raw = decodestring(data.replace("_", "=20").encode("ascii", "replace"), header=True)
        return raw.decode(charset.split("*")[0], "replace")
    except (ValueError, LookupError):
        return found.group(0)


def _mailboxes(every: list[tuple[str, str]], name: str) -> list[Mailbox]:
    values = [value for header, value in every if header.lower() == name]
    try:
        pairs = getaddresses(values, strict=False)
    except (ValueError, IndexError, TypeError):
        return []
    return [(decoded(shown) or clean(address), clean(address)) for shown, address in pairs if shown or address]


def _first(found: list[Mailbox]) -> Mailbox | None:
    return found[0] if found else None


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _importance(first: dict[str, str]) -> str:
    stated = first.get("importance", "").strip().lower()
    if stated in ("low", "normal", "high"):
        return stated
    return {"1": "high", "2": "high", "4": "low", "5": "low"}.get(first.get("x-priority", "")[:1], "normal")


def _leaves(part: Message, depth: int) -> Iterator[Message]:
    """The parts that are no containers; an attached mail counts as one part."""
    inside = part.get_payload()
    if part.get_content_maintype() == "multipart" and isinstance(inside, list) and depth < _DEEPEST:
        for child in inside:
            if isinstance(child, Message):
                yield from _leaves(child, depth + 1)
    else:
        yield part


def _is_body(part: Message) -> bool:
    return part.get_content_maintype() == "text" and _disposition(part) != "attachment" and not part.get_filename()


def _is_inline(part: Message) -> bool:
    return _disposition(part) == "inline" or (part.get("Content-ID") is not None and _disposition(part) != "attachment")


def _disposition(part: Message) -> str:
    try:
        return str(part.get_content_disposition() or "")
    except (ValueError, TypeError):
        return ""


def _text(part: Message) -> str:
    try:
        raw = part.get_payload(decode=True)
        data = raw if isinstance(raw, bytes) else b""
        charset = part.get_content_charset() or "utf-8"
    except (ValueError, TypeError, LookupError):
        return ""
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return text.replace("\x00", "")
