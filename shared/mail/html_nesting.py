"""Keep hostile HTML from costing more than its length.

The HTML standard makes a parser open every unclosed formatting element again in every paragraph, and look through the
whole stack of open elements at many tags: a megabyte of ``<font><font>...<p><p>...`` then costs hours. So markup with
many tags is rewritten before the real parser sees it: every element that we let through is closed in order, and the
depth is capped. Only tags are dropped, never text.
"""

import re

# Below this a crafted mail costs at most some 100 ms, and ordinary mail is left as it is.
FEW_TAGS = 3_000
SHORT = 100_000  # characters; the attributes of one tag are compared with each other, so length alone can cost too
MAX_TAGS = 200_000
MAX_DEPTH = 100
MAX_ATTRIBUTES_LENGTH = 10_000  # a link of 8,000 characters is seen in newsletters
MAX_FORMATTING_DEPTH = 12

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:_-]{0,40})(?P<attributes>[^<>]*)>|<[!?/][^<>]*>?|<")
# The attribute syntax in which every reader agrees where the tag ends.
_PLAIN_ATTRIBUTES = re.compile(
    r"""(?:\s+[a-zA-Z_:][\w:.-]*+(?:\s*+=\s*+(?:"[^"]*"|'[^']*'|[^\s"'=<>`]++))?)*+\s*+/?""",
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr"}
)
# Closed by their successor or their parent without being told; counting them would nest what is a list.
_SELF_ENDING = frozenset(
    {"p", "li", "td", "th", "tr", "dt", "dd", "option", "thead", "tbody", "tfoot", "colgroup", "html", "head", "body"}
)
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)


def limit_nesting(html: str) -> tuple[str, str | None]:
    """``html`` such that parsing it takes time in proportion to its length; also a note when something was dropped."""
    if len(html) <= SHORT and html.count("<") <= FEW_TAGS:
        return html, None
    nesting = _Nesting()
    source = _without_comments(html)
    limited = _TAG.sub(nesting.rewrite, source)
    note = "HTML nested too deep or too long, some of its tags left out" if nesting.dropped else None
    return limited + nesting.close_all(), note


def _without_comments(html: str) -> str:
    pieces: list[str] = []
    position = 0
    while (start := html.find("<!--", position)) >= 0:
        pieces.append(html[position:start])
        end = html.find("-->", start + 4)
        if end < 0:
            return "".join(pieces)
        position = end + 3
    return "".join([*pieces, html[position:]])


class _Nesting:
    """The elements that are open, and what becomes of the next tag."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.formatting = 0
        self.tags = 0
        self.dropped = False

    def rewrite(self, tag: re.Match[str]) -> str:
        """The tag as it is let through; a ``<`` that begins none becomes text."""
        self.tags += 1
        if tag["name"] is None:
            return "&lt;" if tag[0] == "<" else ""
        name = tag["name"].lower()
        if self.tags > MAX_TAGS:
            self.dropped = True
            return " "
        if name in _SELF_ENDING:
            return f"<{tag['end']}{name}{_plain(tag['attributes'])}>"
        if name in _VOID:
            return "" if tag["end"] else f"<{name}{_plain(tag['attributes'])}>"
        return self._close(name) if tag["end"] else self._open(name, tag["attributes"])

    def close_all(self) -> str:
        """The end tags that are still owed."""
        return "".join(self._pop() for _ in range(len(self.open)))

    def _open(self, name: str, attributes: str) -> str:
        is_formatting = name in _FORMATTING
        if len(self.open) >= MAX_DEPTH or (is_formatting and self.formatting >= MAX_FORMATTING_DEPTH):
            self.dropped = True
            return ""
        self.open.append(name)
        self.formatting += is_formatting
        return f"<{name}{_plain(attributes)}>"

    def _close(self, name: str) -> str:
        if name not in self.open:
            return ""
        ends = [self._pop()]
        while ends[-1] != f"</{name}>":
            ends.append(self._pop())
        return "".join(ends)

    def _pop(self) -> str:
        name = self.open.pop()
        self.formatting -= name in _FORMATTING
        return f"</{name}>"


def _plain(attributes: str) -> str:
    is_short = len(attributes) <= MAX_ATTRIBUTES_LENGTH
    return attributes if is_short and _PLAIN_ATTRIBUTES.fullmatch(attributes) else ""
