"""What an hour in the life of a directory meets when people and other workers are at the desk at the same time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from dev.graph import Fault
from shared.desk import agents, keeping, people, sites
from shared.desk.agents import Agent, agent_id_of
from shared.desk.belonging import Held
from shared.desk.people import User
from shared.desk.sites import Site
from shared.directory import mirror, runs, settling, sync
from shared.directory.rules import Cap, RoleMapping, SiteMapping
from shared.errors import Conflict, Later
from shared.work import SyncDirectory
from tests.companies import Company, connect_further, go_on, open_company, open_staffed, run_until
from tests.kill import revive
from tests.tampering import Carry, body_of, tamper_with_storage
from tests.world import World


@pytest.fixture
def company(world: World) -> Company:
    """Three people who came in."""
    return open_staffed(world)


@pytest.mark.requirement("DIR-9")
def test_the_last_administrator_stays_though_the_other_one_goes_after_the_plan_was_made(company: Company) -> None:
    world = company.world
    keeping.create(world.rt, people.KIND, User("boss", "Boss", "boss@example.com"))
    boss = Agent(agent_id_of("boss"), "boss", "Boss", "boss@example.com", roles=(Held("admin"),))
    keeping.create(world.rt, agents.KIND, boss)
    company.tenant.delete("grace@contoso.com")
    run_until(company, "apply")
    answer = world.api("PATCH", f"/agents/{boss.agent_id}", {"active": False})
    assert answer.status == 200, answer.body
    run = go_on(company)
    assert run.status == "done"
    assert company.agents()["Grace"].active, "nobody else could open the desk"


@pytest.mark.requirement("DIR-2")
def test_a_site_made_by_hand_after_the_plan_holds_nothing_up(company: Company) -> None:
    world = company.world
    by_office = SiteMapping(
        mapping_id="offices", kind="organization", sequence=1, organization_id="org", field="officeLocation"
    )
    company.keep(site_mappings=(by_office, *company.rules().site_mappings))
    company.run()
    company.hire("edsger", officeLocation="Oslo")
    run_until(company, "apply")
    keeping.create(world.rt, sites.KIND, Site("oslo", "org", "Oslo"))
    go_on(company)
    company.run()
    assert company.users()["Edsger"].site == "oslo"


@pytest.mark.requirement("OPS-5")
def test_health_is_told_while_the_first_preview_is_under_way(world: World) -> None:
    company = open_company(world, ["ada"], enabled=False)
    sync.request(world.rt, company.connection_id, "preview")
    assert [each["under_way"] for each in world.get("/health")["directories"]] == [True]


@pytest.mark.requirement("OPS-5")
@pytest.mark.parametrize(("minutes", "codes"), [(119, set()), (121, {"directory_overdue"})])
def test_health_tells_of_a_run_that_does_not_begin(company: Company, minutes: int, codes: set[str]) -> None:
    company.world.advance(minutes * 60)
    [found] = company.world.get("/health")["directories"]
    assert {each["code"] for each in found["issues"]} == codes


@pytest.mark.requirement("OPS-5")
@pytest.mark.parametrize(("hours", "codes"), [(5, set()), (7, {"directory_slow"})])
def test_health_tells_of_a_run_that_does_not_end(company: Company, hours: int, codes: set[str]) -> None:
    sync.request(company.world.rt, company.connection_id, "preview")
    company.world.advance(hours * 3600)
    [found] = company.world.get("/health")["directories"]
    assert {each["code"] for each in found["issues"]} == codes


@pytest.mark.requirement("DIR-1")
def test_a_run_that_is_switched_off_stops(company: Company) -> None:
    company.tenant.delete("ada@contoso.com")
    run_until(company, "apply")
    company.keep(enabled=False)
    run = go_on(company)
    assert company.users()["Ada"].active
    assert run.status == "failed"
    assert "switched off" in run.failure
    assert run.cure


@pytest.mark.requirement("DIR-4")
def test_a_group_that_is_gone_is_told_of_in_every_run_after(company: Company) -> None:
    company.tenant.delete("Desk")
    first, second = company.run(), company.run()
    assert len(first.troubles) == 1
    assert second.troubles == first.troubles
    groups = mirror.load_groups(company.world.rt, company.connection_id)
    assert groups[company.group("Desk")].gone_at


@pytest.mark.requirement("DIR-9")
def test_of_two_runs_that_wait_none_is_forgotten(company: Company) -> None:
    world = company.world
    company.keep(cap=Cap(least=0, percent=0))
    company.run()
    company.tenant.delete("alan@contoso.com")
    first = company.run()
    company.tenant.delete("ada@contoso.com")
    second = company.run()
    assert (first.status, second.status) == ("held", "held")
    settling.decide(world.rt, company.connection_id, second.run_id, "approve")
    with pytest.raises(Conflict, match="being carried out"):
        settling.decide(world.rt, company.connection_id, first.run_id, "discard")
    world.settle()
    [found] = world.get("/health")["directories"]
    assert found["held_run"] == first.run_id
    assert company.users()["Alan"].active


@pytest.mark.requirement("DIR-9")
def test_a_decision_in_the_middle_of_a_run_counts_nobody_twice(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = company.world
    company.keep(cap=Cap(least=0, percent=0))
    company.run()
    company.tenant.delete("alan@contoso.com")
    held = company.run()
    for number in range(110):
        company.hire(f"crowd{number}")
    run_until(company, "apply")
    _decide_within_a_piece(company, held.run_id, monkeypatch)
    company.wake()
    revive(world, "sync_directories")
    state = runs.get_head(world.rt, company.connection_id).state
    users = [each for each in company.users().values() if each.active]
    assert state.known == len(list(mirror.iter_known(world.rt, company.connection_id)))
    assert state.totals.active == len(users) + len(company.agents())
    assert not company.users()["Alan"].active


def _decide_within_a_piece(company: Company, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a person approve a run at the moment at which another one has written a part of a piece."""
    world, seen = company.world, company.world.meter.after
    decided: list[str] = []

    def after(kind: str, request: requests.PreparedRequest) -> None:
        seen(kind, request)
        if decided or not str(request.url).endswith("$batch"):
            return
        decided.append("looking")
        if runs.get_head(world.rt, company.connection_id).state.line:
            settling.decide(world.rt, company.connection_id, run_id, "approve")
        else:
            decided.clear()

    monkeypatch.setattr(world.meter, "after", after)


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize("late", [False, True])
def test_an_agent_whose_user_is_of_another_tenant_is_not_taken_over(company: Company, late: bool) -> None:
    world = company.world
    ada = company.users()["Alan"]
    boss = Agent(agent_id_of(ada.user_id), ada.user_id, "Boss", "boss@example.com", roles=(Held("admin"),))
    keeping.create(world.rt, agents.KIND, boss)
    other = connect_further(world, "Fabrikam", "22222222-aaaa-4aaa-8aaa-000000000002")
    other.keep(other.rules(agent_matching=("address",)))
    if late:  # the first run, that of all others, is over
        other.run()
    object_id = other.hire("mallory", "Desk")
    other.tenant.change("mallory@contoso.com", mail="boss@example.com")
    other.run()
    after = keeping.get(world.rt, agents.KIND, boss.agent_id)
    assert (after.origin, after.user_id) == ("", ada.user_id), object_id


