"""Ticket tags."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from shared.desk import tags
from shared.sealing import Keys

KEYS = Keys(base64.b64encode(b"1" * 32).decode())


@given(st.integers(min_value=1, max_value=9_999_999_999), st.text(), st.text())
def test_a_tag_is_found_wherever_it_stands(number: int, before: str, behind: str) -> None:
    text = before.replace("[", "(") + tags.make_tag(KEYS, number) + behind
    assert tags.find_tagged(KEYS, text)[0] == number


def test_a_tag_survives_a_change_of_case_and_no_other() -> None:
    tag = tags.make_tag(KEYS, 42)
    assert tags.find_tagged(KEYS, tag.lower())[0] == 42
    assert tags.find_tagged(KEYS, tag.replace("#42", "#43")) == (None, [43])
    assert tags.find_tagged(KEYS, "[#42] [#42-] [#0-AAAAAAAAAA]") == (None, [])


def test_a_genuine_tag_behind_a_forged_one_counts() -> None:
    assert tags.find_tagged(KEYS, f"[#7-AAAAAAAAAA] {tags.make_tag(KEYS, 8)}") == (8, [7])
