"""What is said of the same many people in several places: their ids are held once, and what is said lies by number.

A dict of its own for each would hold a hundred bytes a person beside what it is about, and the id once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Numbers:
    """Numbers for ids, in the order in which they first come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []

    def of(self, each: str) -> int:
        """The number of an id, which gets the next one if it has none."""
        number = self._numbers.setdefault(each, len(self._ids))
        if number == len(self._ids):
            self._ids.append(each)
        return number

    def find(self, each: object) -> int:
        """The number of an id, or -1."""
        return self._numbers.get(each, -1) if isinstance(each, str) else -1

    def held(self, each: str) -> str:
        """The same id, as it is held."""
        return self._ids[self.of(each)]

    def id_of(self, number: int) -> str:
        """The id with this number."""
        return self._ids[number]


class Numbered[V](Mapping[str, V]):
    """What is said of people, by ids that ``numbers`` holds; never None. It can be said anew, and not be taken back."""

    def __init__(self, numbers: Numbers | None = None) -> None:
        self._numbers = numbers or Numbers()
        self._values: list[V | None] = []
        self._count = 0

    def __getitem__(self, each: str) -> V:
        value = self._find(each)
        if value is None:
            raise KeyError(each)
        return value

    def __setitem__(self, each: str, value: V) -> None:
        number = self._numbers.of(each)
        self._values += [None] * (number + 1 - len(self._values))
        self._count += self._values[number] is None
        self._values[number] = value

    def __contains__(self, each: object) -> bool:
        return self._find(each) is not None

    def __iter__(self) -> Iterator[str]:
        return (self._numbers.id_of(number) for number, value in enumerate(self._values) if value is not None)

    def __len__(self) -> int:
        return self._count

    def _find(self, each: object) -> V | None:
        number = self._numbers.find(each)
        return self._values[number] if 0 <= number < len(self._values) else None
