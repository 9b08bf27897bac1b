"""Licenses: imported for an organization, linked to users, given and taken in Entra from here."""

from __future__ import annotations

from typing import Any

import pytest

from dev.azurite import Azurite
from dev.graph import Fault
from dev.graph.directory.licensing import Sku
from dev.host import Host
from shared.desk import keeping, organizations, people
from shared.desk.licenses import id_of
from shared.desk.organizations import Organization
from shared.desk.people import User
from shared.directory import settling
from shared.directory.rules import Cap
from shared.directory.settling import Decision
from shared.work import ChangeLicense
from tests import kill
from tests.companies import READS, Company, open_company
from tests.kill import iter_survivors
from tests.world import CLIENT, TENANT, World

ORGANIZATION = "0b9ce1a2-7a34-4d3c-9c1f-2f9f0a6f3d10"
MANAGES = (*READS, "LicenseAssignment.ReadWrite.All", "User.ReadWrite.All")
CHANGES = "/connections/contoso/licenses/changes"
SHARDS = 3


def open_licensed(world: World, **rules: Any) -> Company:
    """A company that buys twenty E5 and one F3, whose licenses are imported and managed."""
    company = open_company(world)
    world.emulator.change_roles(TENANT, CLIENT, *MANAGES)
    keeping.create(world.rt, organizations.KIND, Organization(ORGANIZATION, "Contoso Ltd"))
    company.keep(**{"licenses_organization": ORGANIZATION, "manage_licenses": True, **rules})
    company.tenant.licensing.buy("E5", 20)
    company.tenant.licensing.buy("F3", 1)
    return company


def bought(company: Company, name: str) -> Sku:
    return company.tenant.licensing.named(name)


def license_id(company: Company, name: str) -> str:
    return id_of("contoso", bought(company, name).id)


def import_now(world: World) -> None:
    answer = world.api("POST", "/connections/contoso/licenses/import")
    assert answer.status == 200, answer.body


def user_id(company: Company, name: str) -> str:
    return company.users()[name].user_id


def change(company: Company, *names: str, **wanted: Any) -> list[dict[str, Any]]:
    """Ask for a change for these users, and see what came of it."""
    body = {"users": [user_id(company, name) for name in names], **wanted}
    answer = company.world.api("POST", CHANGES, body)
    assert answer.status == 202, answer.body
    asked = answer.json()["items"]
    assert {each["state"] for each in asked} == {"asked"}
    company.world.settle()
    return [company.world.get(f"{CHANGES}/{each['change_id']}") for each in asked]


def writes(world: World) -> int:
    return sum("assignLicense" in call for call in world.meter.calls)


@pytest.fixture
def company(world: World) -> Company:
    found = open_licensed(world)
    for name, country in (("ada", "DE"), ("bob", "DE"), ("cy", None)):
        found.hire(name, usageLocation=country)
    found.tenant.add_members(found.group("Staff"), f"{'bob'}@contoso.com")
    found.tenant.licensing.assign_to_group(found.tenant.groups[found.group("Staff")], bought(found, "E5"))
    found.run()
    import_now(world)
    return found


