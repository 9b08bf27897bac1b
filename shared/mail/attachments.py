"""Everything that came with a mail and is not its body."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from shared.mail.file_names import default_name, make_unique, safe_name
from shared.mail.headers import Headers, decode_value, split_headers
from shared.mail.message_ids import parse_message_id
from shared.mail.parts import Part

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail.

    ``name`` is safe for any file system and unique within the mail, ``type`` always ``type/subtype`` (as the sender
    claims, not examined), ``inline`` whether the HTML shows it, ``content_id`` without brackets.
    """

    name: str
    type: str
    content: bytes
    inline: bool
    content_id: str | None


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was found: name as sent (may be ``""``), content decoded, where the HTML may refer to it."""

    name: str
    type: str
    content: bytes
    content_id: str | None = None
    location: str | None = None


def file_from_part(part: Part, notes: list[str]) -> File:
    """The file that a leaf of the MIME tree is."""
    content, note = part.content()
    if note:
        notes.append(note)
    name = part.filename
    if not name and part.type == "message/rfc822":
        name = _name_of_message(content)
    content_id = parse_message_id(part.headers.text("content-id"))
    location = part.headers.text("content-location").replace(" ", "")
    return File(name, part.type, content, content_id[1:-1] if content_id else None, location or None)


def _name_of_message(content: bytes) -> str:
    fields, _, _ = split_headers(content, 0, len(content))
    subject = decode_value(Headers(fields).first("subject"))
    return f"{re.sub(r'[/\\]', '_', subject)[:100].strip(' .')}.eml" if subject else ""


def with_content_ids(files: Iterable[File]) -> list[File]:
    """``files``, those that the HTML may name by their ``Content-Location`` only with an id of our making."""
    return [
        replace(file, content_id=f"location-{number}@in-html") if file.location and not file.content_id else file
        for number, file in enumerate(files, start=1)
    ]


def content_ids(files: Iterable[File]) -> dict[str, str]:
    """Content id in lower case -> as written, of each that a reference in the HTML can mean."""
    found: dict[str, str] = {}
    for file in files:
        if file.content_id:
            found.setdefault(file.content_id.lower(), file.content_id)
    return found


def content_locations(files: Iterable[File]) -> dict[str, str]:
    """``Content-Location`` (and its undone percent signs) -> content id, of the files that have both."""
    found: dict[str, str] = {}
    for file in files:
        if file.location and file.content_id:
            for spelling in (file.location, unquote(file.location)):
                found.setdefault(spelling, file.content_id)
    return found


def attach(files: Iterable[File], referenced: frozenset[str]) -> tuple[Attachment, ...]:
    """Make attachments of ``files``: inline is what the HTML refers to, whatever the sender's disposition says.

    A content id that comes twice belongs to the first that has it.
    """
    taken: set[str] = set()
    claimed: set[str] = set()
    attachments: list[Attachment] = []
    for number, file in enumerate(files, start=1):
        content_id = file.content_id if file.content_id and file.content_id.lower() not in claimed else None
        claimed.add(content_id.lower() if content_id else "")
        type_ = file.type if _TYPE.fullmatch(file.type) else "application/octet-stream"
        name = make_unique(safe_name(file.name) or default_name(type_, number), taken)
        attachments.append(Attachment(name, type_, file.content, content_id in referenced, content_id))
    return tuple(attachments)
