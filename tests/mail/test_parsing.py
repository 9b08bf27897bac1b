"""parse_mail as a whole: what holds for every mail, hostile ones first, and how long it may take."""

import json
import time
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.mail.automatic import Automatic
from shared.mail.parsing import MAX_NOTES, MAX_SUBJECT_LENGTH, Mail, UnreadableMail, parse_mail
from tests.mail import large_mail

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "corpus" / "mail").glob("*.eml"))]
SMALL = [raw for raw in CORPUS if len(raw) < 20_000]
# Pieces at which parsers stumble, to be put into good mails.
STUMBLING = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b"--b1",
        b"--b1--",
        b"=?utf-8?B?",
        b"?=",
        b"<",
        b">",
        b'"',
        b"\\",
        b"(",
        b";",
        b"=",
    ),
    *(
        b"\x1b$B",
        b"\xff\xfe",
        b"+2AA-",
        b"&#xD800;",
        b"begin 644 x\n",
        b"> ",
        b"On 1.1. x wrote:\n",
        b"<script>",
        b"%00",
    ),
    *(
        b"charset=utf-7",
        b"charset=utf-16",
        b"charset=hz",
        b"base64",
        b"boundary=",
        b"multipart/mixed",
        b"cid:",
        b"<pre>",
    ),
]
ACTIVE_TAGS = {"script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "link", "meta", "base"}


@st.composite
def mutated_mails(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(st.sampled_from(SMALL)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(raw)))
        length = draw(st.sampled_from([0, 0, 1, 20]))
        piece = draw(st.sampled_from(STUMBLING) | st.binary(max_size=12))
        raw[at : at + length] = piece
    return bytes(raw)


def _holds_for_every_mail(mail: Mail) -> None:
    json.dumps(asdict(mail), default=str, ensure_ascii=False).encode("utf-8")
    names = [mail.subject, *(each.name for each in mail.attachments), *mail.notes]
    names += [each.name for each in (mail.sender, *mail.to, *mail.cc, *mail.reply_to) if each]
    assert not [name for name in names if any(category(letter) == "Cc" for letter in name)]
    assert len(mail.subject) <= MAX_SUBJECT_LENGTH
    assert len(mail.notes) <= MAX_NOTES
    assert bool(mail.new_text) == bool(mail.text.strip())
    assert len({each.name.casefold() for each in mail.attachments}) == len(mail.attachments)
    assert not [each.name for each in mail.attachments if not each.name or set(each.name) & set('/\\:*?"<>|')]
    if mail.html is not None:
        assert _active_content(mail.html) == []


def _active_content(html: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            bad = [f"{name}={value}" for name, value in attrs if _is_active(tag, name, value or "")]
            found.extend(
                [tag] if tag in ACTIVE_TAGS else [],
            )
            found.extend(bad)

    Reader().feed(html)
    return found


def _is_active(tag: str, name: str, value: str) -> bool:
    """A script, or anything that a browser would fetch without a click."""
    scheme = value.strip().lower().partition(":")[0]
    if name == "src":
        return scheme != "cid" or tag != "img"
    if name == "href":
        return scheme not in {"http", "https", "mailto", "tel", "cid"}
    return name.startswith("on") or name in {"srcset", "background", "poster", "action"} or "url(" in value.lower()


def test_every_law_holds_for_the_corpus() -> None:
    for raw in CORPUS:
        _holds_for_every_mail(parse_mail(raw))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_are_a_mail_or_unreadable(raw: bytes) -> None:
    try:
        mail = parse_mail(raw)
    except UnreadableMail:
        assert not raw.strip(b" \t\r\n\x00")
    else:
        _holds_for_every_mail(mail)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_mails())
def test_broken_mails_are_mended(raw: bytes) -> None:
    _holds_for_every_mail(parse_mail(raw))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("<>/='\" abipscrt!-&;:#0xjavu()\n")), max_size=300))
def test_no_html_stays_active(html: str) -> None:
    mail = parse_mail(b"From: a@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode("utf-8"))
    _holds_for_every_mail(mail)


@pytest.mark.parametrize("above", [b"", b"Received: from a by b\r\nMessage-ID: <a@b>\r\n\r\n"])
def test_a_file_that_is_no_mail_is_an_attachment(above: bytes) -> None:
    mail = parse_mail(above + b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 4)
    assert (mail.text, len(mail.attachments)) == ("", 1)
    assert any("no header of a mail" in note for note in mail.notes)


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b" \t\n\x00\x00\r\n"])
def test_only_nothing_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableMail, match="empty"):
        parse_mail(raw)


def test_the_same_bytes_give_the_same_mail() -> None:
    assert [parse_mail(raw) for raw in SMALL[:50]] == [parse_mail(raw) for raw in SMALL[:50]]