@pytest.mark.requirement("DIR-14")
def test_what_was_bought_is_imported_for_the_organization_and_linked_to_users(company: Company) -> None:
    world = company.world
    listed = {each["name"]: each for each in world.get(f"/licenses?organization={ORGANIZATION}")["items"]}
    assert {name: (each["total"], each["used"]) for name, each in listed.items()} == {"E5": (20, 1), "F3": (1, 0)}
    assert listed["E5"]["connection_id"] == "contoso"
    assert company.users()["Bob"].licenses == (license_id(company, "E5"),)
    assert company.users()["Ada"].licenses == ()
    company.tenant.licensing.assign(company.tenant.get("ada@contoso.com"), bought(company, "F3"))
    del company.tenant.licensing.skus[bought(company, "F3").id]
    run = company.run()
    assert company.users()["Ada"].licenses == (listed["F3"]["license_id"],)
    [told] = [each for each in company.entries(run)["Ada"].changes if each.field == "license"]
    assert (told.after, told.because) == (listed["F3"]["license_id"], "assigned in Entra")
    world.host.run_timer("import_licenses")
    listed = {each["name"]: each for each in world.get("/licenses?connection=contoso")["items"]}
    assert (listed["F3"]["active"], listed["F3"]["total"], listed["E5"]["active"]) == (False, 0, True)
    assert world.get("/licenses?active=false")["items"] == [listed["F3"]]


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize("rules", [{"enabled": False}, {"licenses_organization": "", "manage_licenses": False}])
def test_licenses_are_not_imported_by_themselves_where_that_is_not_wished(world: World, rules: dict[str, Any]) -> None:
    company = open_licensed(world, **rules)
    world.meter.start()
    world.host.run_timer("import_licenses")
    assert (looks(world), world.get("/licenses")["items"]) == (0, [])
    company.keep(licenses_organization=ORGANIZATION)
    world.host.run_timer("import_licenses")
    assert {each["name"] for each in world.get("/licenses")["items"]} == {"E5", "F3"}


@pytest.mark.requirement("DIR-14")
def test_a_users_licenses_are_told_with_the_groups_that_give_them(company: Company) -> None:
    found = company.world.get(f"/users/{user_id(company, 'Bob')}/licenses")
    [held] = found["items"]
    assert (found["usage_location"], held["name"], held["direct"], held["active"]) == ("DE", "E5", False, True)
    assert held["groups"] == [{"id": company.group("Staff"), "name": "Staff"}]


@pytest.mark.requirement("DIR-14")
def test_a_license_is_given_and_taken_in_entra_at_the_desk_and_once(company: Company) -> None:
    world, wanted = company.world, license_id(company, "E5")
    world.meter.start()
    [given] = change(company, "Ada", assign=[wanted])
    assert (given["state"], given["cause"], writes(world)) == ("done", "", 1)
    assert company.users()["Ada"].licenses == (wanted,)
    assert bought(company, "E5").held == 2
    [again] = change(company, "Ada", assign=[wanted])
    assert (again["state"], writes(world)) == ("done", 1)
    assert company.run().counts.get("update", 0) == 0, "the next run finds nothing to change"
    [taken] = change(company, "Ada", remove=[wanted])
    assert (taken["state"], writes(world), bought(company, "E5").held) == ("done", 2, 1)
    assert company.users()["Ada"].licenses == ()
    assert len(world.get(f"{CHANGES}?state=done")["items"]) == 3
    told = [each["what"] for each in world.get("/audit?target=contoso")["items"]]
    assert told.count("licenses.change_asked") == 3
    assert "licenses.imported" in told


@pytest.mark.requirement("DIR-14")
def test_what_cannot_be_done_is_refused_with_its_cause_and_cure(company: Company) -> None:
    e5, f3 = license_id(company, "E5"), license_id(company, "F3")
    [by_group] = change(company, "Bob", remove=[e5])
    [nowhere] = change(company, "Cy", assign=[e5])
    [first, second] = change(company, "Ada", "Bob", assign=[f3])
    refused = [each for each in (by_group, nowhere, first, second) if each["state"] == "refused"]
    assert by_group in refused
    assert "comes from a group: Staff" in by_group["cause"]
    assert "usage_location" in nowhere["cure"]
    assert {first["state"], second["state"]} == {"done", "refused"}, "there is one unit"
    assert all(each["cause"] and each["cure"] for each in refused)
    assert bought(company, "F3").held == 1
    [settled] = change(company, "Cy", assign=[e5], usage_location="FR")
    assert settled["state"] == "done"
    assert company.tenant.get("cy@contoso.com").values["usageLocation"] == "FR"


def looks(world: World) -> int:
    """How often it was asked what the tenant has bought."""
    return sum(call.endswith("/subscribedSkus") for call in world.meter.calls)


