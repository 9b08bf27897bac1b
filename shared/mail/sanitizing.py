"""HTML as it may be shown: nothing active, nothing fetched from elsewhere.

nh3 parses as a browser does and lets through what is listed here. Its output is canonical (attributes in double quotes,
``<`` and ``>`` escaped inside them), so what follows may work on it with regular expressions; a test holds nh3 to that.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from urllib.parse import quote, unquote

import nh3

from shared.mail.html_nesting import limit_nesting


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn "
    "div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q "
    "rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul "
    "var wbr"
)
_DROPPED_WITH_CONTENT = _words(
    "script style title noscript template iframe frame frameset noframes object embed applet audio video canvas svg "
    "math select xml"
)
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"align", "dir", "lang", "style", "title", "valign", "bgcolor", "width", "height"}),
    "a": frozenset({"href"}),
    "blockquote": frozenset({"type"}),
    "col": frozenset({"span"}),
    "font": frozenset({"color", "face", "size"}),
    "img": frozenset({"alt", "src"}),
    "ol": frozenset({"start", "type"}),
    "table": frozenset({"border", "cellpadding", "cellspacing"}),
    "td": frozenset({"colspan", "rowspan", "nowrap"}),
    "th": frozenset({"colspan", "rowspan", "nowrap"}),
}
# Word's paragraphs have no space between them; without their style sheet only the name tells.
TIGHT_PARAGRAPH = "MsoNormal"
# None of these can name a URL or take the element out of its place.
_STYLES = _words(
    "background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width border-collapse "
    "border-color border-left border-right border-spacing border-style border-top border-width color direction "
    "font-family font-size font-style font-variant font-weight height letter-spacing line-height list-style-type "
    "margin margin-bottom margin-left margin-right margin-top max-width padding padding-bottom padding-left "
    "padding-right padding-top text-align text-decoration text-indent text-transform vertical-align white-space width "
    "word-break word-wrap"
)
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "cid"})

_PICTURE = re.compile(r"<img\b[^>]*>")
_SOURCE = re.compile(r' src="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Sanitized:
    """HTML that may be shown, and the content ids (as the caller spells them) of the pictures it shows."""

    html: str
    referenced: frozenset[str]
    missing: frozenset[str]
    note: str | None


def sanitize(html: str, pictures: Mapping[str, str], locations: Mapping[str, str]) -> Sanitized:
    """Make the HTML of a stranger harmless.

    ``pictures``: content id in lower case -> as the attachment has it; ``locations``: ``Content-Location`` -> content
    id. A picture of this mail stays as ``src="cid:ID"`` with exactly that id, percent-encoded; one that would be
    fetched from elsewhere keeps its address in ``data-remote-src`` only, which no browser loads. Of classes only
    ``MsoNormal`` stays: a paragraph without space around it.
    """
    limited, note = limit_nesting(html)
    clean = (_cleaner_for(locations) if locations else _cleaner()).clean(limited)
    shown = _Pictures(pictures, locations)
    rewritten = _PICTURE.sub(shown.rewrite, clean) if "<img" in clean else clean
    return Sanitized(rewritten, frozenset(shown.referenced), frozenset(shown.missing), note)


@cache
def _cleaner() -> nh3.Cleaner:
    return _make_cleaner("deny")


def _cleaner_for(locations: Mapping[str, str]) -> nh3.Cleaner:
    def resolve(url: str) -> str | None:
        content_id = locations.get(url)
        return None if content_id is None else f"cid:{quote(content_id)}"

    return _make_cleaner(resolve)


def _make_cleaner(relative: Callable[[str], str | None] | str) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        tag_attribute_values={"p": {"class": {TIGHT_PARAGRAPH}}},
        filter_style_properties=_STYLES,
        url_schemes=_SCHEMES,
        url_relative=relative,  # type: ignore[arg-type]  # nh3 says Literal where it means these two
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


class _Pictures:
    """Rewrites the pictures of canonical HTML one after the other, and remembers which of the mail's they were."""

    def __init__(self, pictures: Mapping[str, str], locations: Mapping[str, str]) -> None:
        self.pictures, self.locations = pictures, locations
        self.referenced: set[str] = set()
        self.missing: set[str] = set()

    def rewrite(self, tag: re.Match[str]) -> str:
        """One ``<img ...>`` with its source decided."""
        return _SOURCE.sub(lambda source: self._decide(unescape(source[1])), tag[0])

    def _decide(self, url: str) -> str:
        if url in self.locations:
            return self._own(self.locations[url])
        if url[:4].lower() == "cid:":
            content_id = unquote(url[4:]).strip().strip("<>")
            return self._own(self.pictures.get(content_id.lower(), content_id))
        return f' data-remote-src="{escape(url)}"' if url[:4].lower() == "http" else ""

    def _own(self, content_id: str) -> str:
        known = self.pictures.get(content_id.lower()) is not None
        (self.referenced if known else self.missing).add(content_id)
        return f' src="cid:{quote(content_id)}"'
