"""Pictures that stand in the HTML itself as ``data:`` URLs, taken out so that the HTML stays small."""

import re
from dataclasses import dataclass

from shared.mail.transfer import decode_transfer

# A person pastes a few; beyond it they are left out with their URL.
MAX_PICTURES = 100

_DATA_URL = re.compile(
    r"""\bsrc\s{0,9}=\s{0,9}(?P<quote>["']?)data:(?P<type>image/(?:png|jpe?g|gif|webp|bmp));base64,"""
    r"""(?P<data>[A-Za-z0-9+/=%\s]*+)(?P=quote)""",
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
        content, _ = decode_transfer(match["data"].replace("%2B", "+").replace("%2F", "/").encode("ascii"), "base64")
        found.append(DataPicture(match["type"].lower(), content, f"picture-{len(found) + 1}@in-html"))
        return f'src="cid:{found[-1].content_id}"'

    return _DATA_URL.sub(take, html), tuple(found)
