"""What becomes of MIME, however broken."""

from __future__ import annotations

import json
import re
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.graph import Emulator
from dev.graph.mailboxes import StoredMessage
from dev.graph.message_shapes import PROPERTIES, View, shown
from dev.graph.mime_reading import decoded, html_to_text, read_content, read_headers, with_message_id
from tests.graph_emulator.bench import HELP, TENANT


def test_exchange_invents_a_message_id_at_the_top() -> None:
    raw, name = with_message_id(b"Subject: x\r\n\r\nMessage-ID: <not-this@example.com>")
    assert re.fullmatch(r"<[0-9A-F]{32}@\S+\.prod\.outlook\.com>", name)
    assert raw == b"Message-ID: " + name.encode() + b"\r\nSubject: x\r\n\r\nMessage-ID: <not-this@example.com>"


@pytest.mark.parametrize("head", [b"message-id:<a@b>", b"MESSAGE-ID : <a@b>", b"Subject: x\nMessage-Id:\n <a@b>"])
def test_a_message_id_is_found_however_it_is_written(head: bytes) -> None:
    raw = head + b"\r\n\r\nbody"
    assert with_message_id(raw) == (raw, "<a@b>")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Caf=C3=A9?=", "Café"),
        ("=?UTF-8?B?Q2Fmw6k=?= =?utf-8?q?_au_lait?=", "Café au lait"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        ("=?utf-8?b?!!!?= end", " end"),
        ("plain", "plain"),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decoded(value) == text


def test_headers_of_a_full_mail() -> None:
    raw = (
        b"From: =?utf-8?q?Ren=C3=A9?= <rene@example.com>\r\nSender: list@example.com\r\n"
        b'To: a@x.com, "B, C" <b@x.com>\r\n'
        b"Cc: undisclosed-recipients:;\r\nReply-To: r@example.com\r\nDate: Sat, 21 Nov 2026 11:00:00 +0100\r\n"
        b"Subject: =?utf-8?q?a?=\r\n folded\r\nX-Priority: 1 (Highest)\r\n\r\n"
    )
    found = read_headers(raw)
    assert found.author == ("René", "rene@example.com")
    assert found.sender == ("list@example.com", "list@example.com")
    assert found.to == [("a@x.com", "a@x.com"), ("B, C", "b@x.com")]
    assert found.cc == []
    assert found.reply_to == [("r@example.com", "r@example.com")]
    assert found.sent is not None
    assert found.sent.isoformat() == "2026-11-21T10:00:00+00:00"
    assert found.subject == "a folded"
    assert found.importance == "high"


def test_only_attachments_that_are_not_inline_count() -> None:
    message = EmailMessage()
    message.set_content("see")
    message.add_alternative("<p>see <img src='cid:x'></p>", subtype="html")
    message.get_payload(1).add_related(b"png", "image", "png", cid="<x>")  # type: ignore[union-attr]  # it is a part
    assert not read_content(message.as_bytes()).has_attachments
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    assert read_content(message.as_bytes()).has_attachments


def test_an_attached_mail_is_an_attachment_and_not_the_body() -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner.set_content("inner")
    outer.set_content("outer")
    outer.add_attachment(inner)
    found = read_content(outer.as_bytes())
    assert (found.preview, found.has_attachments) == ("outer", True)


def test_text_and_html_become_each_other() -> None:
    assert "a &lt; b" in read_content(b"\r\n\r\na < b").html
    html = b"Content-Type: text/html\r\n\r\n<style>x</style><p>Hello <b>you</b></p><script>bad()</script>"
    assert read_content(html).text == "Hello you"
    assert html_to_text("a<br>b &amp; c") == "a\r\nb & c"


def test_the_preview_is_short_and_on_one_line() -> None:
    preview = read_content(b"\r\n\r\n" + b"word \r\n\t" * 200).preview
    assert len(preview) <= 255
    assert preview.startswith("word word word")


BROKEN = [
    b"",
    b"\r\n",
    b"no header at all",
    b"\xff\xfe\x00\x01",
    b"From: <<<>>>@@,,;;\r\nTo: \x80\x81\r\nDate: yesterday\r\nSubject: \xe9\x00\r\n\r\n",
    b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff",
    b'Content-Type: text/plain; charset="\xff"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!',
    b"Content-Type: text/plain; charset*=utf-8''%FF\r\nContent-Transfer-Encoding: uuencode\r\n\r\nbegin 666\r\n",
    b"Content-Disposition: ;;;\r\nContent-Type: ;\r\nContent-ID\r\n\r\nx",
    b"Content-Type: multipart/x; boundary=a\r\n\r\n"
    + b"".join(b"--a\r\nContent-Type: multipart/x; boundary=a%d\r\n\r\n" % i for i in range(2000)),
    b"Message-ID:\r\n\r\n",
    b"Content-Type: text/html\r\n\r\n<p>a</p><![strange[x]]><!doctype <>",
    b"Subject: " + b"a" * 1_000_000,
]


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
def test_broken_mail_becomes_a_message(raw: bytes) -> None:
    _show_all(raw)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*BROKEN[:-1], b"From: ", b": ", b"\r\n", b"=?utf-8?b?", b"?=", b"\x80", b"--x\r\n", b'"']),
        max_size=8,
    )
)
def test_any_mixture_of_them_does_too(pieces: list[bytes]) -> None:
    _show_all(b"".join(pieces))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_do_too(raw: bytes) -> None:
    _show_all(raw)


def _show_all(raw: bytes) -> None:
    emulator = Emulator()
    emulator.add_mailbox(TENANT, HELP)
    emulator.deliver(HELP, raw)
    message: StoredMessage = emulator.messages(HELP)[0]
    assert message.raw.endswith(raw)
    for view in (View(), View(immutable=True, text_body=True)):
        body = shown(message, view, tuple(PROPERTIES))
        json.dumps(body, ensure_ascii=False).encode()
        assert bool(body["internetMessageId"]) == bool(raw.strip())