def test_an_ordinary_mail_needs_no_mending() -> None:
    raw = b"From: a@example.com\r\nDate: Mon, 02 Nov 2026 09:12:00 +0100\r\n\r\nHello"
    mail = parse_mail(raw)
    assert (mail.text, mail.new_text, mail.html, mail.automatic, mail.notes) == (
        "Hello",
        "Hello",
        None,
        Automatic.NONE,
        (),
    )


def test_our_own_mark_comes_first_and_hides_nothing() -> None:
    mail = parse_mail(b"From: a@example.com\r\nX-Deskbridge: v1 x\r\nAuto-Submitted: auto-replied\r\n\r\nHello")
    assert (mail.automatic, mail.own_mark, mail.automatic_by_signs) == (Automatic.OWN, "v1 x", Automatic.AUTO_REPLY)


# Generous bounds: what they are to catch is a parser that takes minutes, on any machine and under load.
@pytest.mark.parametrize(("name", "raw"), large_mail.all_large_mails().items(), ids=lambda value: str(value)[:20])
def test_large_mails_are_read_in_time(name: str, raw: bytes) -> None:
    begun = time.perf_counter()
    mail = parse_mail(raw)
    assert time.perf_counter() - begun < 15, name
    assert mail.sender is not None


def test_thirty_megabytes_come_out_whole() -> None:
    (attachment,) = parse_mail(large_mail.attachment_of_megabytes(30)).attachments
    assert (attachment.name, len(attachment.content)) == ("big.pdf", 30 * 1024 * 1024)
    assert attachment.content[:512] == bytes(range(256)) * 2


def test_ten_thousand_links_all_stay() -> None:
    mail = parse_mail(large_mail.html_with_links(10_000))
    assert mail.html is not None
    assert mail.html.count("<a ") == 10_000
    assert "page 9999" in mail.text


STORMS = [
    b",",
    b'\\"',
    b'"',
    b"(",
    b"<",
    b"=?a?q?x",
    b"=?utf-8?q?a?= ",
    b";a=",
    b';a="',
    b"a@b,",
    b" ",
    b"\xff",
    b"<a@",
]
FIELDS = [b"Subject", b"To", b"Content-Type", b"Content-Disposition", b"References", b"Date"]


@pytest.mark.parametrize("unit", STORMS)
def test_no_header_field_takes_more_than_its_length(unit: bytes) -> None:
    """One hundred kilobytes of commas once took seven minutes."""
    for name in FIELDS:
        raw = b"From: a@example.com\r\n" + name + b": " + unit * (100_000 // len(unit)) + b"\r\n\r\nbody"
        begun = time.perf_counter()
        parse_mail(raw)
        assert time.perf_counter() - begun < 5, name


BODY_STORMS = [
    *(
        b"\n",
        b"a \n",
        b"> \n",
        b">",
        b"On a\n",
        b"On a wrote:\n",
        b"From: a\n",
        b"-- \n",
        b":\n",
        b"-----\n",
        b"Regards\n",
    ),
    *(b"begin 644 x\n", b"begin 644 x\n\n", b"--b\n", b"##- a -##x\n"),
]


@pytest.mark.parametrize("unit", BODY_STORMS)
@pytest.mark.parametrize("kind", [b"text/plain", b"text/plain; format=flowed", b"multipart/mixed; boundary=b"])
def test_no_body_takes_more_than_its_length(unit: bytes, kind: bytes) -> None:
    raw = b"From: a@example.com\r\nContent-Type: " + kind + b"\r\n\r\n" + unit * (300_000 // len(unit))
    begun = time.perf_counter()
    parse_mail(raw)
    assert time.perf_counter() - begun < 5


HTML_STORMS = [
    *(
        "<font color=red><p>x",
        "<div>",
        "<a href=x><table>",
        "<b><div>",
        "<",
        '<a b="',
        "<!--",
        "<ul><li>",
        "<blockquote>x",
    ),
    *(
        "<font a=1><title></font></title>",
        "<svg><font color=1>",
        "<select><option>",
        "<b>x<i></b>",
        "<pre>",
        '<p title="<p ',
    ),
]


@pytest.mark.parametrize("unit", HTML_STORMS)
def test_no_html_takes_more_than_its_length(unit: str) -> None:
    raw = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n" + (unit * (500_000 // len(unit))).encode("ascii")
    begun = time.perf_counter()
    parse_mail(raw)
    assert time.perf_counter() - begun < 8


def test_html_with_many_attributes_in_one_tag_is_read_in_time() -> None:
    attributes = " ".join(f"a{number}=1" for number in range(100_000))
    begun = time.perf_counter()
    parse_mail(f"From: a@example.com\r\nContent-Type: text/html\r\n\r\n<p {attributes}>x".encode("ascii"))
    assert time.perf_counter() - begun < 5
