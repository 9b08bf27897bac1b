"""Rounds over people and groups as Graph makes them: links that expire or lead in circles, pages that come twice,
groups in groups, and a Graph that is busy.
"""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.directory import runs
from shared.directory.rules import AGENT_SITE, Cap, FieldMapping, Group, RoleMapping, SiteMapping
from tests.companies import Company, open_staffed, picture_of
from tests.world import World

SKU = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"


@pytest.fixture
def company(world: World) -> Company:
    """Three people who came in."""
    return open_staffed(world)


def requests_of(company: Company) -> list[str]:
    """What was asked of Graph since the meter began."""
    return [call for call in company.world.meter.calls if call.startswith("graph")]


@pytest.mark.requirement("DIR-10")
def test_an_hour_without_changes_asks_graph_twice_and_writes_nothing_of_the_desk(company: Company) -> None:
    before = picture_of(company)
    company.world.meter.start()
    run = company.run()
    assert (run.status, run.counts, run.full) == ("done", {}, False)
    assert requests_of(company) == ["graph GET /v1.0/users/delta", "graph GET /v1.0/groups/delta"]
    assert company.world.meter.by_kind()["table"] <= 19, "seven of them see whether the desk is another one"
    assert picture_of(company) == before


@pytest.mark.requirement("DIR-10")
def test_an_hour_with_changes_writes_what_changed(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.tenant.remove_members("Desk", company.tenant.get("ada@contoso.com").id)
    company.world.meter.start()
    run = company.run()
    assert run.counts == {"update": 2}
    assert len(requests_of(company)) == 2
    assert company.users()["Alan"].details["title"] == "Mathematician"
    ada = company.agents()["Ada"]
    assert (ada.active, ada.roles, ada.teams) == (True, (), ())


@pytest.mark.requirement("DIR-10")
def test_of_a_group_only_its_name_and_its_members_are_listened_to(company: Company) -> None:
    desk = company.groups["Desk"]
    company.tenant.change(desk, description="Everybody who answers")
    assert company.run().groups_told == 0
    company.tenant.change(desk, displayName="Service desk")
    run = company.run()
    assert (run.groups_told, run.counts) == (1, {})
    company.tenant.add_members(desk, company.tenant.get("alan@contoso.com").id)
    run = company.run()
    assert (run.groups_told, run.counts) == (1, {"update": 1})
    assert "Alan" in company.agents()


@pytest.mark.requirement("DIR-10")
def test_of_people_only_what_is_in_use_is_listened_to_or_all_changes(company: Company) -> None:
    company.tenant.change("alan@contoso.com", companyName="Contoso Ltd")
    assert company.run().users_told == 0
    company.keep(sync_method="all")
    assert company.run().full is True
    company.tenant.change("alan@contoso.com", companyName="Contoso Inc.")
    run = company.run()
    assert (run.users_told, run.counts) == (1, {"unchanged": 1})


@pytest.mark.requirement("DIR-10")
def test_what_delta_does_not_watch_comes_along_with_something_else(company: Company) -> None:
    states = FieldMapping(source="licenseAssignmentStates", target="custom.badge")
    company.keep(user_fields=(*company.rules().user_fields, states))
    company.run()
    company.tenant.change("alan@contoso.com", licenseAssignmentStates=[{"skuId": SKU}])
    assert company.run().users_told == 0
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    assert company.run().counts == {"update": 1}
    assert company.users()["Alan"].custom == {"badge": SKU}


@pytest.mark.requirement("DIR-10")
def test_a_custom_mapping_asks_for_more_and_reads_everybody_once(company: Company) -> None:
    company.tenant.change("alan@contoso.com", employeeId="42")
    rules = company.rules()
    fields = [*rules.user_fields, rules.user_fields[0].model_copy(update={"source": "employeeId", "target": "office"})]
    fields = [each for each in fields if not (each.target == "office" and each.source == "officeLocation")]
    company.keep(user_fields=tuple(fields))
    run = company.run()
    assert (run.status, run.full) == ("done", True)
    assert company.users()["Alan"].details["office"] == "42"
    assert company.run().full is False


@pytest.mark.requirement("DIR-10")
def test_reset_latest_passes_over_what_happened_and_clear_reads_it(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.keep(reset="latest")
    assert company.run().counts == {}
    assert "title" not in company.users()["Alan"].details
    company.tenant.change("ada@contoso.com", jobTitle="Countess")
    assert company.run().counts == {"update": 1}
    company.keep(reset="clear")
    run = company.run()
    assert (run.full, run.counts) == (True, {"update": 1})
    assert company.users()["Alan"].details["title"] == "Mathematician"


@pytest.mark.requirement("DIR-10")
def test_without_delta_everybody_is_read_every_time(company: Company) -> None:
    company.keep(delta=False)
    assert [company.run().full for _ in range(2)] == [True, True]


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
def test_s10_an_expired_link_reads_everything_anew_and_deletes_nobody(company: Company, path: str) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.emulator.faults.add(Fault(kind="expire_delta", path=path, times=1))
    run = company.run()
    assert (run.status, run.failure) == ("done", "")
    assert run.counts == {"update": 1}
    assert set(company.users()) == {"Grace", "Ada", "Alan"}
    assert all(user.active for user in company.users().values())


@pytest.mark.requirement("DIR-10")
def test_s10_links_that_were_not_used_for_a_week(company: Company) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.world.advance(8 * 24 * 3600)
    run = company.run()
    assert (run.status, run.full, run.counts) == ("done", True, {"update": 1})


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize("path", ["/users/delta", "/groups/delta"])
def test_s10_a_round_without_an_end_is_given_up_and_the_next_one_succeeds(company: Company, path: str) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.tenant.remove_members("Desk", company.tenant.get("grace@contoso.com").id)
    company.tenant.add_members("Desk", company.tenant.get("grace@contoso.com").id)
    company.world.emulator.faults.add(Fault(kind="endless_delta", path=path))
    run = company.run()
    assert run.status == "failed"
    assert "does not end" in run.failure
    assert set(company.users()) == {"Grace", "Ada", "Alan"}
    company.world.emulator.faults.clear()
    assert company.run().counts == {"update": 1}


@pytest.mark.requirement("DIR-10")
@pytest.mark.parametrize("kind", ["empty_delta_page", "replay_delta"])
def test_s10_empty_pages_and_what_is_told_twice(company: Company, kind: str) -> None:
    company.world.emulator.faults.add(Fault(kind=kind, times=3))  # type: ignore[arg-type]  # two of its kinds
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.keep(reset="clear")
    assert company.run().counts == {"update": 1}


@pytest.mark.requirement("DIR-2", "DIR-4")
def test_s14_managers_in_a_circle_and_groups_in_themselves(company: Company) -> None:
    tenant = company.tenant
    tenant.set_manager("grace@contoso.com", "alan@contoso.com")
    outer, inner = company.group("Outer"), company.group("Inner")
    tenant.add_members(outer, inner)
    tenant.add_members(inner, outer, tenant.get("alan@contoso.com").id)
    rules = company.rules()
    mapping = SiteMapping(
        mapping_id="outer", kind="site", site_id=AGENT_SITE, sequence=0, group=Group(id=outer), transitive=True
    )
    role = RoleMapping(group=Group(id=outer), role_id="technician", transitive=True)
    company.keep(site_mappings=(mapping, *rules.site_mappings), agent_roles=(role, *rules.agent_roles))
    assert company.run().status == "done"
    users, agents = company.users(), company.agents()
    assert users["Grace"].manager == users["Alan"].user_id
    assert agents["Grace"].line_manager == agents["Alan"].agent_id
    assert agents["Ada"].line_manager == agents["Grace"].agent_id
    assert agents["Alan"].line_manager == agents["Ada"].agent_id
    assert [held.role_id for held in agents["Alan"].roles] == ["technician"]
    tenant.remove_members(outer, inner)
    assert company.run().status == "done"
    assert company.agents()["Alan"].roles == (), "Alan did not change, but is in Outer no more"


@pytest.mark.requirement("DIR-2", "DIR-4")
def test_s14_two_who_manage_each_other_one_who_manages_herself_and_a_manager_who_is_not_brought_in(
    company: Company,
) -> None:
    tenant = company.tenant
    outsider = tenant.add_user("outsider@contoso.com", displayName="Outsider", userType="Guest").id
    tenant.set_manager("grace@contoso.com", "ada@contoso.com")
    tenant.set_manager("alan@contoso.com", "alan@contoso.com")
    company.hire("edsger")
    tenant.set_manager("edsger@contoso.com", outsider)
    tenant.add_members(company.group("Desk"), company.group("Desk"))
    run = company.run()
    assert (run.status, run.counts) == ("done", {"update": 2, "create": 1, "skip": 1})
    users, agents = company.users(), company.agents()
    assert (users["Ada"].manager, users["Grace"].manager) == (users["Grace"].user_id, users["Ada"].user_id)
    assert agents["Grace"].line_manager == agents["Ada"].agent_id
    assert users["Alan"].manager == "", "nobody is their own manager at the desk"
    assert ("Outsider" in users, users["Edsger"].manager) == (False, "")
    company.keep(reset="clear")
    run = company.run()
    assert (run.full, run.counts) == (True, {}), "read in another order they are the same"


@pytest.mark.requirement("DIR-4")
def test_s14_a_large_group_over_many_pages_and_a_member_removed_between_them(company: Company) -> None:
    crowd = [company.tenant.add_user(f"crowd{number}@contoso.com").id for number in range(300)]
    company.tenant.add_members(company.group("Crowd"), *crowd)
    company.tenant.remove_members(company.group("Crowd"), crowd[0])
    to_berlin = SiteMapping(mapping_id="berlin", kind="site", site_id="berlin")
    role = RoleMapping(group=company.named("Crowd"), role_id="requester")
    company.keep(site_mappings=(to_berlin,), user_roles=(role,), reset="clear", cap=Cap(least=100))
    assert company.run().status == "done"
    known = {user.address: user for user in company.users().values()}
    having = [address for address, user in known.items() if user.roles]
    assert len(having) == 299


@pytest.mark.requirement("DIR-1")
@pytest.mark.parametrize("retry_after", [20, None, "date"])
@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_s15_a_busy_graph_in_the_middle_of_a_round(company: Company, kind: str, retry_after: int | str | None) -> None:
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    fault = Fault(kind=kind, path="/groups/delta", times=5, retry_after=retry_after)  # type: ignore[arg-type]  # as above
    company.world.emulator.faults.add(fault)
    company.world.advance(3600)
    company.wake()
    for _ in range(12):
        if not runs.get_head(company.world.rt, company.connection_id).state.run:
            break
        company.world.advance(901)
        company.world.host.make_visible()
        company.wake()
    run = company.last_run()
    assert (run.status, run.counts) == ("done", {"update": 1})
    assert company.users()["Alan"].details["title"] == "Mathematician"


@pytest.mark.requirement("DIR-1")
def test_a_run_that_gets_a_moment_at_a_time_comes_to_the_same_end(company: Company) -> None:
    company.world.start(SLICE_SECONDS="0.001")
    company.tenant.change("alan@contoso.com", jobTitle="Mathematician")
    company.hire("edsger", "Desk", manager="alan")
    company.world.meter.start()
    run = company.run()
    assert (run.status, run.counts) == ("done", {"update": 1, "create": 1})
    assert company.world.meter.by_kind()["queue"] > 4, "it put itself again after each step"
    assert company.users()["Edsger"].manager == company.users()["Alan"].user_id
