"""Many object ids in a column: they are GUIDs, sixteen bytes each, so that one holds four thousand."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache

IDS_A_COLUMN = 4_000
_BYTES = 16


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
