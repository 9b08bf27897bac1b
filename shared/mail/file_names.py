"""Names of attachments: what a stranger wrote, made fit for a download on any system."""

import re
from unicodedata import normalize

from shared.mail.headers import one_line

# Windows allows 255 with the folder; this leaves room for one, and for " (2)".
MAX_LENGTH = 150
_MAX_EXTENSION = 20

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_PATH = re.compile(r"[/\\]")
# What mail programs call these when they show them.
_NAMES = {
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "message/delivery-status": "delivery-status.txt",
    "text/calendar": "invite.ics",
    "text/rfc822-headers": "headers.txt",
}
_EXTENSIONS = {
    "application/pdf": "pdf",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/pgp-signature": "asc",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/rfc822": "eml",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
}


def safe_name(name: str) -> str:
    """The last part of ``name`` without anything that a file system or a reader could be fooled by; may be ``""``."""
    name = _PATH.split(one_line(normalize("NFC", name)))[-1]
    name = _FORBIDDEN.sub("_", name).strip(" .")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _shortened(name)


def _shortened(name: str) -> str:
    if len(name) <= MAX_LENGTH:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _MAX_EXTENSION:
        return name[:MAX_LENGTH].rstrip(" .")
    return f"{stem[: MAX_LENGTH - len(extension) - 1].rstrip(' .')}.{extension}"


def default_name(type_: str, number: int) -> str:
    """A name for the ``number``-th attachment, of which only the type is known."""
    return _NAMES.get(type_) or f"attachment-{number}.{_EXTENSIONS.get(type_, 'bin')}"


def make_unique(name: str, taken: set[str]) -> str:
    """``name``, or ``name (2)``, ...: none in ``taken`` is the same or differs by capitals only. Is added to them."""
    unique, count = name, 1
    while unique.casefold() in taken:
        count += 1
        stem, dot, extension = name.rpartition(".")
        unique = f"{stem} ({count}).{extension}" if dot and stem else f"{name} ({count})"
    taken.add(unique.casefold())
    return unique