@pytest.mark.requirement("DIR-2")
def test_who_wrote_a_mail_while_the_first_import_was_under_way_has_their_manager(world: World) -> None:
    company = open_company(world)
    company.hire("grace")
    company.hire("ada", manager="grace")
    run_until(company, "apply")
    keeping.create(world.rt, people.KIND, people.new_user("Ada", "ada@contoso.com", ""))
    assert go_on(company).planned_again == 1
    users = company.users()
    assert users["Ada"].manager == users["Grace"].user_id


@pytest.mark.requirement("DIR-9")
def test_what_is_discarded_is_what_was_seen_and_nothing_newer(company: Company) -> None:
    alan = company.users()["Alan"].origin.partition("/")[2]
    company.keep(cap=Cap(least=0, percent=0))
    company.run()
    company.tenant.delete(alan)
    first = company.run()
    company.tenant.restore(alan)
    assert company.run().status == "done"
    company.tenant.delete(alan)
    assert company.run().status == "held"
    settling.decide(company.world.rt, company.connection_id, first.run_id, "discard")
    company.world.settle()
    company.keep(company.rules(cap=Cap(least=0, percent=0)), reset="clear")
    assert company.run().status == "held", "of the second time nobody has decided"


@pytest.mark.requirement("DIR-1")
def test_nobody_begins_a_run_of_a_connection_that_rests(company: Company) -> None:
    world = company.world
    assert world.api("POST", "/connections/contoso/disconnect").status == 200
    answer = world.api("POST", "/connections/contoso/directory/runs", {"mode": "run"})
    assert (answer.status, answer.json()["detail"]) == (409, "The connection rests.")
    assert company.last_run().status == "done"


@pytest.mark.requirement("DIR-8", "DIR-10")
@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
def test_a_round_that_ends_without_a_link_is_read_again(company: Company, path: str) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.emulator.recording = False  # what Graph never answers is not to be measured by its metadata
    company.world.emulator.faults.add(Fault(kind="lost_link", path=path, times=1))
    run = company.run()
    company.world.emulator.recording = True
    assert (run.status, run.failure) == ("failed", "Graph ended the round without a link for the next one.")
    run = company.run()
    assert (run.status, run.full, run.counts) == ("done", False, {"update": 1})


