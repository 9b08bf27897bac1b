import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.headers import MAX_HEADER_BYTES, Headers, decode_value, one_line, split_headers


def _split(raw: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    fields, body, _ = split_headers(raw, 0, len(raw))
    return list(fields), raw[body:]


@pytest.mark.parametrize(
    ("raw", "fields", "body"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody", [("a", b"1"), ("b", b"2")], b"body"),
        (b"A: 1\n\nbody", [("a", b"1")], b"body"),
        (b"A: 1\n 2\n\t3\n\nbody", [("a", b"1 2\t3")], b"body"),
        (b"A : 1\n\n", [("a", b"1")], b""),
        (b"A: 1", [("a", b"1")], b""),
        (b"\nbody", [], b"body"),
        (b"A: 1\nwords\nmore words\n", [("a", b"1")], b"words\nmore words\n"),
        (b"A: 1\nwords\nB: 2\n\nbody", [("a", b"1"), ("b", b"2")], b"body"),
        (b"From jane Mon Nov 2\nA: 1\n\nbody", [("a", b"1")], b"body"),
        (b"only words", [], b"only words"),
    ],
)
def test_where_the_header_ends(raw: bytes, fields: list[tuple[str, bytes]], body: bytes) -> None:
    assert _split(raw) == (fields, body)


def test_an_endless_header_is_cut_and_the_body_still_found() -> None:
    raw = b"X: " + b"y" * 100 + b"\n"
    fields, body = _split(b"A: 1\n" + raw * (MAX_HEADER_BYTES // 50) + b"\nbody")
    assert fields[0] == ("a", b"1")
    assert body == b"body"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"),
        (b"=?iso-8859-1?Q?Gr=FC?= =?utf-8?Q?=C3=9Fe?=", "Grüße"),
        (b"a =?utf-8?Q?b?= c", "a b c"),
        (b"=?utf-8?Q?a_b?= =?utf-8?Q?c?= d", "a bc d"),
        (b"=?utf-8?Q?with spaces in it?=", "with spaces in it"),
        (b"=?utf-8?B?not base64 at all!?=", None),
        (b"=?utf-8?B?" + b"R3LDvA==" + b"?==?utf-8?Q?x?=", "Grüx"),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("Größe".encode("latin1"), "Größe"),
        (b"a\x00b\x07c", "a b c"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
    ],
)
def test_values_are_read_as_they_were_meant(value: bytes, text: str | None) -> None:
    decoded = decode_value(value)
    assert text is None or decoded == text


def test_raw_bytes_are_read_in_the_charset_of_the_body() -> None:
    assert decode_value("Вопрос".encode("koi8_r"), "koi8-r") == "Вопрос"


def test_the_first_of_two_fields_counts_and_both_are_there() -> None:
    headers = Headers((("to", b"a"), ("to", b"b")))
    assert (headers.first("to"), list(headers.every("to")), headers.first("cc")) == (b"a", [b"a", b"b"], b"")
    assert headers.has("to")
    assert not headers.has("cc")


@given(st.text(max_size=100))
def test_one_line_is_one_line(text: str) -> None:
    assert one_line(text).splitlines() in ([one_line(text)], [])
    assert one_line(one_line(text)) == one_line(text)


@given(st.binary(max_size=500))
def test_any_bytes_split(raw: bytes) -> None:
    _, body, _ = split_headers(raw, 0, len(raw))
    assert 0 <= body <= len(raw)
