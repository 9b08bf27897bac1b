import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.smime import find_signed_content

SIGNED, DATA = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")


def _definite(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = len(content).to_bytes(4)
    return bytes([tag, 0x84]) + length + content


def _indefinite(tag: int, *contents: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(contents) + b"\0\0"


def _envelope(kind: bytes, octets: bytes, wrap: type | object = _definite) -> bytes:
    make = _indefinite if wrap is _indefinite else _definite
    inside = make(0x30, DATA, make(0xA0, octets)) if octets else make(0x30, DATA)
    return make(0x30, kind, make(0xA0, make(0x30, b"\x02\x01\x01", _definite(0x31), inside, _definite(0x31))))


@pytest.mark.parametrize("wrap", [_definite, _indefinite])
def test_signed_content_is_taken_out(wrap: object) -> None:
    assert find_signed_content(_envelope(SIGNED, _definite(0x04, b"words"), wrap)) == b"words"


def test_strings_in_pieces_are_joined() -> None:
    pieces = _indefinite(0x24, _definite(0x04, b"wo"), _indefinite(0x24, _definite(0x04, b"r")), _definite(0x04, b"ds"))
    assert find_signed_content(_envelope(SIGNED, pieces, _indefinite)) == b"words"


def test_other_envelopes_stay_closed() -> None:
    assert find_signed_content(_envelope(ENVELOPED, _definite(0x04, b"words"))) is None
    assert find_signed_content(_envelope(SIGNED, b"")) is None
    assert find_signed_content(b"") is None
    assert find_signed_content(b"\x30\x80" * 10_000) is None


@given(st.data())
def test_a_damaged_envelope_never_raises(data: st.DataObject) -> None:
    raw = bytearray(_envelope(SIGNED, _indefinite(0x24, _definite(0x04, b"words")), _indefinite))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    find_signed_content(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
