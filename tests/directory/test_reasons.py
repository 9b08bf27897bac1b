"""Every reason is told with what it means and what to do about it."""

from __future__ import annotations

import pytest

from shared.directory.reasons import MEANINGS, Reason


@pytest.mark.requirement("DIR-11")
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_cause_and_its_cure(reason: Reason) -> None:
    meaning = MEANINGS[reason]
    assert meaning.text.endswith(".")
    assert meaning.cure.endswith(".")
    assert "|" not in meaning.text + meaning.cure, "it would break the table of the page"
