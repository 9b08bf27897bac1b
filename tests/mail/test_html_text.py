import pytest

from shared.mail.html_text import MAX_LINKS, html_to_text
from shared.mail.sanitizing import sanitize


def _text(html: str) -> str:
    return html_to_text(sanitize(html, {}, {}).html, 100_000)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<div><div><div>a</div></div></div>b", "a\nb"),
        ("  a \n  b\t c  ", "a b c"),
        ("a <b> b</b> c", "a b c"),
        ("a&nbsp;&nbsp;b &amp;lt; &lt;", "a  b &lt; <"),
        ("<p>a</p><p>&nbsp;</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
        ("<ul><li>a<li>b</ul>", "* a\n* b"),
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol start=3><li>a</ol>", "3. a"),
        ("<ol start=x><li>a</ol>", "1. a"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n\n* b\n\n2. c"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("<pre>a  b\n c</pre>d", "a  b\n c\n\nd"),
        ("a<hr>b", f"a\n{'_' * 32}\nb"),
        ('<a href="https://x.test/y">a</a>', "a <https://x.test/y>"),
        ('<a href="https://x.test/">x.test</a>', "x.test"),
        ('<a href="mailto:a@x.test">a@x.test</a>', "a@x.test"),
        ('<a href="https://x.test/"></a>', ""),
        ('<img src="cid:x" alt="a picture">', "[a picture]"),
        ("<h1>a</h1>b", "a\n\nb"),
        (
            "<p class=MsoNormal>a</p><p class=MsoNormal>b</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>c</p>",
            "a\nb\n\nc",
        ),
        ("<p class=MsoNormal>a</p><p class=x>b</p>", "a\n\nb"),
        ("", ""),
    ],
)
def test_html_becomes_lines(html: str, text: str) -> None:
    assert _text(html) == text


def test_beyond_the_cap_links_lose_their_address_only() -> None:
    text = _text("".join(f'<a href="https://x.test/{number}">link{number}</a> ' for number in range(MAX_LINKS + 10)))
    assert text.count("<https://") == MAX_LINKS
    assert f"link{MAX_LINKS + 9}" in text


def test_it_stops_in_time() -> None:
    assert len(html_to_text("<p>words</p>" * 10_000, 1_000)) < 1_100
