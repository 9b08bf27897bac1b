"""Who of the tenant has a value now that only one of them can be known by: an address, a name, a number.

Of 100,000 people only a hash of each value is kept, and whose it is: what is shared with one is shared with all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.directory import mirror
from shared.directory.identifying import Context, claimed_address, claims_of
from shared.directory.matching import is_address
from shared.directory.packing import Marks, mark_of
from shared.directory.persons import Person
from shared.directory.rules import Rules
from shared.directory.tenant import Tenant

_SEVERAL = frozenset({"one", "another"})
"""Whoever asks, somebody else has it, too."""
_COLUMNS = ("properties", "properties_packed", "gone")


def marks_of(rules: Rules, person: Person) -> Marks:
    """What stands for all that a person claims."""
    return frozenset(map(mark_of, claims_of(rules, person)))


class Claimed:
    """What the people of a tenant claim, as far as a run has to know.

    A run over everybody knows all of it. Any other knows what those claim at whom it looks, and those who wait; whoever
    has an address at the desk is asked of the mirror, and all the others only where a matching field leads to somebody
    free, which is rare once the first import is over, or too many wait. ``is_cut``: that would have taken more than
    there is time for (``Tenant.most``).
    """

    def __init__(self, found: Tenant, context: Context) -> None:
        self._tenant, self._context = found, context
        self._first: dict[bytes, str] = {}
        self._shared: set[bytes] = set()
        self._is_whole, self.is_cut = found.everybody, False
        self._note(each.person for each in found.iter_all(None))
        if not self._is_whole:
            self._note_waiting()

    def get(self, key: str, default: frozenset[str], /) -> frozenset[str]:
        """Who (object ids) claims what this key stands for; who they are is not told of several."""
        if not self._is_whole and (self._tenant.place.state.too_many_wait or not is_address(key)):
            self._look_at_rest()
        mark = mark_of(key)
        if mark in self._shared:
            return _SEVERAL
        found = frozenset({self._first[mark]}) if mark in self._first else default
        return found if self._is_whole else found | self._still_with(key)

    def _look_at_rest(self) -> None:
        most = self._tenant.most
        if most is not None and self._tenant.place.state.known > most:
            self.is_cut = True
            return
        self._note(self._iter_rest())
        self._is_whole = True

    def _note(self, people: Iterable[Person]) -> None:
        for person in people:
            self._note_marks(person.object_id, marks_of(self._context.rules, person))

    def _note_marks(self, object_id: str, marks: Marks) -> None:
        held = self._tenant.numbers.held(object_id)
        for mark in marks:
            if self._first.setdefault(mark, held) != held:
                self._shared.add(mark)

    def _note_waiting(self) -> None:
        """Of whom nothing is told, what they claimed when they were looked at last."""
        seen = self._tenant.gone.keys() | self._tenant.waiting
        for object_id, marks in self._tenant.place.state.waiting.items():
            if object_id not in seen and object_id not in self._tenant.told.last:
                self._note_marks(object_id, marks)

    def _iter_rest(self) -> Iterator[Person]:
        """Everybody else whom the mirror knows."""
        place = self._tenant.place
        told = self._tenant.told
        known = mirror.iter_known(place.rt, place.connection_id, _COLUMNS)
        return (self._tenant.unchanged(each) for each in known if not told.is_there(each.object_id))

    def _still_with(self, address: str) -> frozenset[str]:
        ours = f"{self._context.connection_id}/"
        holders = (each.origin for each in self._context.users.find("address", address))
        ids = {origin.removeprefix(ours) for origin in holders if origin.startswith(ours)}
        known = self._tenant.find_known(ids - self._tenant.told.last.keys())
        people = (self._tenant.unchanged(each) for each in known.values())
        return frozenset(each.object_id for each in people if claimed_address(self._context.rules, each) == address)
