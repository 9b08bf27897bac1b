import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.transfer import decode_transfer, split_uuencoded


@pytest.mark.parametrize(
    ("raw", "encoding", "content", "has_note"),
    [
        (b"as it is", "7bit", b"as it is", False),
        (b"as it is", "x-rot13", b"as it is", True),
        (b"Qm9keQ==", "base64", b"Body", False),
        (b"Qm9k\r\neQ==\r\n", "base64", b"Body", False),
        (b"Qm9keQ", "base64", b"Body", True),
        (b"Qm9keQ=", "base64", b"Body", True),
        (b"Q!m9*keQ==", "base64", b"Body", False),
        (b"Rmlyc3Q=U2Vjb25k", "base64", b"FirstSecond", True),
        (b"Qm9keQ==\r\nScanned by the gateway today", "base64", None, None),
        (b"<p>This is markup, not base64</p>", "base64", b"<p>This is markup, not base64</p>", True),
        (b"", "base64", b"", False),
        (b"=", "base64", b"", None),
        (b"Gr=C3=BC=\r\n=C3=9Fe", "quoted-printable", "Grüße".encode(), False),
        (b"a=ZZb=", "quoted-printable", None, False),
    ],
)
def test_what_was_sent_comes_out(raw: bytes, encoding: str, content: bytes | None, has_note: bool | None) -> None:
    decoded, note = decode_transfer(raw, encoding)
    assert content is None or decoded == content
    assert has_note is None or (note is not None) == has_note


@given(st.binary(max_size=500))
def test_base64_comes_back(content: bytes) -> None:
    assert decode_transfer(base64.encodebytes(content), "base64") == (content, None)


@given(st.binary(max_size=300), st.sampled_from(["base64", "quoted-printable", "x-uuencode"]))
def test_any_bytes_decode(raw: bytes, encoding: str) -> None:
    decode_transfer(raw, encoding)


def _uuencoded(name: bytes, content: bytes) -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 " + name + b"\n" + b"".join(lines) + b"`\nend\n"


@given(st.binary(min_size=1, max_size=300))
def test_uuencoded_files_are_taken_out_of_the_text(content: bytes) -> None:
    text, files = split_uuencoded(b"above\n" + _uuencoded(b"f.bin", content) + b"below\n")
    assert files == [(b"f.bin", content)]
    assert text == b"above\nbelow\n"


def test_prose_that_begins_is_left_alone() -> None:
    prose = b"begin 2026 with a plan\nand so on\n"
    assert split_uuencoded(prose) == (prose, [])
