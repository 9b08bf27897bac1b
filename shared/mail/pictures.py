"""Pictures that stand in the HTML itself as ``data:`` URLs, taken out so that the HTML stays small."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from shared.mail.transfer import decode_transfer

# A person pastes a few; beyond it they are left out with their URL.
MAX_PICTURES = 100

_TYPE = r"image/(?:png|jpe?g|gif|webp|bmp)"
_DATA_URL = re.compile(
    rf"""\bsrc\s{{0,9}}=\s{{0,9}}(?:"""
    rf"""(?P<quote>["'])data:(?P<type>{_TYPE});base64,(?P<data>[A-Za-z0-9+/=%\s]*+)(?P=quote)"""
    rf"""|data:(?P<bare_type>{_TYPE});base64,(?P<bare_data>[A-Za-z0-9+/=%]*+))""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DataPicture:
    """A picture that was written into the HTML: ``type`` as claimed, ``content_id`` as we chose it."""

    type: str
    content: bytes
    content_id: str


def extract_data_pictures(html: str) -> tuple[str, tuple[DataPicture, ...]]:
    """``html`` with every ``src="data:image/..."`` made a ``src="cid:..."``, and those pictures in order."""
    if "data:image/" not in html:
        return html, ()
    found: list[DataPicture] = []

    def take(match: re.Match[str]) -> str:
        if len(found) >= MAX_PICTURES:
            return 'src=""'
        data = unquote_to_bytes(match["data"] or match["bare_data"] or "")
        content, _ = decode_transfer(data, "base64")
        type_ = (match["type"] or match["bare_type"]).lower()
        found.append(DataPicture(type_, content, f"picture-{len(found) + 1}@in-html"))
        return f'src="cid:{found[-1].content_id}"'

    return _DATA_URL.sub(take, html), tuple(found)
