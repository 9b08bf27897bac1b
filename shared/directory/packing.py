"""Ids in a column, as GUIDs of sixteen bytes, so that one holds four thousand; and marks of texts, of eight."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b

IDS_A_COLUMN = 4_000
_BYTES = 16
MARK_BYTES = 8

Marks = frozenset[bytes]
"""What stands for some texts."""


def mark_of(text: str) -> bytes:
    """Eight bytes that stand for a text, the same everywhere and always."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest()


def pack_marks(each: Iterable[Marks]) -> bytes:
    """Marks of several as bytes: how many, at most 255, then these."""
    return b"".join(bytes([len(marks)]) + b"".join(sorted(marks)) for marks in each)


def unpack_marks(packed: bytes) -> Iterator[Marks]:
    """The marks again."""
    at = 0
    while at < len(packed):
        begin, at = at + 1, at + 1 + packed[at] * MARK_BYTES
        yield frozenset(packed[place : place + MARK_BYTES] for place in range(begin, at, MARK_BYTES))


def pack(ids: Iterable[str]) -> bytes:
    """Ids as bytes, in their order."""
    return b"".join(uuid.UUID(each).bytes for each in ids)


def unpack(packed: bytes) -> Iterator[str]:
    """The ids again."""
    for at in range(0, len(packed), _BYTES):
        yield _id_of(packed[at : at + _BYTES])


@lru_cache(10_000)
def _id_of(packed: bytes) -> str:
    """The same text for the same id: a tenant has few groups beside its people, who then share the texts."""
    return str(uuid.UUID(bytes=packed))
