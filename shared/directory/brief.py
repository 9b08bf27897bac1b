"""What a round over everybody needs to know of each, held for all of them at once: a few bytes a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.directory.mirror import Known, gives_of, gives_text
from shared.directory.numbering import Numbered, Numbers
from shared.directory.packing import pack, unpack

COLUMNS = ("digest", "user_id", "agent_id", "groups", "groups_more", "gives", "serial", "gone", "manager")
_BETWEEN = "\x1f"
_BEFORE_GROUPS = b"\x1e"


class Briefs(Mapping[str, Known]):
    """People of the mirror by object id, without their properties. ``numbers``: hold the ids."""

    def __init__(self, known: Iterable[Known] = (), numbers: Numbers | None = None) -> None:
        self._packed = Numbered[bytes](numbers)
        for each in known:
            self._packed[each.object_id] = _packed(each)

    def __getitem__(self, object_id: str) -> Known:
        return _unpacked(object_id, self._packed[object_id])

    def __contains__(self, object_id: object) -> bool:
        return object_id in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def _packed(known: Known) -> bytes:
    texts = (known.digest, known.user_id, known.agent_id, gives_text(known.gives), str(known.serial), known.gone)
    return _BETWEEN.join((*texts, known.manager)).encode() + _BEFORE_GROUPS + pack(known.groups)


def _unpacked(object_id: str, packed: bytes) -> Known:
    told, _, groups = packed.partition(_BEFORE_GROUPS)
    digest, user_id, agent_id, gives, serial, gone, manager = told.decode().split(_BETWEEN)
    return Known(
        object_id,
        manager=manager,
        groups=frozenset(unpack(groups)),
        gone=gone,  # type: ignore[arg-type]  # as it was packed
        digest=digest,
        user_id=user_id,
        agent_id=agent_id,
        gives=gives_of(gives),
        serial=int(serial),
    )
