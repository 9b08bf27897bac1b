"""From the bytes of a mail to what the desk needs to know about it. Pure: no I/O, no clock, no surprise.

Whatever is broken is mended or left out, with a note for the admin; the raw mail is kept elsewhere.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.mail.addresses import Address, parse_addresses
from shared.mail.attachments import Attachment, attach, content_ids, content_locations, with_content_ids
from shared.mail.automatic import OWN_HEADER, Automatic, decide_automatic
from shared.mail.bodies import MAX_TEXT_CHARACTERS, Contents, take_apart
from shared.mail.charsets import decode_text
from shared.mail.dates import parse_date
from shared.mail.headers import Headers, as_text, one_line
from shared.mail.invitations import summarize_invitation
from shared.mail.message_ids import parse_message_id, parse_message_ids
from shared.mail.parts import Part, parse_parts
from shared.mail.quoting import find_new_text

__all__ = ["Address", "Attachment", "Automatic", "Mail", "UnreadableMail", "parse_mail"]

# Outlook stops at 255; what is longer is a body in the wrong place.
MAX_SUBJECT_LENGTH = 500
MAX_NOTES = 50
_EMPTY_LINE = re.compile(rb"\n\r*\n")
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_FIELDS_OF_MAIL = ("from", "sender", "to", "subject", "content-type")
_SAMPLE = 4_000
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LONGEST_STAND_IN = 400
# "Your mail program cannot show HTML", or the HTML itself, put in for a text that nobody wrote.
_STAND_IN = re.compile(
    rf"(?=[\s\S]{{0,{_LONGEST_STAND_IN}}}\Z)[\s\S]*\b(?:html|browser|navigateur|navegador)\b"
    r"|\s*<(?:!doctype html|html|head|body|div|table|p)\b",
    re.IGNORECASE,
)


class UnreadableMail(Exception):
    """Nothing can be made of the bytes; the argument says why."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, decoded.

    ``message_id``, ``in_reply_to`` and ``references`` are spelled ``<...>``; at most 50 references are kept, the first
    five and the last ones. ``subject`` has no control characters and at most 500. ``sender`` is ``From``, else
    ``Sender``, ``Reply-To``, ``Return-Path``. ``date`` is UTC, None when missing, unreadable or outside 1990 to 2089.
    ``text`` is the whole body, ``new_text`` what is not quoted or signature, ``html`` harmless HTML whose own pictures
    are ``cid:`` of an attachment's ``content_id``; at most a million characters each. ``notes`` says what was mended.
    ``own_mark`` is what the header of our own mail says, for the caller to check its signature; when that is forged,
    ``automatic_by_signs`` is what counts: it does not look at the mark.
    """

    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    text: str
    html: str | None
    new_text: str
    attachments: tuple[Attachment, ...]
    automatic: Automatic
    notes: tuple[str, ...]
    own_mark: str = ""
    automatic_by_signs: Automatic = Automatic.NONE


def parse_mail(raw: bytes) -> Mail:
    """Read a mail as it came over the wire.

    Raises UnreadableMail only for bytes without any content; takes time in proportion to their length.
    """
    if not raw.strip(b" \t\r\n\x00"):
        raise UnreadableMail("the mail is empty")
    root, notes = parse_parts(_with_line_ends(raw))
    if _is_no_mail(root):
        root.type, notes = "application/octet-stream", (*notes, "no header of a mail and no text, kept as attachment")
    contents = take_apart(root)
    contents.notes[:0] = notes
    return _assemble(root.headers, root, contents)


def _with_line_ends(raw: bytes) -> bytes:
    """Without a byte order mark, without empty lines on top, and with line feeds where there were only returns.

    A server on the way puts its own headers, with whole line ends, above a mail that has but returns.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    has_only_returns = b"\n" not in raw or (b"\r\r" in raw and not _EMPTY_LINE.search(raw))
    return _LONE_RETURN.sub(b"\n", raw) if has_only_returns else raw


