"""A plan survives the way through its blob, whatever is in it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership, Seat
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory.guard import Hold
from shared.directory.mirror import Known
from shared.directory.pieces import Planned, effective, fits, given, line_of, planned_of
from shared.directory.plan import Entry, FieldChange, Step
from shared.directory.reasons import Reason
from shared.directory.runs import Run, Totals
from shared.directory.structure import Structure

ADA = User(
    "u1",
    "Ada",
    "ada@contoso.com",
    "berlin",
    roles=(Held("requester", "contoso"), Held("boss")),
    seats=(Seat("cab", "Chair", "contoso"),),
    licenses=("e3",),
    details={"title": "Countess"},
    origin="contoso/1",
)
AGENT = Agent("a1", "u1", "Ada", "", False, roles=(Held("admin", "contoso"),), teams=(Membership("first", "contoso"),))
ENTRY = Entry(
    "1",
    "Ada",
    "deactivate",
    Reason.DELETED,
    user_before=ADA,
    user=replace(ADA, active=False),
    agent_before=replace(AGENT, active=True, kept_active=True),
    agent=AGENT,
    user_held=ADA,
    removals=("deactivation", "role"),
    changes=(FieldChange("active", "yes", "no", "deleted"),),
    steps=(Step("Entra", "gone", "berlin"),),
    site_to_make=Site("s1", "org", "Oslo", ("oslo.example",), source="contoso"),
    address_from="u2",
)
PLANNED = Planned(
    ENTRY,
    Known("1", {"mail": "ada@contoso.com"}, "2", frozenset({"g"}), gives=Totals(1, 2, 1, 1), digest="d"),
    is_new=True,
    above=frozenset({"h"}),
    user_etag="W/1",
    gave=Totals(2, 2, 1, 1),
)
RUN = Run("1", "run", "scan", "")


def test_a_line_is_read_as_it_was_written() -> None:
    assert planned_of(json.loads(json.dumps(line_of(PLANNED)))) == PLANNED
    bare = Planned(Entry("1", "", "skip", Reason.UNMAPPED), Known("1"), is_new=False)
    assert planned_of(json.loads(json.dumps(line_of(bare)))) == bare


@pytest.mark.requirement("DIR-8")
def test_what_is_held_is_applied_without_what_it_takes_away() -> None:
    held = effective(PLANNED, replace(RUN, holds=(Hold("role", 2, 1, ""),)), Structure())
    assert (held.entry.user, held.entry.removals) == (ADA, ())
    assert held.known.digest != PLANNED.known.digest, "the next look at everybody plans it again"
    assert effective(PLANNED, replace(RUN, holds=(Hold("seat", 2, 1, ""),)), Structure()) == PLANNED


@pytest.mark.requirement("DIR-8")
def test_who_is_spared_is_neither_changed_nor_held() -> None:
    run = replace(RUN, spared=("a1",), holds=(Hold("role", 2, 1, ""),))
    spared = effective(PLANNED, run, Structure())
    assert (spared.entry.user, spared.entry.reason, spared.known) == (ADA, Reason.LAST_ADMIN, PLANNED.known)


def test_what_somebody_has_through_a_connection() -> None:
    assert given("contoso", ADA, AGENT) == Totals(active=1, roles=2, teams=1, seats=1)
    assert given("fabrikam", ADA, AGENT) == Totals()
    assert given("contoso", None, None) == Totals()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"outcome": "deactivate", "removal": "role", "text": "ADA@"}, True),
        ({"outcome": "create"}, False),
        ({"removal": "team"}, False),
        ({"text": "alan"}, False),
    ],
)
def test_whether_an_entry_is_looked_for(wanted: dict[str, str], found: bool) -> None:
    assert fits(ENTRY, **wanted) is found
