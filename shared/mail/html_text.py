"""Plain text from HTML, for reading, searching and finding quotes; the HTML is what ``sanitizing`` lets through."""

import re
from html import unescape

from shared.mail.sanitizing import TIGHT_PARAGRAPH

# More links than a person reads; beyond it their text stays and their address goes.
MAX_LINKS = 1_000

_TOKEN = re.compile(r"<(/?)([a-z][a-z0-9]*)([^>]*)>|([^<]+)")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_SPACES = re.compile(r"[ \t\n\r\f]+")
_BLOCKS = frozenset({"address", "article", "aside", "caption", "center", "dd", "details", "div", "dt", "figcaption"})
_BLOCKS |= {"figure", "footer", "header", "main", "nav", "section", "summary", "tbody", "tfoot", "thead", "tr"}
_PARAGRAPHS = frozenset({"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"})
_RULE = "_" * 32
_MAX_QUOTE_DEPTH = 20


def html_to_text(html: str, max_characters: int) -> str:
    """The text of canonical HTML, lines by ``\\n``: quotes with ``> ``, links followed by ``<address>``, cells by tabs.

    Stops after ``max_characters``.
    """
    page = _Page()
    for slash, name, attributes, text in _TOKEN.findall(html):
        if text:
            page.write(text)
        elif slash:
            page.end(name)
        else:
            page.begin(name, attributes)
        if page.length > max_characters:
            break
    return page.finish()


class _Page:
    """The text so far, and where in it we are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.length = 0
        self.quotes = 0
        self.preformatted = 0
        self.is_tight = False  # inside a paragraph that has no space around it
        self.lists: list[int] = []  # of each open list, the number of its next item; 0 for bullets
        self.links: list[tuple[str, int, int]] = []  # address, line and piece where its text begins
        self.links_shown = 0

    def write(self, text: str) -> None:
        """Text of the page, entities not yet undone."""
        if self.preformatted:
            first, *more = unescape(text).replace("\r\n", "\n").split("\n")
            self._append(first)
            for each in more:
                self._break()
                self._append(each)
            return
        text = _SPACES.sub(" ", text)
        if not self.line or self.line[-1][-1:] in {" ", "\t"}:
            text = text.removeprefix(" ")
        self._append(unescape(text) if "&" in text else text)

    def begin(self, name: str, attributes: str) -> None:
        """An opening tag."""
        if name == "br":
            self._break()
        elif name in _PARAGRAPHS:
            self._begin_paragraph(name, attributes)
        elif name == "li":
            self._begin_item()
        elif name in _BLOCKS:
            self._block()
        elif name in {"td", "th"}:
            self._cell()
        elif name == "hr":
            self._block()
            self._append(_RULE)
            self._block()
        elif name == "a":
            self.links.append((_attribute(attributes, "href"), len(self.lines), len(self.line)))
        elif name == "img" and (alt := _attribute(attributes, "alt").strip()):
            self._append(f"[{alt[:100]}]")

    def end(self, name: str) -> None:
        """A closing tag."""
        if name == "a":
            self._end_link()
        elif name in _PARAGRAPHS:
            self._end_paragraph(name)
        elif name in _BLOCKS or name == "li":
            self._block()

    def finish(self) -> str:
        """All of it, trailing white space out, never more than one empty line in a row."""
        self._block()
        return "\n".join(self.lines).strip()

    def _enter(self, name: str, attributes: str) -> None:
        if name == "blockquote":
            self.quotes += 1
        elif name == "pre":
            self.preformatted += 1
        elif name == "ol":
            start = _attribute(attributes, "start")[:6]
            self.lists.append(int(start) if start.isdecimal() and int(start) > 0 else 1)
        elif name == "ul":
            self.lists.append(0)

    def _leave(self, name: str) -> None:
        if name == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        elif name == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        elif name in {"ol", "ul"} and self.lists:
            self.lists.pop()

    def _append(self, text: str) -> None:
        if text:
            self.line.append(text)
            self.length += len(text)

    def _break(self) -> None:
        line = "".join(self.line).replace("\xa0", " ").rstrip()
        self.line.clear()
        line = line if self.preformatted else line.strip()
        prefix = "> " * min(self.quotes, _MAX_QUOTE_DEPTH)
        if not line and (not self.lines or not self.lines[-1].strip("> ")):
            self.lines[-1:] = [prefix.rstrip()] if self.lines else []  # an empty line belongs to what comes after it
            return
        self.lines.append((prefix + line).rstrip())
        self.length += len(prefix) + 1

    def _block(self) -> None:
        if self.line:
            self._break()

    def _begin_paragraph(self, name: str, attributes: str) -> None:
        self.is_tight = name == "p" and TIGHT_PARAGRAPH in attributes
        self._block()
        if not self.is_tight:
            self._break()
        self._enter(name, attributes)

    def _end_paragraph(self, name: str) -> None:
        self._block()
        self._leave(name)
        if not (name == "p" and self.is_tight):
            self._break()

    def _begin_item(self) -> None:
        self._block()
        number = self.lists[-1] if self.lists else 0
        self._append(f"{number}. " if number else "* ")
        if number:
            self.lists[-1] += 1

    def _cell(self) -> None:
        if self.line and self.line[-1] != "\t":
            self._append("\t")

    def _end_link(self) -> None:
        if not self.links:
            return
        address, line, piece = self.links.pop()
        said = "".join(self.line[piece:] if line == len(self.lines) else self.line).strip()
        bare = address.removeprefix("mailto:").removeprefix("tel:")
        if not bare or not said or _same(bare, said) or self.links_shown >= MAX_LINKS:
            return
        self.links_shown += 1
        self._append(f" <{bare}>")


def _attribute(attributes: str, name: str) -> str:
    return next((unescape(value) for found, value in _ATTRIBUTE.findall(attributes) if found == name), "")


def _same(address: str, said: str) -> bool:
    plain = [text.lower().removeprefix("https://").removeprefix("http://").rstrip("/") for text in (address, said)]
    return plain[0] == plain[1]
