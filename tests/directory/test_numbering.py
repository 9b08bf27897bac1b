"""What is said of people by number is found by their ids, as in a dict, and holds each id once."""

from __future__ import annotations

import tracemalloc
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.numbering import Numbered, Numbers
from shared.directory.told import add_up, index
from shared.graph.client import Json

SAID = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9)))


@given(first=SAID, second=SAID)
def test_two_who_share_numbers_are_two_dicts(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> None:
    numbers = Numbers()
    one, other = Numbered[int](numbers), Numbered[int](numbers)
    for said, told in ((first, one), (second, other)):
        for name, value in said:
            told[name] = value
    assert (dict(one), dict(other)) == (dict(first), dict(second))
    assert (len(one), len(other)) == (len(dict(first)), len(dict(second)))
    assert {each for each in "abcdefg" if each in other} == dict(second).keys()
    assert one.keys() | other.keys() == dict(first).keys() | dict(second).keys()


def test_whom_nothing_is_said_of_is_not_there() -> None:
    numbers = Numbers()
    told = Numbered[int](numbers)
    numbers.of("ada")
    assert (len(told), [*told], told.get("ada"), "eve" in told) == (0, [], None, False)
    with pytest.raises(KeyError, match="ada"):
        told["ada"]


def test_an_id_is_held_once() -> None:
    numbers = Numbers()
    ids = [str(uuid.UUID(int=1)) for _ in range(2)]
    assert ids[0] is not ids[1]
    assert numbers.held(ids[0]) is numbers.held(ids[1])


def test_what_a_round_tells_of_a_person_and_their_groups_takes_few_bytes() -> None:
    people, groups = 2_000, 20

    def pages() -> list[list[Json]]:
        return [[{"id": str(uuid.UUID(int=number))} for number in range(people)]]

    def memberships() -> list[list[Json]]:
        members = [[{"id": str(uuid.UUID(int=number))} for number in range(at, people, 7)] for at in range(groups)]
        return [[{"id": str(uuid.uuid4()), "members@delta": each} for each in members]]

    tracemalloc.start()
    numbers = Numbers()
    held = index(pages(), numbers), add_up(memberships(), numbers)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(held[0].last) == len(held[1].members) == people
    assert taken / people < 400