@pytest.mark.requirement("DIR-8")
def test_one_who_leaves_a_group_of_one_is_no_sign_of_a_group_that_was_read_as_empty(company: Company) -> None:
    company.tenant.add_members(company.group("Solo"), company.tenant.get("alan@contoso.com").id)
    role = RoleMapping(group=company.named("Solo"), role_id="requester")
    rules = company.rules()
    mappings = tuple(each.model_copy(update={"user_role": ""}) for each in rules.site_mappings)
    company.keep(site_mappings=mappings, user_roles=(role,))
    company.run()
    assert company.users()["Alan"].roles
    company.tenant.remove_members(company.group("Solo"), company.tenant.get("alan@contoso.com").id)
    company.keep(site_mappings=mappings, user_roles=(role,), reset="clear")
    run = company.run()
    assert (run.status, run.removals) == ("done", {"role": 1})
    assert not company.users()["Alan"].roles


@pytest.mark.requirement("DIR-8")
def test_once_everybody_was_looked_at_again_the_older_run_waits_no_more(company: Company) -> None:
    world = company.world
    company.keep(cap=Cap(least=0, percent=0))
    company.run()
    company.tenant.delete("alan@contoso.com")
    first = company.run()
    company.keep(company.rules(cap=Cap(least=0, percent=0)), reset="clear")
    second = company.run()
    assert second.status == "held"
    assert runs.get_run(world.rt, company.connection_id, first.run_id).status == "superseded"
    assert world.get("/health")["directories"][0]["held_run"] == second.run_id


@pytest.mark.requirement("DIR-9", "DIR-11")
def test_why_is_answered_for_the_last_administrator_as_the_run_would(company: Company) -> None:
    grace = company.users()["Grace"].origin.partition("/")[2]
    company.tenant.delete(grace)
    entry = company.world.get(f"/connections/contoso/directory/people/{grace}")["entry"]
    assert (entry["reason"], entry["removals"]) == ("last_admin", [])
    company.run()
    assert company.agents()["Grace"].active


@pytest.mark.requirement("DIR-9")
def test_what_was_approved_is_done_though_the_person_was_changed_by_hand_meanwhile(company: Company) -> None:
    world = company.world
    company.keep(cap=Cap(least=0, percent=0))
    company.run()
    company.tenant.delete("alan@contoso.com")
    held = company.run()
    world.start(SLICE_SECONDS="0.001")
    settling.decide(world.rt, company.connection_id, held.run_id, "approve")
    sync.sync_directory(world.rt, SyncDirectory(connection_id=company.connection_id, cause="scan"))
    kept = keeping.read(world.rt, people.KIND, company.users()["Alan"].user_id)
    keeping.change(world.rt, people.KIND, kept, replace(kept.thing, custom={"badge": "7"}))
    go_on(company)
    assert runs.get_run(world.rt, company.connection_id, held.run_id).status == "applied"
    alan = company.users()["Alan"]
    assert (alan.active, alan.custom) == (False, {"badge": "7"})


@pytest.mark.requirement("DIR-3")
def test_offices_that_the_desk_takes_for_one_name_are_one_site(company: Company) -> None:
    by_office = SiteMapping(
        mapping_id="offices", kind="organization", sequence=1, organization_id="org", field="officeLocation"
    )
    company.keep(site_mappings=(by_office, *company.rules().site_mappings))
    for name, office in (("edsger", "Lab 2"), ("linus", "LAB ²")):
        company.hire(name, officeLocation=office)
    run = company.run()
    assert (run.status, run.failure) == ("done", "")
    assert len({company.users()[name].site for name in ("Edsger", "Linus")}) == 1


@pytest.mark.requirement("DIR-1", "DIR-2")
def test_two_workers_who_begin_in_the_same_moment_make_one_run(company: Company) -> None:
    world, rt = company.world, company.world.rt
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    world.advance(3600)
    before, overtaken = len(runs.list_runs(rt, company.connection_id)[0]), list[str]()

    def overtake(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if not overtaken and b"!state" in body_of(request):
            overtaken.append("once")
            sync.sync_directory(rt, SyncDirectory(connection_id=company.connection_id, cause="scan"))
        return carry()

    tamper_with_storage(world, overtake)
    with pytest.raises(Later):
        sync.sync_directory(rt, SyncDirectory(connection_id=company.connection_id, cause="scan"))
    found, _ = runs.list_runs(rt, company.connection_id)
    assert (overtaken, len(found), found[0].status) == (["once"], before + 1, "done")
    assert company.users()["Alan"].details["title"] == "Mathematician"
