"""What went wrong elsewhere when people came from a directory, and what happens here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests

from dev.graph import Fault
from dev.graph.directory import delta_lines
from shared.connections import store as connections
from shared.desk import agents, keeping
from shared.desk.belonging import Held
from shared.directory import runs, settling
from shared.directory.rules import Cap, Criterion, RoleMapping, SiteMapping
from shared.directory.settling import Decision
from tests.companies import READS, Company, open_company
from tests.tampering import Carry, tamper_with_graph
from tests.world import CLIENT, CLIENT_SECRET, TENANT, World

MANY = 14
"""More than a run takes away without asking."""


@pytest.fixture
def company(world: World) -> Company:
    """A company of fourteen, two of them administrators, that has come in."""
    made = open_company(world, leaving="deleted_or_unmapped")
    made.hire("grace", "Desk", "Admins")
    made.hire("linus", "Desk", "Admins")
    for number in range(MANY - 2):
        made.hire(f"worker{number:02}", "Desk")
    assert made.run().counts == {"create": MANY}
    return made


def forget_links(company: Company) -> None:
    """Have the next run read everybody."""
    company.keep(leaving="deleted_or_unmapped", reset="clear")


def nobody_left(company: Company) -> bool:
    """Whether everybody is as active as on the first day."""
    everybody: list[Any] = [*company.users().values(), *company.agents().values()]
    return len(everybody) == 2 * MANY and all(each.active for each in everybody)


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(kind="no_rows", path="/users/delta"), "not one user"),
        (Fault(kind="refuse", path="/users/delta", status=404, error="Request_ResourceNotFound"), "404"),
        (Fault(kind="refuse", path="/users/delta", status=403, error="Authorization_RequestDenied"), "403"),
    ],
    ids=["no rows and 200", "not found", "refused"],
)
def test_s7_s11_a_read_that_failed_takes_nobody_away(company: Company, fault: Fault, told: str) -> None:
    forget_links(company)
    company.world.emulator.faults.add(fault)
    run = company.run()
    assert run.status == "failed"
    assert told in run.failure
    assert run.cure
    assert nobody_left(company)
    company.world.emulator.faults.clear()
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
def test_s11_a_page_without_its_people_takes_nobody_away(company: Company) -> None:
    for number in range(1_000):
        company.hire(f"clerk{number}")
    forget_links(company)
    company.world.emulator.faults.add(Fault(kind="lost_page", path="/users/delta", times=1))
    run = company.run()
    assert (run.status, run.failure, run.removals) == ("done", "", {})
    assert run.users_told < 1_000
    assert all(user.active for user in company.users().values())


@pytest.mark.requirement("DIR-8", "CONN-8")
@pytest.mark.parametrize("left", [("GroupMember.Read.All", "User.ReadBasic.All"), ("User.Read.All",), ()])
def test_s11_a_permission_that_was_dropped_takes_nobody_away(company: Company, left: tuple[str, ...]) -> None:
    company.world.emulator.change_roles(TENANT, CLIENT, *left)
    company.world.start()
    forget_links(company)
    run = company.run()
    assert run.status == "failed"
    assert "permission" in run.failure
    assert nobody_left(company)
    company.world.emulator.change_roles(TENANT, CLIENT, *READS)
    company.world.start()
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8", "DIR-4")
def test_s11_a_group_that_was_deleted_keeps_its_last_members(company: Company) -> None:
    company.tenant.delete(company.group("Desk"))
    for full in (False, True):
        if full:
            forget_links(company)
        run = company.run()
        assert run.status == "done"
        assert ["'Desk' is not there" in each for each in run.troubles] == [True]
        assert nobody_left(company)
        assert [held.role_id for held in company.agents()["Worker00"].roles] == ["technician"]


@pytest.mark.requirement("DIR-4")
def test_s11_a_group_that_was_renamed_is_the_same_group(company: Company) -> None:
    company.tenant.change(company.group("Desk"), displayName="Service")
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
def test_s11_a_group_that_is_read_as_empty_is_held(company: Company) -> None:
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100), reset="clear")
    members = [entry.id for entry in company.tenant.members(company.group("Desk"))]
    company.tenant.remove_members("Desk", *members)
    run = company.run()
    assert run.status == "held"
    assert [hold.kind for hold in run.holds] == ["deactivation"], "who is not in Desk is no agent"
    assert "Desk" in run.holds[0].cause
    assert nobody_left(company)
    assert [held.role_id for held in company.agents()["Worker00"].roles] == ["technician"]


@pytest.mark.requirement("DIR-8")
def test_s11_a_group_that_is_read_as_empty_is_held_though_of_people_only_changes_are_told(company: Company) -> None:
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100))
    company.run()
    company.tenant.remove_members("Desk", *(entry.id for entry in company.tenant.members(company.group("Desk"))))
    roles = (*company.rules().agent_roles, RoleMapping(group=company.named("Further"), role_id="technician"))
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100), agent_roles=roles)
    run = company.run()
    assert (run.status, run.full, run.everybody) == ("held", False, True)
    assert "Desk" in run.holds[0].cause
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
def test_s11_what_a_group_gave_that_was_read_as_empty_is_held_the_next_day_too(company: Company) -> None:
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100), reset="clear")
    members = [entry.id for entry in company.tenant.members(company.group("Desk"))]
    company.tenant.remove_members("Desk", *members)
    assert company.run().status == "held"
    for hours in (24, 24):
        company.world.advance(hours * 3600)
        run = company.run()
        assert (run.full, run.status) == (True, "held")
        assert [(hold.kind, hold.count) for hold in run.holds] == [("deactivation", MANY - 2)]
        assert nobody_left(company)
    company.tenant.add_members("Desk", *members)
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("decision", ["approve", "discard"])
def test_s11_who_waits_for_approval_is_not_taken_away_bit_by_bit(company: Company, decision: Decision) -> None:
    slip = Criterion(field="department", operator="equals", value="Suport")
    berlin = SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", sequence=2, criteria=(slip,))
    company.keep(leaving="deleted_or_unmapped", site_mappings=(berlin,))
    first = company.run()
    company.tenant.change("worker00@contoso.com", displayName="Worker Zero")
    second = company.run()
    assert ([hold.kind for hold in second.holds], second.full) == (["deactivation"], False)
    assert set(company.entries(second, removal="deactivation")) == {"Worker00"}
    assert nobody_left(company)
    for run in (second, first):
        settling.decide(company.world.rt, company.connection_id, run.run_id, decision)
        company.world.settle()
    assert nobody_left(company) is (decision == "discard")
    left = {name for name, user in company.users().items() if user.active}
    assert left == {"Grace", "Linus"} if decision == "approve" else len(left) == MANY


@pytest.mark.requirement("DIR-8")
def test_s11_what_somebody_discarded_stays_so_after_a_run_that_was_applied_in_part(company: Company) -> None:
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100), reset="clear")
    company.tenant.remove_members("Desk", *(entry.id for entry in company.tenant.members(company.group("Desk"))))
    settling.decide(company.world.rt, company.connection_id, company.run().run_id, "discard")
    company.world.settle()
    state = runs.get_head(company.world.rt, company.connection_id).state
    state.way = ""
    runs.save(company.world.rt, company.connection_id, state)
    company.keep(leaving="deleted_or_unmapped", cap=Cap(least=1000, percent=100), reset="clear")
    run = company.run()
    assert (run.status, run.full, run.removals) == ("done", True, {})
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("everybody", [True, False])
def test_s11_a_page_without_some_members_of_a_group_takes_nobody_out_of_it(
    company: Company, monkeypatch: pytest.MonkeyPatch, everybody: bool
) -> None:
    """The group is told of on two pages; on the second are a few, whom the cap would let go without asking."""
    gone = company.tenant.get("worker00@contoso.com").id
    company.tenant.remove_members("Desk", gone)
    monkeypatch.setattr(delta_lines, "MEMBERS_A_PAGE", MANY - 4)
    further = RoleMapping(group=company.named("Further"), role_id="technician")
    roles = company.rules().agent_roles if everybody else (*company.rules().agent_roles, further)
    company.keep(leaving="deleted_or_unmapped", agent_roles=roles, reset="clear" if everybody else "")
    lost = company.world.emulator.faults.add(Fault(kind="lost_page", path="/groups/delta.*skiptoken", times=1))
    run = company.run()
    assert (run.status, run.full, run.everybody) == ("done", everybody, True)
    assert lost.struck == 1
    assert [name for name, agent in company.agents().items() if not agent.active] == ["Worker00"], "who did leave it"
    assert company.run().counts == {}


@pytest.mark.requirement("DIR-8")
def test_s11_who_was_deleted_while_all_groups_are_read_anew_is_looked_for_in_vain(company: Company) -> None:
    company.tenant.delete("worker00@contoso.com")
    further = RoleMapping(group=company.named("Further"), role_id="technician")
    company.keep(leaving="deleted_or_unmapped", agent_roles=(*company.rules().agent_roles, further))
    run = company.run()
    assert (run.status, run.full, run.failure, run.counts) == ("done", False, "", {"unchanged": 13, "deactivate": 1})


@pytest.mark.requirement("DIR-8")
def test_s11_a_filter_with_a_slip_is_held_until_somebody_discards_it(company: Company) -> None:
    slip = Criterion(field="department", operator="equals", value="Suport")
    berlin = SiteMapping(mapping_id="berlin", kind="site", site_id="berlin", sequence=2, criteria=(slip,))
    company.keep(leaving="deleted_or_unmapped", site_mappings=(berlin,))
    run = company.run()
    assert run.status == "held"
    [hold] = [hold for hold in run.holds if hold.kind == "deactivation"]
    assert hold.count > hold.allowed
    assert hold.cause
    assert hold.cure
    assert nobody_left(company)
    names = set(company.entries(run, removal="deactivation"))
    assert "Worker00" in names
    settling.decide(company.world.rt, company.connection_id, run.run_id, "discard", by="ada")
    company.world.settle()
    assert company.last_run().status == "discarded"
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8")
def test_s11_many_who_left_are_held_until_somebody_approves(company: Company) -> None:
    for number in range(MANY - 2):
        company.tenant.delete(f"worker{number:02}@contoso.com")
    run = company.run()
    assert run.status == "held"
    assert nobody_left(company)
    assert company.run().status == "done", "the next hour goes on beside it"
    assert nobody_left(company)
    settling.decide(company.world.rt, company.connection_id, run.run_id, "approve", by="ada")
    company.world.settle()
    settled = runs.get_run(company.world.rt, company.connection_id, run.run_id)
    assert (settled.status, settled.decided_by) == ("applied", "ada")
    active = {name for name, user in company.users().items() if user.active}
    assert active == {"Grace", "Linus"} == {name for name, agent in company.agents().items() if agent.active}


@pytest.mark.requirement("DIR-8")
def test_s11_the_last_administrators_stay(company: Company) -> None:
    company.tenant.delete("grace@contoso.com")
    company.tenant.delete("linus@contoso.com")
    run = company.run()
    assert run.status == "done"
    assert nobody_left(company)
    assert len(run.spared) == 2
    company.tenant.add_members("Admins", company.tenant.get("worker00@contoso.com").id)
    forget_links(company)
    assert company.run().status == "done"
    assert not company.agents()["Grace"].active
    assert not company.agents()["Linus"].active
    assert company.agents()["Worker00"].active


@pytest.mark.requirement("DIR-8")
def test_s11_who_was_the_last_administrator_goes_with_the_full_round_after_another_one_was_made(
    company: Company,
) -> None:
    company.tenant.delete("grace@contoso.com")
    company.tenant.delete("linus@contoso.com")
    assert len(company.run().spared) == 2
    kept = keeping.read(company.world.rt, agents.KIND, company.agents()["Worker00"].agent_id)
    admin = replace(kept.thing, roles=(*kept.thing.roles, Held("admin")))
    keeping.change(company.world.rt, agents.KIND, kept, admin)
    company.world.advance(24 * 3600)
    run = company.run()
    assert (run.full, run.counts, run.spared) == (True, {"deactivate": 2}, ())
    assert {name for name, agent in company.agents().items() if not agent.active} == {"Grace", "Linus"}


@pytest.mark.requirement("DIR-8", "CONN-1")
def test_s11_a_token_of_another_tenant_takes_nobody_away(company: Company) -> None:
    """Others are in that tenant, and all is granted there: but for the doubt everybody would be gone but Mallory."""
    other, emulator = "99999999-9999-4999-8999-999999999999", company.world.emulator
    emulator.add_app(tenant_id=other, client_id=CLIENT, secret=CLIENT_SECRET, roles=READS)
    emulator.directory(other).add_user("mallory@fabrikam.com", displayName="Mallory")

    def lead_astray(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        request.url = str(request.url).replace(TENANT, other)
        return carry()

    forget_links(company)
    company.world.start()
    tamper_with_graph(company.world, lead_astray)
    run = company.run()
    assert run.status == "failed"
    assert f"The sign-in is of the tenant {other}" in run.failure
    assert (run.cure != "", nobody_left(company)) == (True, True)
    company.world.start()
    assert company.run().status == "done"
    assert nobody_left(company)


@pytest.mark.requirement("DIR-8", "CONN-1")
def test_s11_a_connection_that_leads_to_another_tenant_takes_nobody_away_without_asking(company: Company) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    company.world.emulator.add_app(tenant_id=other, client_id=CLIENT, secret=CLIENT_SECRET, roles=READS)
    connections.change(company.world.rt, company.connection_id, tenant_id=other)
    for status, name in (("failed", ""), ("held", "mallory@fabrikam.com")):
        if name:
            company.world.emulator.directory(other).add_user(name, displayName="Mallory")
        company.world.start()
        forget_links(company)
        assert company.run().status == status
        assert all(user.active for user in company.users().values())
