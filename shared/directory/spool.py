"""What a run keeps for itself while it works: Graph's pages as they came, and the pieces of its plan. All of it blobs.

They hold personal data: the pages go as soon as the run has ended, the pieces when the run falls out of the list.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from shared.runtime import Runtime

Kind = Literal["users", "groups", "mailboxes", "plan", "settled"]
_FAST = 1


@dataclass(frozen=True, slots=True)
class Spool:
    """The blobs of one run."""

    rt: Runtime
    connection_id: str
    run_id: str

    def put(self, kind: Kind, number: int, found: list[Any]) -> None:
        """Keep page or piece ``number`` (from 1); putting it again replaces it."""
        text = "\n".join(json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in found)
        self.rt.blobs.put(self._name(kind, number), zlib.compress(text.encode("utf-8", "surrogatepass"), _FAST))

    def get(self, kind: Kind, number: int) -> list[Any]:
        """A page or piece; raises NotFound."""
        data = self.rt.blobs.get(self._name(kind, number))
        text = zlib.decompress(data).decode("utf-8", "surrogatepass")
        return [json.loads(line) for line in text.split("\n") if line]

    def iter_all(self, kind: Kind, count: int) -> Iterator[list[Any]]:
        """All pages or pieces, in order, one at a time."""
        for number in range(1, count + 1):
            yield self.get(kind, number)

    def remove_pages(self) -> None:
        """Let go of Graph's pages; those of a reading that was given up, too."""
        for kind in ("users", "groups", "mailboxes"):
            self.rt.blobs.delete_all(f"{self._folder}/{kind}-")

    def remove(self) -> None:
        """Let go of everything."""
        self.rt.blobs.delete_all(f"{self._folder}/")

    @property
    def _folder(self) -> str:
        return f"directory/{self.connection_id}/{self.run_id}"

    def _name(self, kind: Kind, number: int) -> str:
        return f"{self._folder}/{kind}-{number:04d}"