def _is_no_mail(root: Part) -> bool:
    """A picture, say, that was sent under a wrong name: no field that mail has, and no text."""
    sample = root.encoded()[:_SAMPLE]
    is_binary = len(_NO_TEXT.findall(sample)) * 20 > len(sample)
    return is_binary and not any(root.headers.has(name) for name in _FIELDS_OF_MAIL)


def _assemble(headers: Headers, root: Part, contents: Contents) -> Mail:
    body_html, referenced = _shown_html(contents)
    subject, text = _subject(headers, contents.notes), _whole_text(contents, body_html)
    in_reply_to, references = (parse_message_ids(headers.text(name)) for name in ("in-reply-to", "references"))
    by_signs = decide_automatic(headers, _report_type(root), _has_delivery_status(root))
    return Mail(
        message_id=parse_message_id(headers.text("message-id")),
        in_reply_to=in_reply_to,
        references=references,
        subject=subject,
        sender=_sender(headers, contents.notes),
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        date=_date(headers, contents.notes),
        text=text,
        html=body_html,
        new_text=find_new_text(text, subject, is_threaded=bool(in_reply_to or references)),
        attachments=attach(contents.files, referenced),
        automatic=Automatic.OWN if headers.has(OWN_HEADER) else by_signs,
        notes=tuple(dict.fromkeys(one_line(note)[:200] for note in contents.notes))[:MAX_NOTES],
        own_mark=headers.text(OWN_HEADER)[:200],
        automatic_by_signs=by_signs,
    )


def _subject(headers: Headers, notes: list[str]) -> str:
    subject = headers.text("subject")
    if len(subject) > MAX_SUBJECT_LENGTH:
        notes.append(f"subject of {len(subject)} characters cut after {MAX_SUBJECT_LENGTH}")
    return subject[:MAX_SUBJECT_LENGTH].rstrip()


def _addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    return parse_addresses(", ".join(as_text(value, headers.charset) for value in headers.every(name)))


def _sender(headers: Headers, notes: list[str]) -> Address | None:
    for name in ("from", "sender", "reply-to", "return-path"):
        found = _addresses(headers, name)
        if found:
            if name != "from":
                notes.append(f"no valid From, sender taken from {name.title()}")
            return found[0]
    notes.append("no valid sender address")
    return None


def _date(headers: Headers, notes: list[str]) -> datetime | None:
    date = parse_date(headers.text("date"))
    if date is None:
        notes.append("date unbelievable" if headers.has("date") else "no date")
    return date


def _shown_html(contents: Contents) -> tuple[str | None, frozenset[str]]:
    """The sanitized HTML, and the content ids of the pictures that it shows."""
    source = contents.html
    if source is None:
        return None, frozenset()
    # On first use: two mails in ten have no HTML, and a process that only looks at headers needs no HTML parser.
    from shared.mail.sanitizing import sanitize  # noqa: PLC0415 - as said above

    contents.files = with_content_ids(contents.files)
    clean = sanitize(source, content_ids(contents.files), content_locations(contents.files))
    if clean.note:
        contents.notes.append(clean.note)
    if clean.missing:
        contents.notes.append(f"{len(clean.missing)} pictures referred to that the mail does not have")
    return clean.html, clean.referenced


def _whole_text(contents: Contents, clean_html: str | None) -> str:
    """The body as plain text: the sender's, else what the HTML says, else what the invitation is about."""
    plain = contents.plain
    if plain is not None and plain.strip() and not (clean_html and _STAND_IN.match(plain[: _LONGEST_STAND_IN + 1])):
        return plain.strip("\n")
    if clean_html is not None:
        from shared.mail.html_text import html_to_text  # noqa: PLC0415  # as above

        return html_to_text(clean_html, MAX_TEXT_CHARACTERS)[:MAX_TEXT_CHARACTERS]
    calendar = next((file.content for file in contents.files if file.type == "text/calendar"), b"")
    return summarize_invitation(decode_text(calendar, "utf-8")[0]) if calendar else ""


def _report_type(root: Part) -> str:
    return root.parameters.get("report-type", "").lower() if root.type == "multipart/report" else ""


def _has_delivery_status(root: Part) -> bool:
    return any(child.type == "message/delivery-status" for child in root.children)
