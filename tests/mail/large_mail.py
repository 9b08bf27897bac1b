"""Mails too large to keep in the repository, built when they are needed.

``python -m tests.mail.large_mail FOLDER`` writes them as files, to be delivered by hand.
"""

import base64
import sys
from pathlib import Path

_HEADER = b"From: Jane Doe <jane@example.com>\r\nTo: help@example.org\r\nDate: Mon, 02 Nov 2026 09:12:00 +0100\r\n"
_PDF = bytes(range(256)) * 4096  # one megabyte


def _mail(name: str, content_type: str, body: bytes) -> bytes:
    own = f"Subject: {name}\r\nMessage-ID: <{name}@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: {content_type}"
    return _HEADER + own.encode("ascii") + b"\r\n\r\n" + body


def attachment_of_megabytes(megabytes: int) -> bytes:
    """A mail with one attachment of that size (before base64)."""
    content = base64.encodebytes(_PDF * megabytes).replace(b"\n", b"\r\n")
    parts = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n",
        b"--b\r\nContent-Type: application/pdf; name=big.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    )
    return _mail(f"attachment-{megabytes}-mb", "multipart/mixed; boundary=b", b"".join([*parts, content, b"--b--\r\n"]))


def html_with_links(count: int) -> bytes:
    """A newsletter of nothing but links."""
    links = (f'<a href="https://example.org/page/{i}?a=1&amp;b=2">page {i}</a>\r\n' for i in range(count))
    return _mail(f"{count}-links", "text/html; charset=utf-8", "".join(links).encode("ascii"))


def html_of_megabytes(megabytes: int) -> bytes:
    """Ordinary Outlook markup, very much of it."""
    line = b'<p class="MsoNormal" style="margin:0cm"><span lang="EN-US">Some words.<o:p></o:p></span></p>\r\n'
    return _mail(f"html-{megabytes}-mb", "text/html; charset=utf-8", line * (megabytes * 1_000_000 // len(line)))


def multiparts_nested(levels: int) -> bytes:
    """A multipart in a multipart in a multipart."""
    opening = (b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (i, i + 1) for i in range(levels))
    return _mail(f"nested-{levels}", "multipart/mixed; boundary=b0", b"".join(opening) + b"the bottom")


def text_of_megabytes(megabytes: int) -> bytes:
    """A log file that somebody pasted in."""
    return _mail(f"text-{megabytes}-mb", "text/plain", b"0123456789 abcdefg\r\n" * (megabytes * 50_000))


def all_large_mails() -> dict[str, bytes]:
    """Name -> raw mail."""
    return {
        "attachment-30-mb": attachment_of_megabytes(30),
        "html-10000-links": html_with_links(10_000),
        "html-5-mb": html_of_megabytes(5),
        "nested-5000": multiparts_nested(5_000),
        "text-3-mb": text_of_megabytes(3),
    }


if __name__ == "__main__":
    for name, raw in all_large_mails().items():
        (Path(sys.argv[1]) / f"{name}.eml").write_bytes(raw)
