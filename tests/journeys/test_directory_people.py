"""People who change their names, leave, come back, and whose addresses pass on: who they are stays certain."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from dev.graph import Fault
from shared.desk import handling, keeping, people, sites
from shared.desk.handling import Author
from shared.desk.sites import Site
from shared.directory import looking, runs, settling, store
from shared.directory.rules import Cap, Rules, SiteMapping
from shared.directory.settling import Decision
from shared.graph import directory
from tests.api.seeding import record
from tests.companies import (
    Company,
    at_the_desk,
    connect_further,
    die_while_applying,
    go_on,
    open_company,
    open_staffed,
    picture_of,
    run_until,
)
from tests.io_meter import Killed
from tests.kill import revive
from tests.tampering import Carry, body_of
from tests.world import World, mail


@pytest.fixture
def company(world: World) -> Company:
    """Three people who came in."""
    return open_staffed(world)


def owner_of(company: Company, address: str) -> str:
    """The id of the user whom mail from an address would find."""
    people.forget(company.world.rt)
    found = people.find_by_address(company.world.rt, address)
    return found.user_id if found else ""


@pytest.mark.requirement("DIR-7")
def test_s12_name_address_and_domain_change_and_it_is_the_same_user(company: Company) -> None:
    before = company.users()["Ada"]
    changed = {"displayName": "Ada King", "surname": "King", "mail": "ada.king@fabrikam.com"}
    company.tenant.change("ada@contoso.com", **changed, userPrincipalName="king@fabrikam.com")
    assert company.run().counts == {"update": 1}
    after = company.users()["Ada King"]
    assert (after.user_id, after.address) == (before.user_id, "ada.king@fabrikam.com")
    assert len(company.users()) == 3
    assert owner_of(company, "ada.king@fabrikam.com") == before.user_id
    assert owner_of(company, "ada@contoso.com") == ""


@pytest.mark.requirement("DIR-7")
def test_s12_two_people_swap_their_addresses(company: Company) -> None:
    ada, alan = company.users()["Ada"].user_id, company.users()["Alan"].user_id
    company.tenant.change("ada@contoso.com", mail="alan@contoso.com")
    company.tenant.change("alan@contoso.com", mail="ada@contoso.com")
    for _ in range(2):
        company.run()
    assert company.users()["Ada"].address == "alan@contoso.com"
    assert company.users()["Alan"].address == "ada@contoso.com"
    assert owner_of(company, "alan@contoso.com") == ada
    assert owner_of(company, "ada@contoso.com") == alan
    assert company.run().counts == {}


@pytest.mark.requirement("DIR-7", "DIR-8")
@pytest.mark.parametrize("purged", [True, False])
def test_s12_a_leavers_address_given_to_somebody_new_brings_nothing_of_theirs(company: Company, purged: bool) -> None:
    ada = company.users()["Ada"]
    company.tenant.delete("ada@contoso.com")
    if purged:
        company.tenant.purge(ada.origin.rpartition("/")[2])
    new = company.tenant.add_user("ada@contoso.com", displayName="Ada Byron")
    run = company.run()
    assert (run.status, run.counts) == ("done", {"create": 1, "deactivate": 1})
    users = company.users()
    assert not users["Ada"].active
    assert users["Ada Byron"].user_id != ada.user_id
    assert users["Ada Byron"].origin.endswith(new.id)
    assert owner_of(company, "ada@contoso.com") == users["Ada Byron"].user_id
    assert "Ada Byron" not in company.agents()


@pytest.mark.requirement("DIR-7", "DIR-8")
def test_s8_deleted_restored_and_purged_ends_where_it_should_and_stays(company: Company) -> None:
    ada = company.users()["Ada"]
    object_id = ada.origin.rpartition("/")[2]
    company.tenant.delete(object_id)
    company.run()
    assert not company.users()["Ada"].active
    assert not company.agents()["Ada"].active
    company.tenant.restore(object_id)
    assert company.run().status == "done"
    assert company.users()["Ada"].active
    assert company.agents()["Ada"].active
    assert company.users()["Ada"].user_id == ada.user_id
    picture = picture_of(company)
    assert company.run().counts == {}
    assert picture_of(company) == picture
    company.tenant.delete(object_id)
    company.tenant.purge(object_id)
    company.run()
    assert not company.users()["Ada"].active
    assert company.run().counts == {}


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("moment", ["before the run", "between plan and application"])
def test_s8_who_is_deleted_in_entra_while_the_desk_changes_them_leaves_and_keeps_what_was_changed(
    company: Company, moment: str
) -> None:
    rt, ada = company.world.rt, company.users()["Ada"]
    company.tenant.set_manager("alan@contoso.com", "grace@contoso.com")
    company.run()
    company.tenant.delete("ada@contoso.com")
    if moment == "between plan and application":
        run_until(company, "apply")
    kept = keeping.read(rt, people.KIND, ada.user_id)
    keeping.change(rt, people.KIND, kept, replace(kept.thing, details={**kept.thing.details, "fax": "17"}))
    run = go_on(company) if moment == "between plan and application" else company.run()
    assert (run.status, run.planned_again) == ("done", moment == "between plan and application")
    after = company.users()["Ada"]
    assert (after.active, company.agents()["Ada"].active, after.details["fax"]) == (False, False, "17")
    picture = at_the_desk(company)
    for reset in ("", "clear"):
        company.keep(company.last_rules(), reset=reset)
        assert {*company.run().counts} <= {"unchanged"}, "it does not flip back"
        assert at_the_desk(company) == picture


@pytest.mark.requirement("DIR-8", "DIR-10")
def test_s8_pages_that_come_again_bring_nobody_back_who_was_deleted(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.world.emulator.faults.add(Fault(kind="replay_delta"))
    monkeypatch.setattr(directory, "_WHOLE_PAGES", "odata.maxpagesize=1")
    company.tenant.set_manager("alan@contoso.com", "grace@contoso.com")
    company.tenant.change("ada@contoso.com", jobTitle="Countess")
    company.run()
    company.tenant.delete("ada@contoso.com")
    company.run()
    assert not company.users()["Ada"].active
    picture = at_the_desk(company)
    for reset in ("", "clear", ""):
        company.keep(company.last_rules(), reset=reset)
        assert {*company.run().counts} <= {"unchanged"}
        assert at_the_desk(company) == picture


@pytest.mark.requirement("DIR-7")
def test_somebody_made_by_a_mail_is_found_by_their_address(world: World) -> None:
    company = open_company(world)
    world.add_mailbox()
    world.settle()
    world.emulator.deliver("support@contoso.com", mail(sender="Ada <ada@contoso.com>"))
    world.settle()
    made = company.users()["Ada"]
    company.hire("ada", "Desk")
    run = company.run()
    assert run.status == "done"
    ada = company.users()["Ada"]
    assert (ada.user_id, ada.source, ada.site) == (made.user_id, "mail", "berlin")
    assert company.agents()["Ada"].user_id == made.user_id


@pytest.mark.requirement("DIR-2", "DIR-11")
def test_what_was_changed_by_hand_between_plan_and_application_is_not_overwritten(company: Company) -> None:
    world = company.world
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    world.advance(3600)
    _die_once_planned(company)
    kept = keeping.read(world.rt, people.KIND, company.users()["Alan"].user_id)
    keeping.change(world.rt, people.KIND, kept, replace(kept.thing, kept_active=True, custom={"badge": "7"}))
    revive(world, "sync_directories")
    run = company.last_run()
    assert (run.status, run.planned_again) == ("done", 1)
    alan = company.users()["Alan"]
    assert (alan.details["title"], alan.custom, alan.kept_active) == ("Mathematician", {"badge": "7"}, True)


@pytest.mark.requirement("DIR-2", "DIR-10")
def test_many_who_were_changed_by_hand_meanwhile_are_planned_again_together(company: Company) -> None:
    world, names = company.world, [f"Clerk{number}" for number in range(16)]
    for name in names:
        company.hire(name.lower())
    company.run()
    for name in names:
        company.tenant.change(f"{name.lower()}@contoso.com", jobTitle="Clerk")
    world.advance(3600)
    run_id = _die_once_planned(company)
    users = company.users()
    for name in names:
        kept = keeping.read(world.rt, people.KIND, users[name].user_id)
        keeping.change(world.rt, people.KIND, kept, replace(kept.thing, custom={"badge": "7"}))
    world.meter.start()
    revive(world, "sync_directories")
    ranges = sum(call.startswith("table GET") and call.endswith("Desk()") for call in world.meter.calls)
    run = runs.get_run(world.rt, company.connection_id, run_id)
    assert (run.status, run.planned_again) == ("done", len(names))
    assert 0 < ranges < len(names), "all agents are read once, beside what the desk is made of, not once for each"
    users = company.users()
    assert {(users[name].details["title"], users[name].custom["badge"]) for name in names} == {("Clerk", "7")}


def _die_once_planned(company: Company) -> str:
    """Kill the run between its plan and the first user that it writes to the desk; which run."""
    user = f"RowKey='{people.KIND.prefix}".encode()

    def die(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if b"Desk(" in body_of(request) and user in body_of(request):
            raise Killed
        return carry()

    return die_while_applying(company, die)


@pytest.mark.requirement("DIR-1", "DIR-11")
def test_a_preview_equals_what_then_happens_and_changes_nothing(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician", mail="turing@contoso.com")
    company.tenant.delete("ada@contoso.com")
    company.hire("edsger", "Desk", manager="alan")
    before = picture_of(company)
    preview = company.ask("preview")
    assert preview.status == "previewed"
    planned = company.entries(preview)
    assert picture_of(company) == before
    run = company.run()
    assert run.status == "done"
    applied = company.entries(run)
    assert {name: entry.changes for name, entry in planned.items()} == {
        name: entry.changes for name, entry in applied.items()
    }
    users, agents = company.users(), company.agents()
    for name, entry in applied.items():
        assert users[name] == entry.user
        assert agents.get(name) == entry.agent


@pytest.mark.requirement("DIR-11")
def test_why_is_answered_for_one_person_and_nothing_is_written(company: Company) -> None:
    rt, before = company.world.rt, picture_of(company)
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.meter.start()
    found = looking.what_would_happen(rt, company.connection_id, "alan@contoso.com")
    assert found.entry.outcome == "update"
    assert [(each.field, each.after) for each in found.entry.changes] == [("title", "Mathematician")]
    assert any("the site mapping 'berlin'" in step.what for step in found.steps)
    assert not [call for call in company.world.meter.calls if call.startswith(("table P", "blob P", "queue P"))]
    assert picture_of(company) == before
    company.run()
    known, events = looking.history(rt, company.connection_id, found.entry.object_id)
    assert known.name == "Alan"
    assert [(each.outcome, each.user_mapping) for each in events] == [("update", "berlin"), ("create", "berlin")]
    assert events[0].changes[0]["field"] == "title"
    company.tenant.delete("ada@contoso.com")
    ada = company.users()["Ada"].origin.rpartition("/")[2]
    gone = looking.what_would_happen(rt, company.connection_id, ada)
    assert (gone.entry.outcome, str(gone.entry.reason)) == ("deactivate", "deleted")


@pytest.mark.requirement("DIR-12")
def test_two_tenants_with_the_same_people_three_schedules_and_one_that_is_only_for_tests(world: World) -> None:
    first = open_company(world, ["grace", "ada"])
    second = connect_further(world, "Fabrikam", "22222222-aaaa-4aaa-8aaa-000000000002", "*")
    third = connect_further(world, "Tests", "33333333-aaaa-4aaa-8aaa-000000000003", "test")
    for company in (second, third):
        company.hire("grace")
        company.hire("ada")
    first.keep(every_hours=1)
    assert first.run().counts == {"create": 2}
    second.keep(second.rules().model_copy(update={"every_hours": 3}))
    third.keep(third.rules().model_copy(update={"every_hours": 1}))
    begun: dict[str, int] = {}
    for _ in range(4):
        world.advance(3600)
        first.wake()
    for company in (first, second, third):
        found, _ = runs.list_runs(world.rt, company.connection_id)
        begun[company.connection_id] = len(found)
    assert begun == {first.connection_id: 5, second.connection_id: 2, third.connection_id: 0}
    users = list(people.iter_users(world.rt))
    assert {user.source for user in users} == {first.connection_id}, "nobody is taken over, no address shared"
    assert {entry.outcome for entry in second.entries(second.last_run()).values()} <= {"refuse"}


@pytest.mark.requirement("DIR-1")
def test_a_directory_that_is_switched_off_does_nothing(world: World) -> None:
    company = open_company(world, ["ada"], enabled=False)
    world.advance(3600)
    company.wake()
    assert runs.list_runs(world.rt, company.connection_id) == ([], None)
    preview = company.ask("preview")
    assert (preview.status, preview.counts) == ("previewed", {"create": 1})
    rules, _ = store.get_rules(world.rt, company.connection_id)
    assert isinstance(rules, Rules)
    assert not rules.enabled


@pytest.mark.requirement("DIR-3", "DIR-11")
def test_who_waits_for_a_site_comes_in_once_it_is_there(company: Company) -> None:
    rt = company.world.rt
    by_name = SiteMapping(
        mapping_id="offices", kind="match", sequence=1, site_field="name", user_field="office", default_site=""
    )
    company.keep(site_mappings=(by_name, *company.rules().site_mappings[:1]))
    company.run()
    company.hire("edsger", officeLocation="Oslo")
    run = company.run()
    assert run.counts == {"refuse": 1}
    assert [str(entry.reason) for entry in company.entries(run).values()] == ["no_site"]
    assert company.run().counts == {}, "nothing new is said of who still waits"
    keeping.create(rt, sites.KIND, Site("oslo", "org", "Oslo"))
    assert company.run().counts == {"create": 1, "unchanged": 3}
    assert company.users()["Edsger"].site == "oslo"
    waiting = runs.get_head(rt, company.connection_id).state.waiting
    assert company.users()["Edsger"].origin.rpartition("/")[2] not in waiting
    assert len(waiting) == 3, "those of the first day, whose offices are not known either"


@pytest.mark.requirement("DIR-11")
def test_runs_that_are_old_go_with_all_that_they_kept_but_not_what_waits_for_a_person(company: Company) -> None:
    world = company.world
    company.ask("preview")
    company.keep(cap=Cap(least=0, percent=0))
    company.tenant.delete("alan@contoso.com")
    held = company.run()
    assert held.status == "held"
    world.advance(100 * 24 * 3600)
    world.host.run_timer("remove_old")
    left, _ = runs.list_runs(world.rt, company.connection_id)
    assert [run.run_id for run in left] == [held.run_id]
    kept = {name.split("/")[2] for name in world.rt.blobs.list_names("directory/")}
    assert kept == {held.run_id}
    assert company.users()["Alan"].active


@pytest.mark.requirement("DIR-8")
def test_what_a_run_read_is_gone_when_it_has_failed(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.emulator.faults.add(Fault(kind="refuse", path="/groups/delta", status=403, error="Forbidden"))
    run = company.run()
    assert run.status == "failed"
    assert not [name for name in company.world.rt.blobs.list_names("directory/") if run.run_id in name]


@pytest.mark.requirement("OPS-5")
def test_health_tells_what_waits_and_what_failed(company: Company) -> None:
    [found] = company.world.get("/health")["directories"]
    assert (found["people"], found["held_run"], found["issues"]) == (3, "", [])
    assert found["next_run_at"]
    company.keep(cap=Cap(least=0, percent=0))
    company.tenant.delete("alan@contoso.com")
    held = company.run()
    [found] = company.world.get("/health")["directories"]
    assert found["held_run"] == held.run_id
    assert [issue["code"] for issue in found["issues"]] == ["directory_held"]
    company.world.emulator.faults.add(Fault(kind="refuse", path="/users/delta", status=403, error="Forbidden"))
    company.run()
    issues = company.world.get("/health")["directories"][0]["issues"]
    assert {issue["code"] for issue in issues} == {"directory_held", "directory_failing"}
    assert all(issue["cause"] and issue["cure"] for issue in issues)


@pytest.mark.requirement("DIR-9")
@pytest.mark.parametrize("reassign", [True, False])
def test_the_tickets_of_an_agent_who_left_go_back_to_nobody_if_that_is_wished(company: Company, reassign: bool) -> None:
    world = company.world
    world.add_mailbox()
    world.settle()
    world.emulator.deliver("support@contoso.com", mail(sender="Eve <eve@example.com>"))
    world.settle()
    [ticket] = world.tickets()
    ada = company.agents()["Ada"].agent_id
    handling.change(world.rt, ticket["number"], by=Author("Grace"), agent=ada)
    company.keep(reassign_tickets=reassign)
    company.tenant.delete("ada@contoso.com")
    assert company.run().status == "done"
    assert not company.agents()["Ada"].active
    assert world.ticket(ticket["number"])["agent"] == ("" if reassign else ada)


@pytest.mark.requirement("DIR-9", "DIR-8")
@pytest.mark.parametrize(("reassign", "decision"), [(True, "approve"), (False, "approve"), (True, "discard")])
def test_the_tickets_of_agents_whose_leaving_was_held_go_back_once_it_is_approved(
    company: Company, reassign: bool, decision: Decision
) -> None:
    world = company.world
    ada = company.agents()["Ada"].agent_id
    numbers = [each.number for each in record(world, "Printer", "Scanner")]
    for number in numbers:
        handling.change(world.rt, number, by=Author("Grace"), agent=ada)
    handling.change(world.rt, numbers[1], by=Author("Grace"), status="closed")
    company.keep(reassign_tickets=reassign, cap=Cap(least=0, percent=0))
    company.tenant.delete("ada@contoso.com")
    held = company.run()
    assert (held.status, company.agents()["Ada"].active) == ("held", True)
    assert [world.ticket(number)["agent"] for number in numbers] == [ada, ada], (
        "nothing is taken before somebody decides"
    )
    settling.decide(world.rt, company.connection_id, held.run_id, decision)
    world.settle()
    assert company.agents()["Ada"].active is (decision == "discard")
    released = reassign and decision == "approve"
    assert [world.ticket(number)["agent"] for number in numbers] == ["" if released else ada, ada]
