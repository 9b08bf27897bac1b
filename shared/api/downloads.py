"""Files that strangers sent, given out so that no browser runs them."""

from urllib.parse import quote

from starlette.responses import Response

_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser may show in place; anything else, HTML and SVG above all, is saved and never opened here."""
_SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def download(data: bytes, name: str, content_type: str) -> Response:
    """A file as an answer: pictures as they are, ``message/rfc822`` and the rest to be saved."""
    shown = content_type in _SHOWN
    kept = content_type if shown or content_type == "message/rfc822" else "application/octet-stream"
    disposition = f"{'inline' if shown else 'attachment'}; {_file_name(name)}"
    return Response(data, 200, {**_SAFE_HEADERS, "Content-Disposition": disposition}, kept)


def _file_name(name: str) -> str:
    """Both forms of RFC 6266: plain ASCII, and the name itself in UTF-8, percent-encoded."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in " ._-()") else "_" for char in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