@pytest.mark.requirement("DIR-14")
def test_what_is_left_is_looked_up_once_for_all_users_of_a_call(company: Company) -> None:
    world, e5 = company.world, license_id(company, "E5")
    names = [f"Clerk{number}" for number in range(12)]
    for name in names:
        company.hire(name.lower(), usageLocation="DE")
    company.run()
    world.meter.start()
    assert {each["state"] for each in change(company, *names, assign=[e5])} == {"done"}
    assert (looks(world), bought(company, "E5").held) == (1, 13)


@pytest.mark.requirement("DIR-14")
def test_who_buys_more_after_a_refusal_need_not_wait(company: Company) -> None:
    f3 = license_id(company, "F3")
    [given] = change(company, "Ada", assign=[f3])
    [refused] = change(company, "Bob", assign=[f3])
    assert (given["state"], refused["state"]) == ("done", "refused")
    company.tenant.licensing.buy("F3", 2)
    company.world.advance(10)
    company.world.meter.start()
    [given] = change(company, "Bob", assign=[f3])
    assert (given["state"], looks(company.world)) == ("done", 1)


@pytest.mark.requirement("DIR-14")
def test_without_the_switch_nothing_is_changed(company: Company) -> None:
    company.keep(licenses_organization=ORGANIZATION)
    body = {"users": [user_id(company, "Ada")], "assign": [license_id(company, "E5")]}
    answer = company.world.api("POST", CHANGES, body)
    assert answer.status == 409
    assert "manage_licenses" in answer.json()["cure"]
    assert company.world.get(CHANGES)["items"] == []


@pytest.mark.requirement("DIR-14", "CONN-11")
@pytest.mark.parametrize("origin", ["", "fabrikam/5d0c3c44-1f0e-4f0c-9d51-0a3c1b2d4e5f", "contoso2/5d0c3c44"])
def test_nobody_is_given_a_license_through_another_connection(company: Company, origin: str) -> None:
    other = User("0f9a6c1e-3b2d-4c5e-8f70-1a2b3c4d5e6f", "Jo", "jo@fabrikam.example", origin=origin)
    keeping.create(company.world.rt, people.KIND, other)
    body = {"users": [user_id(company, "Ada"), other.user_id], "assign": [license_id(company, "E5")]}
    answer = company.world.api("POST", CHANGES, body)
    assert (answer.status, answer.json()["fields"][0]["field"]) == (422, "users")
    assert other.user_id in answer.json()["fields"][0]["cause"]
    assert company.world.get(CHANGES)["items"] == []


@pytest.mark.requirement("DIR-14")
def test_what_was_asked_before_it_was_switched_off_is_refused(company: Company) -> None:
    world, body = company.world, {"users": [user_id(company, "Ada")], "assign": [license_id(company, "E5")]}
    world.meter.start()
    assert world.api("POST", CHANGES, body).status == 202
    company.keep(licenses_organization=ORGANIZATION)
    world.settle()
    [found] = world.get(CHANGES)["items"]
    assert (found["state"], found["cure"], writes(world)) == ("refused", "Set 'manage_licenses'.", 0)


