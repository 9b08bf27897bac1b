"""The order of keys is the order that readers want, whatever the numbers and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.storage.keys import after, descending, digest, newest_first

NUMBERS = st.integers(0, 9_999_999_999)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by the library's wish
SAFE = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs"]), min_size=1)


@given(NUMBERS, NUMBERS)
def test_higher_numbers_come_first(one: int, other: int) -> None:
    assert (descending(one) < descending(other)) == (one > other)
    assert len(descending(one)) == 10


@given(MOMENTS, MOMENTS)
def test_later_moments_come_first_to_the_microsecond(one: datetime, other: datetime) -> None:
    assert (newest_first(one) < newest_first(other)) == (one > other)
    assert len(newest_first(one)) == 17


@given(MOMENTS)
def test_the_next_microsecond_is_told_apart_and_a_time_zone_changes_nothing(moment: datetime) -> None:
    assert newest_first(moment + timedelta(microseconds=1)) < newest_first(moment)
    assert newest_first(moment.astimezone(timezone(timedelta(hours=9)))) == newest_first(moment)


@given(SAFE, st.text(st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs"])), SAFE)
def test_what_begins_with_a_prefix_lies_between_it_and_the_key_after_it(prefix: str, rest: str, other: str) -> None:
    assert prefix <= prefix + rest < after(prefix)
    if not other.startswith(prefix):
        assert not prefix <= other < after(prefix)


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_a_digest_tells_texts_apart_and_is_a_safe_key(one: list[str], other: list[str]) -> None:
    joined = ["\x00".join(parts) for parts in (one, other)]
    assert (digest(*one) == digest(*other)) == (joined[0] == joined[1])
    assert len(digest(*one)) == 32
    assert set(digest(*one)) <= set("0123456789abcdef")


def test_half_a_character_has_a_digest_too() -> None:
    assert digest("\ud800") != digest("?")
