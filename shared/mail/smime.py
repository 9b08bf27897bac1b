"""S/MIME: take the signed mail out of its envelope; no key is needed for that, and no signature is checked here.

Only as much of BER is read as RFC 5652 needs to reach ``encapContentInfo``; senders use indefinite lengths and strings
in pieces, which is why a DER reader will not do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_SEQUENCE, _OBJECT_ID, _OCTETS, _CONTEXT_0, _CONSTRUCTED = 0x30, 0x06, 0x04, 0xA0, 0x20
_MAX_DEPTH = 24


class _Malformed(Exception):
    """This is not the BER that RFC 5652 describes; never leaves this module."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    end: int  # of the content
    next: int  # where the following element begins


def find_signed_content(message: bytes) -> bytes | None:
    """The MIME entity inside a CMS ``signed-data``; None when it is another kind (encrypted), detached or broken."""
    try:
        content_info = _only(message, 0, len(message), _SEQUENCE)
        kind, content = _first_two(message, content_info)
        if message[kind.start : kind.end] != _SIGNED_DATA or content.tag != _CONTEXT_0:
            return None
        signed_data = _only(message, content.start, content.end, _SEQUENCE)
        encapsulated = next(e for e in _elements(message, signed_data.start, signed_data.end) if e.tag == _SEQUENCE)
        _, wrapped = _first_two(message, encapsulated)
        return b"".join(_octets(message, wrapped.start, wrapped.end, 0))
    except (_Malformed, StopIteration, IndexError):
        return None


def _only(data: bytes, start: int, end: int, tag: int) -> _Element:
    element = _read(data, start, end, 0)
    if element.tag != tag:
        raise _Malformed
    return element


def _first_two(data: bytes, parent: _Element) -> tuple[_Element, _Element]:
    inside = _elements(data, parent.start, parent.end)
    first, second = next(inside), next(inside)
    if first.tag != _OBJECT_ID:
        raise _Malformed
    return first, second


def _elements(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[_Element]:
    while start < end:
        element = _read(data, start, end, depth)
        yield element
        start = element.next


def _octets(data: bytes, start: int, end: int, depth: int) -> Iterator[bytes]:
    for element in _elements(data, start, end):
        if element.tag == _OCTETS:
            yield data[element.start : element.end]
        elif element.tag == _OCTETS | _CONSTRUCTED and depth < _MAX_DEPTH:
            yield from _octets(data, element.start, element.end, depth + 1)


def _read(data: bytes, position: int, end: int, depth: int) -> _Element:
    tag, length = data[position], data[position + 1]
    position += 2
    if tag & 0x1F == 0x1F or depth > _MAX_DEPTH:  # long tags do not occur in CMS
        raise _Malformed
    if length == 0x80:
        stop = _end_of_contents(data, position, end, depth)
        return _Element(tag, position, stop, stop + 2)
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[position : position + size])
        position += size
    if position + length > end:
        raise _Malformed
    return _Element(tag, position, position + length, position + length)


def _end_of_contents(data: bytes, position: int, end: int, depth: int) -> int:
    while position + 1 < end:
        if data[position] == 0 and data[position + 1] == 0:
            return position
        position = _read(data, position, end, depth + 1).next
    raise _Malformed