@pytest.mark.requirement("DIR-14")
def test_a_connection_that_rests_is_waited_for_a_day_and_no_longer(company: Company) -> None:
    world, body = company.world, {"users": [user_id(company, "Ada")], "assign": [license_id(company, "E5")]}
    world.meter.start()
    [asked] = world.api("POST", CHANGES, body).json()["items"]
    assert world.api("POST", "/connections/contoso/disconnect").status == 200
    for hours, state in ((0, "asked"), (23, "asked"), (2, "refused")):
        world.advance(hours * 3600)
        world.rt.queues.put(ChangeLicense(connection_id="contoso", change=asked["change_id"]))
        world.settle()
        [found] = world.get(CHANGES)["items"]
        assert (found["state"], "The connection rests." in found["cause"], bool(found["cure"])) == (state, True, True)
    assert writes(world) == 0


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"users": ["11111111-2222-4333-8444-555555555555"], "assign": ["E5"]}, "users"),
        ({"assign": ["fabrikam~6fd2c87f-b296-42f0-b197-1e91e994b900"]}, "assign"),
        ({"remove": ["contoso~6fd2c87f-b296-42f0-b197-1e91e994b900"]}, "remove"),
        ({}, "assign"),
        ({"assign": ["E5"], "remove": ["E5"]}, "remove"),
        ({"assign": ["E5"], "usage_location": "Germany"}, "usage_location"),
    ],
)
def test_wrong_wishes_name_the_field_and_leave_nothing(company: Company, wrong: dict[str, Any], field: str) -> None:
    e5 = license_id(company, "E5")
    body = {"users": [user_id(company, "Ada")], **wrong}
    for name in ("assign", "remove"):
        body[name] = [e5 if each == "E5" else each for each in body.get(name, [])]
    answer = company.world.api("POST", CHANGES, body)
    assert answer.status == 422, answer.body
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert company.world.get(CHANGES)["items"] == []


@pytest.mark.requirement("DIR-14", "DIR-10")
def test_taking_more_than_the_cap_wants_to_be_confirmed(world: World) -> None:
    company = open_licensed(world, cap=Cap(least=1, percent=0))
    names = ("ada", "bob")
    for name in names:
        company.hire(name, usageLocation="DE")
        company.tenant.licensing.assign(company.tenant.get(f"{name}@contoso.com"), bought(company, "E5"))
    company.run()
    import_now(world)
    body = {"users": [user_id(company, each.title()) for each in names], "remove": [license_id(company, "E5")]}
    answer = world.api("POST", CHANGES, body)
    assert answer.status == 409
    assert "2 licenses would be taken away; up to 1" in answer.json()["detail"]
    assert world.get(CHANGES)["items"] == []
    assert {each["state"] for each in change(company, "Ada", "Bob", **{**body, "confirm": True})} == {"done"}
    assert bought(company, "E5").held == 0


@pytest.mark.requirement("DIR-14")
def test_a_lost_answer_is_looked_up_and_not_asked_for_again(company: Company) -> None:
    world = company.world
    lost = world.emulator.faults.add(Fault(kind="lost_answer", path="assignLicense", times=1))
    world.meter.start()
    [waiting] = change(company, "Ada", assign=[license_id(company, "E5")])
    world.host.make_visible()
    world.settle()
    assert (world.get(f"{CHANGES}/{waiting['change_id']}")["state"], lost.struck) == ("done", 1)
    assert (bought(company, "E5").held, len(company.users()["Ada"].licenses)) == (2, 1)
    assert writes(world) <= 1


@pytest.mark.requirement("DIR-14")
def test_a_busy_graph_is_waited_for(company: Company) -> None:
    world, wanted = company.world, license_id(company, "E5")
    busy = world.emulator.faults.add(Fault(kind="throttle", path="assignLicense", times=1, retry_after=6))
    [waiting] = change(company, "Ada", assign=[wanted])
    assert (waiting["state"], busy.struck) == ("asked", 1)
    assert "429" in waiting["cause"]
    world.settle(patience=30)
    assert world.get(f"{CHANGES}/{waiting['change_id']}")["state"] == "done"
    assert bought(company, "E5").held == 2


@pytest.mark.requirement("DIR-14", "CONN-6")
def test_a_missing_permission_is_told_in_the_health_until_it_is_there(company: Company) -> None:
    world = company.world
    world.emulator.change_roles(TENANT, CLIENT, *READS)
    world.start()
    world.host.run_timer("import_licenses")
    [issue] = [each for each in world.get("/health")["issues"] if each["code"] == "licenses_unread"]
    assert "LicenseAssignment.ReadWrite.All" in issue["cure"]
    [refused] = change(company, "Ada", assign=[license_id(company, "E5")])
    assert refused["state"] == "refused"
    assert "LicenseAssignment.ReadWrite.All" in refused["cure"]
    assert world.api("POST", "/connections/contoso/licenses/import").status == 502
    world.emulator.change_roles(TENANT, CLIENT, *MANAGES)
    world.start()
    world.host.run_timer("import_licenses")
    assert "licenses_unread" not in {each["code"] for each in world.get("/health")["issues"]}


