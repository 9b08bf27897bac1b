"""Rounds as large as Graph makes them: a group that comes in many pieces, with others in between, while it changes."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.directory import mirror, runs
from shared.directory.rules import Criterion, RoleMapping, SiteMapping
from shared.graph.limits import DIRECTORY_PAGE
from tests.companies import Company, open_company
from tests.world import CLIENT, World

CROWD, OTHERS, OF_OTHERS = 25_000, 12, 700
STOPPED_AFTER = 15
"""Pages of groups after which Graph is busy for once, so that something can change before the next."""
TO_BERLIN = SiteMapping(
    mapping_id="berlin",
    kind="site",
    site_id="berlin",
    criteria=(Criterion(field="department", operator="equals", value="Service"),),
)


def crowded(company: Company) -> list[str]:
    """A group of 25,000, of whom one in five hundred is to come in, and a dozen other groups of theirs; the ids."""
    tenant = company.tenant
    crowd = [
        tenant.add_user(f"crowd{number}@contoso.com", department="Sales" if number % 500 else "Service").id
        for number in range(CROWD)
    ]
    tenant.add_members(company.group("Crowd"), *crowd)
    for number in range(OTHERS):
        tenant.add_group(f"Other {number}", crowd[number * OF_OTHERS : (number + 1) * OF_OTHERS])
    role = RoleMapping(group=company.named("Crowd"), role_id="requester")
    company.keep(site_mappings=(TO_BERLIN,), user_roles=(role,), agent_roles=(), teams=(), sync_method="all")
    return crowd


def in_crowd(company: Company) -> set[str]:
    """Whom the mirror has in the large group."""
    crowd = company.group("Crowd")
    known = mirror.iter_known(company.world.rt, company.connection_id, ["groups", "groups_more"])
    return {each.object_id for each in known if crowd in each.groups}


def having_the_role(company: Company) -> set[str]:
    """Who has at the desk what members of the large group are given: object ids."""
    return {user.origin.rpartition("/")[2] for user in company.users().values() if user.roles}


@pytest.mark.requirement("DIR-1", "DIR-4", "DIR-10")
def test_s14_s15_25_000_members_over_many_pages_among_other_groups_and_two_who_go_between_them(world: World) -> None:
    company = open_company(world)
    crowd = crowded(company)
    busy = world.emulator.faults.add(
        Fault(kind="throttle", path="/groups/delta", skip=STOPPED_AFTER, times=1, retry_after=30)
    )
    world.meter.start()
    company.wake()
    state = runs.get_head(world.rt, company.connection_id).state
    assert (busy.struck, state.phase, state.looked) == (1, "groups", STOPPED_AFTER)
    company.tenant.remove_members(company.group("Crowd"), crowd[0], crowd[-500])
    world.advance(31)
    world.host.make_visible()
    company.wake()
    run = company.last_run()
    assert (run.status, run.failure, run.counts) == ("done", "", {"create": 50, "skip": CROWD - 50})
    asked = [call for call in world.meter.calls if call.startswith("graph")]
    pages = {kind: sum(call.endswith(f"/{kind}/delta") for call in asked) for kind in ("users", "groups")}
    assert pages["users"] == CROWD // DIRECTORY_PAGE + 1
    assert pages["groups"] > 30
    assert world.emulator.units.highest_share[CLIENT] < 0.8, "of the resource units that Graph allows in ten seconds"
    company.run()
    left = {crowd[0], crowd[-500]}
    assert in_crowd(company) == {*crowd} - left, "at the latest with the hour after"
    assert having_the_role(company) == {*crowd[::500]} - left
