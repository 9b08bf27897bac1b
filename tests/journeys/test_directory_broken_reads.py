"""S7, S10, S11: whatever goes wrong on whichever page of a look at everybody, nobody is taken away for it."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault
from dev.graph.directory import delta_lines
from shared.directory import runs
from shared.directory.rules import TeamMapping
from shared.directory.runs import Run
from shared.graph import directory
from tests.companies import Company, open_company, picture_of
from tests.world import World

QUESTIONS = {"graph POST /v1.0/directoryObjects/getByIds", "graph POST /v1.0/$batch"}
STAFF, GROUPS = 9, 6
"""Fewer than a run takes away without asking: nothing but doubt keeps them."""
FAULTS: dict[str, dict[str, Any]] = {
    "404": {"kind": "refuse", "status": 404, "error": "Request_ResourceNotFound"},
    "403": {"kind": "refuse", "status": 403, "error": "Authorization_RequestDenied"},
    "400": {"kind": "refuse", "status": 400, "error": "Request_BadRequest"},
    "500": {"kind": "refuse", "status": 500, "error": "InternalServerError"},
    "503": {"kind": "unavailable"},
    "504": {"kind": "timeout"},
    "connection lost": {"kind": "lost_answer"},
    "ends early": {"kind": "no_rows"},
    "without its objects": {"kind": "lost_page"},
    "an empty one before it": {"kind": "empty_delta_page"},
    "told twice": {"kind": "replay_delta"},
    "no link at the end": {"kind": "lost_link"},
    "the rest comes later": {"kind": "partial_delta"},
    "410": {"kind": "expire_delta"},
    "404 SyncStateNotFound": {"kind": "refuse", "status": 404, "error": "SyncStateNotFound"},
    "400 resyncRequired": {"kind": "refuse", "status": 400, "error": "resyncRequired"},
}
PAGES = (0, 2, 4)
"""Pages that are let pass before it happens: on the first one, and in the middle."""


@pytest.fixture
def company(world: World, monkeypatch: pytest.MonkeyPatch) -> Company:
    """Nine agents, each in *Desk* and in one of six teams, whom Graph tells of in many small pages."""
    monkeypatch.setattr(directory, "_WHOLE_PAGES", "odata.maxpagesize=1")
    monkeypatch.setattr(delta_lines, "MEMBERS_A_PAGE", 2)
    made = open_company(world)
    for number in range(STAFF):
        made.hire(f"agent{number}", "Desk", f"Team {number % GROUPS}", *(["Admins"] if number < 2 else []))
    further = [TeamMapping(group=made.named(f"Team {number}"), team_id="first") for number in range(GROUPS)]
    made.keep(leaving="deleted_or_unmapped", teams=(*made.rules().teams, *further))
    assert made.run().counts == {"create": STAFF}
    return made


def run_to_its_end(company: Company) -> Run:
    """Wake the run up until it is over, however often Graph is busy."""
    company.world.advance(3600)
    for _ in range(12):
        company.wake()
        if not runs.get_head(company.world.rt, company.connection_id).state.run:
            return company.last_run()
        company.world.advance(901)
        company.world.host.make_visible()
    raise AssertionError("the run does not end")


def at_the_desk(company: Company) -> dict[str, Any]:
    """Who is there, and what they have."""
    found = picture_of(company)
    return {name: found[name] for name in ("users", "agents", "addresses")}


@pytest.mark.requirement("DIR-8", "DIR-10")
@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
@pytest.mark.parametrize("fault", FAULTS)
def test_s7_s10_s11_whatever_goes_wrong_on_whichever_page_takes_nothing_away(
    company: Company, fault: str, path: str
) -> None:
    before = at_the_desk(company)
    for page in PAGES:
        company.keep(company.last_rules(), reset="clear")
        once: dict[str, Any] = {} if fault == "no link at the end" else {"skip": page, "times": 1}
        set_ = company.world.emulator.faults.add(Fault(path=path, **once, **FAULTS[fault]))
        company.world.meter.start()
        run = run_to_its_end(company)
        assert set_.struck
        assert run.status in {"done", "failed"}
        assert bool(run.failure and run.cure) is (run.status == "failed")
        assert (run.removals, run.holds, at_the_desk(company)) == ({}, (), before)
        writes = {call for call in company.world.meter.calls if call.startswith("graph") and " GET " not in call}
        assert writes <= QUESTIONS, "Entra is only read"
        company.world.emulator.faults.clear()
        assert run_to_its_end(company).status == "done"
        assert at_the_desk(company) == before