@pytest.mark.requirement("DIR-14", "OPS-7")
def test_changes_are_forgotten_after_ninety_days(company: Company) -> None:
    world = company.world
    change(company, "Ada", assign=[license_id(company, "E5")])
    for days, left in ((89, 1), (2, 0)):
        world.advance(days * 24 * 3600)
        world.host.run_timer("remove_old")
        assert len(world.get(CHANGES)["items"]) == left


@pytest.fixture
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """This work takes few steps."""
    monkeypatch.setattr(kill, "SHARDS", SHARDS)


def _licensed(world: World) -> None:
    company = open_licensed(world)
    company.hire("ada", usageLocation="DE")
    company.run()
    import_now(world)


def _give(world: World) -> None:
    company = Company(world)
    [ada] = people.iter_users(world.rt)
    body = {"users": [ada.user_id], "assign": [license_id(company, "E5")]}
    world.api("POST", CHANGES, body)
    world.settle()


@pytest.mark.requirement("DIR-14")
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.usefixtures("few_shards")
def test_giving_a_license_killed_at_every_step(azurite: Azurite, host: Host, shard: int) -> None:
    """Either nobody was promised anything and nothing was done, or it was done once and written down."""
    for where, world in iter_survivors(azurite, host, _licensed, _give, shard):
        world.settle()
        [ada] = people.iter_users(world.rt)
        changes = world.get(CHANGES)["items"]
        held = bought(Company(world), "E5").held
        assert [each["state"] for each in changes] in ([], ["done"]), where
        assert held == len(changes), where
        assert len(ada.licenses) == held, where
        states = Company(world).tenant.get("ada@contoso.com").values.get("licenseAssignmentStates") or []
        assert len(states) == held, where
        assert world.get("/set-aside")["items"] == [], where
        _give(world)
        assert bought(Company(world), "E5").held == 1, where


@pytest.mark.requirement("DIR-8", "DIR-14")
@pytest.mark.parametrize("decision", ["approve", "discard"])
def test_licenses_that_many_would_lose_at_once_are_held_with_their_names(company: Company, decision: Decision) -> None:
    """A group that gives a license is emptied, or what Graph tells of licenses is hidden: the links stay."""
    linked, staff = license_id(company, "E5"), [f"clerk{number}" for number in range(11)]
    for name in staff:
        company.hire(name, "Staff", usageLocation="DE")
    company.run()
    people_ = [company.tenant.get(f"{name}@contoso.com") for name in staff]
    company.tenant.remove_members("Staff", people_[0].id)
    assert (company.run().status, company.users()["Clerk0"].licenses) == ("done", ()), "one is not much"
    company.tenant.add_members("Staff", people_[0].id)
    company.run()
    company.tenant.remove_members("Staff", *(each.id for each in people_))
    company.tenant.change(people_[1].id, jobTitle="Senior clerk")
    run = company.run()
    [hold] = run.holds
    assert (run.status, hold.kind, hold.count, hold.allowed) == ("held", "license", 11, 10)
    assert {*company.entries(run, removal="license")} == {name.title() for name in staff}
    clerks = [company.users()[name.title()] for name in staff]
    assert [each.licenses for each in clerks] == [(linked,)] * 11
    assert clerks[1].details["title"] == "Senior clerk", "everything else of them goes on"
    assert company.run().status == "done"
    settling.decide(company.world.rt, company.connection_id, run.run_id, decision, by="ada")
    company.world.settle()
    left = () if decision == "approve" else (linked,)
    assert {company.users()[name.title()].licenses for name in staff} == {left}
