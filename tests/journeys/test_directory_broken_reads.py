"""S7, S10, S11: whatever goes wrong on whichever page of a look at everybody, nobody is taken away for it."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import requests

from dev.graph import Fault
from dev.graph.directory import delta_lines
from shared.directory import runs, silence
from shared.directory.rules import RoleMapping, TeamMapping
from shared.directory.runs import Run
from shared.graph import directory
from tests.companies import Company, at_the_desk, open_company
from tests.io_meter import Killed
from tests.kill import revive
from tests.tampering import Carry, Tamper, tamper_with_graph
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


def everybody_active(company: Company) -> bool:
    """Whether nobody was made inactive, as a user or as an agent."""
    users, working = company.users().values(), company.agents().values()
    return all(each.active for each in users) and all(each.active for each in working)


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


@pytest.mark.requirement("DIR-8", "DIR-10")
@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
@pytest.mark.parametrize("fault", FAULTS)
def test_s7_s10_s11_whatever_goes_wrong_on_whichever_page_takes_nothing_away(
    company: Company, fault: str, path: str
) -> None:
    before = at_the_desk(company)
    for page in PAGES:
        company.keep(company.last_rules(), reset="clear")
        at_the_end = fault == "no link at the end"
        company.world.emulator.recording = not at_the_end  # what Graph never answers is not measured
        once: dict[str, Any] = {} if at_the_end else {"skip": page, "times": 1}
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
        company.world.emulator.recording = True
        assert run_to_its_end(company).status == "done"
        assert at_the_desk(company) == before


@pytest.mark.requirement("DIR-8", "DIR-10")
def test_s10_killed_after_whichever_page_the_desk_is_the_same(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_WHOLE_PAGES", "odata.maxpagesize=3")
    before, asked = at_the_desk(company), 0
    while True:
        asked += 1
        company.keep(company.last_rules(), reset="clear")
        company.world.advance(3600)
        tamper_with_graph(company.world, dying_after(asked))
        try:
            company.wake()
        except Killed:
            revive(company.world, "sync_directories")
            assert (company.last_run().status, at_the_desk(company)) == ("done", before)
            continue
        company.world.start()
        break
    assert asked > (STAFF + GROUPS) / 3, "so many pages at least"
    assert at_the_desk(company) == before


def dying_after(pages: int) -> Tamper:
    """The process ends when so many pages have arrived."""
    left = iter(range(pages - 1))

    def die(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        answer = carry()
        if "/delta" in str(request.url) and next(left, None) is None:
            raise Killed
        return answer

    return die


@pytest.mark.requirement("DIR-8")
def test_where_too_many_are_silently_gone_from_a_group_to_ask_for_each_it_waits(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "MOST_LOOKED_UP", 1)
    before = at_the_desk(company)
    company.keep(company.last_rules(), reset="clear")
    company.world.emulator.faults.add(Fault(kind="lost_page", path="/groups/delta", skip=2, times=1))
    run = company.run()
    assert run.status == "held"
    assert all("no longer named in these groups: Desk." in hold.cause for hold in run.holds)
    assert at_the_desk(company) == before


@pytest.mark.requirement("DIR-8", "DIR-4")
def test_where_a_group_within_a_group_is_silently_gone_it_waits(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_WHOLE_PAGES", "odata.maxpagesize=3")
    inner, outer = company.group("Inner"), company.group("Outer")
    company.tenant.add_members(outer, inner, *(company.hire(f"direct{number}") for number in range(2)))
    company.tenant.add_members(inner, company.hire("nested"))
    role = RoleMapping(group=company.named("Outer"), role_id="requester", transitive=True)
    mapping = company.last_rules().site_mappings[1].model_copy(update={"user_role": ""})
    company.keep(user_roles=(role,), site_mappings=(company.rules().site_mappings[0], mapping))
    company.run()
    assert company.users()["Nested"].roles
    held = 0
    for page in count():
        company.keep(company.last_rules(), reset="clear")
        lost = company.world.emulator.faults.add(Fault(kind="lost_page", path="/groups/delta", skip=page, times=1))
        held += company.run().status == "held"
        company.world.emulator.faults.clear()
        assert company.users()["Nested"].roles, page
        company.keep(company.last_rules(), reset="clear")
        company.run()
        if not lost.struck:
            break
    assert held, "one of these pages told of Inner in Outer"


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(
    "edited",
    [
        {"site_mappings": ()},
        {"kinds": ("users",)},
        {"kinds": ("agents",)},
        {"kinds": ()},
        {"user_fields": (), "agent_fields": (), "user_matching": (), "agent_matching": ()},
        {"enabled": False},
    ],
)
def test_s7_what_is_switched_off_or_mapped_no_more_makes_nobody_inactive_and_changes_nothing_in_entra(
    company: Company, edited: dict[str, Any]
) -> None:
    company.keep(company.last_rules().model_copy(update={"leaving": "deleted", **edited}))
    company.world.meter.start()
    company.run()
    assert everybody_active(company)
    assert len(company.users()) == len(company.agents()) == STAFF
    assert {call for call in company.world.meter.calls if call.startswith("graph") and " GET " not in call} <= QUESTIONS


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("told", [{"assignedLicenses": []}, {"mail": None}, {"usageLocation": None}])
def test_s7_who_loses_a_license_or_a_mailbox_stays(company: Company, told: dict[str, Any]) -> None:
    for number in range(STAFF):
        company.tenant.change(f"agent{number}@contoso.com", **told)
    company.keep(company.last_rules().model_copy(update={"leaving": "deleted"}))
    assert company.run().removals == {}
    assert everybody_active(company)
    assert {user.address for user in company.users().values()} == {f"agent{n}@contoso.com" for n in range(STAFF)}
