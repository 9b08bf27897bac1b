"""What a body names by its id: it must be there, and active."""

from typing import Protocol

from shared.desk import keeping
from shared.desk.keeping import Kind
from shared.errors import BadInput
from shared.runtime import Runtime


class Named(Protocol):
    """What has a name, and may rest."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def active(self) -> bool:
        """Whether it may be chosen."""


def active[T: Named](rt: Runtime, kind: Kind[T], field: str, thing_id: str) -> T:
    """The active thing of this id, which stood in ``field``; raises BadInput."""
    thing = keeping.find(rt, kind, thing_id)
    if thing is None:
        raise BadInput(field, f"There is no {kind.word} {thing_id[:64]!r}.", "Look its id up in the list.")
    if not thing.active:
        raise BadInput(
            field, f"The {kind.word} {thing.name!r} is inactive.", "Choose another, or make it active first."
        )
    return thing
