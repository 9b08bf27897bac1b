import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.parameters import parse_parameters


@pytest.mark.parametrize(
    ("raw", "value", "parameters"),
    [
        (b"text/plain", "text/plain", {}),
        (b"TEXT/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        (b'text/plain (nice); a="x;y"; b=z', "text/plain", {"a": "x;y", "b": "z"}),
        (b'attachment; filename="a\\"b.txt"', "attachment", {"filename": 'a"b.txt'}),
        (b'attachment; filename="C:\\dir\\f.txt"', "attachment", {"filename": "C:\\dir\\f.txt"}),
        (b"attachment; filename=two words.txt", "attachment", {"filename": "two words.txt"}),
        (b'attachment; filename="open', "attachment", {"filename": "open"}),
        (b"a; f*=utf-8''%C3%BC.txt", "a", {"f": "ü.txt"}),
        (b"a; f*=utf-8'de'%C3%BC.txt", "a", {"f": "ü.txt"}),
        (b"a; f*=iso-8859-1''%FC.txt", "a", {"f": "ü.txt"}),
        (b"a; f*1=b; f*0=a; f*10=d; f*2=c", "a", {"f": "abcd"}),
        (b"a; f*0*=utf-8''%C3; f*1*=%BC; f*2=%20", "a", {"f": "ü%20"}),
        (b"a; f=first; f=second", "a", {"f": "first"}),
        (b'a; f="=?utf-8?Q?=C3=BC?="', "a", {"f": "ü"}),
        (b"", "", {}),
        (b';;;=="', "", {}),
    ],
)
def test_parameters(raw: bytes, value: str, parameters: dict[str, str]) -> None:
    parsed = parse_parameters(raw)
    assert (parsed.value, parsed.parameters) == (value, parameters)


@given(st.binary(max_size=300))
def test_any_bytes_parse(raw: bytes) -> None:
    parse_parameters(raw)
