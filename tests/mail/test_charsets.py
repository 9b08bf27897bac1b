import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.charsets import decode_text, find_codec


@pytest.mark.parametrize(
    ("claimed", "codec"),
    [
        ("UTF8", "utf-8"),
        ("utf8mb4", "utf-8"),
        ("ISO_8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("EUC-KR", "cp949"),
        ("shift_jis", "cp932"),
        ("iso-8859-8-i", "iso8859-8"),
        ("windows-874", "cp874"),
        ("unicode-1-1-utf-7", "utf-7"),
        ("cp-850", "cp850"),
        ("ibm850", "cp850"),
        ("windows-1252http-equivContent-Type", "cp1252"),
        ("'utf-8'", "utf-8"),
    ],
)
def test_names_that_mail_really_carries(claimed: str, codec: str) -> None:
    assert find_codec(claimed) == codec


@pytest.mark.parametrize(
    "claimed",
    ["base64", "zlib", "rot13", "hex", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "x\x00y", ""],
)
def test_codecs_that_no_mail_may_choose(claimed: str) -> None:
    assert find_codec(claimed) is None


@pytest.mark.parametrize(
    ("raw", "claimed", "text", "has_note"),
    [
        (b"plain", None, "plain", False),
        (b"plain", "us-ascii", "plain", False),
        ("Größe".encode(), "utf-8", "Größe", False),
        ("Größe".encode(), "iso-8859-1", "Größe", True),
        ("Größe".encode("latin1"), "utf-8", "Größe", True),
        ("Größe".encode("latin1"), None, "Größe", True),
        (b"\x93quoted\x94 \x80", "iso-8859-1", "\u201cquoted\u201d €", False),
        ("壊れた".encode("iso2022_jp"), None, "壊れた", True),
        ("\ufeffx".encode(), "utf-8", "x", False),
        ("ab".encode("utf-16-be"), "utf-16", "ab", False),
        ("ab".encode("utf-16-le"), "utf-16", "ab", False),
        (b"Gr\xc3\xbc\xc3\x9fe, K\xc3\xb6ln \xff", "utf-8", "Grüße, Köln \ufffd", True),
        (b"x", "no-such-thing", "x", True),
    ],
)
def test_the_bytes_decide_where_the_claim_fails(raw: bytes, claimed: str | None, text: str, has_note: bool) -> None:
    decoded, note = decode_text(raw, claimed)
    assert (decoded, note is not None) == (text, has_note)


@given(
    st.binary(max_size=200),
    st.sampled_from([None, "utf-7", "utf-16", "hz", "iso-2022-kr", "iso-2022-jp", "gb18030", "big5", "?"]),
)
def test_whatever_comes_out_can_be_stored(raw: bytes, claimed: str | None) -> None:
    decode_text(raw, claimed)[0].encode("utf-8")


@given(st.text(max_size=50), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_what_was_written_right_is_read_right(text: str, charset: str) -> None:
    text = text.replace("\ufeff", "").replace("\x1b", "")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    assert decode_text(text.encode(charset), charset) == (text, None)
