"""Names of people in many cultures and scripts, each part with how it is written in an address."""

import tomllib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

type Part = tuple[str, str]


@dataclass(frozen=True)
class Name:
    """What a person is called; `local` is the same in plain letters, for addresses."""

    given: str
    surname: str
    shown: str
    local: str
    language: str


@dataclass(frozen=True)
class Culture:
    """Given names and surnames, each with its plain form; `order`: how a display name is put together.

    `double`: what joins two surnames where people have two.
    """

    language: str
    given: tuple[Part, ...]
    surnames: tuple[Part, ...]
    order: str
    double: str


def _read() -> tuple[Culture, ...]:
    found = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))["culture"]
    return tuple(
        Culture(
            one["language"],
            tuple(map(_split, one["given"].split())),
            tuple(map(_split, one["surnames"].split())),
            one.get("order", "{given} {surname}"),
            one.get("double", ""),
        )
        for one in found
    )


def draw(chance: Random) -> Name:
    """A name; a third of those who may have two surnames have two."""
    culture = chance.choices(_CULTURES, cum_weights=_WEIGHTS)[0]
    given, plain_given = chance.choice(culture.given)
    surname, plain = chance.choice(culture.surnames)
    if culture.double and chance.random() < 0.35:
        second, plain_second = chance.choice(culture.surnames)
        surname, plain = f"{surname}{culture.double}{second}", f"{plain}-{plain_second}"
    shown = culture.order.format(given=given, surname=surname)
    return Name(given, surname, shown, f"{plain_given}.{plain}".lower(), culture.language)


def _split(part: str) -> Part:
    native, _, plain = part.partition("|")
    return native, plain or native


_CULTURES = _read()
_WEIGHTS = tuple(accumulate(len(one.given) * len(one.surnames) for one in _CULTURES))  # the more names, the more people
