"""What becomes of a person: made, changed, made inactive, left alone, each with why."""

from __future__ import annotations

import pytest

from shared.directory.plan import FieldChange
from shared.directory.reasons import Reason
from tests.directory.examples import CONTOSO, Desk, person, rules


@pytest.mark.requirement("DIR-2", "DIR-3")
def test_somebody_new_is_made_with_what_entra_says_and_each_value_says_why() -> None:
    desk = Desk()
    entry = desk.one(rules(), person("ada", department="Engines", jobTitle="Countess"))
    assert (entry.outcome, entry.reason, entry.matched_by) == ("create", Reason.NEW, "new")
    assert entry.user == desk.user("ada")
    assert entry.user
    assert (entry.user.name, entry.user.address, entry.user.site) == ("Ada", "ada@contoso.example", "berlin")
    assert entry.user.details == {"department": "Engines", "title": "Countess", "login": "ada@contoso.example"}
    assert (entry.user.source, entry.user.origin) == (CONTOSO, f"{CONTOSO}/ada")
    assert FieldChange("department", "", "Engines", "department in Entra") in entry.changes
    assert FieldChange("site", "", "Berlin", "the site mapping 'berlin'") in entry.changes
    assert all(each.because for each in entry.changes)
