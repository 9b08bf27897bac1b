"""Accounts whose sign-in nobody blocked and that are no people all the same: their mailboxes say so, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault
from shared.desk import keeping, people
from shared.desk.people import User
from shared.directory import looking, runs
from tests.companies import READS, Company, open_company
from tests.world import CLIENT, TENANT, World

SEES = (*READS, "MailboxSettings.Read")
NOBODYS = {"reception": "shared", "oslo": "room", "beamer": "equipment"}


def equip(company: Company, kinds: dict[str, str]) -> None:
    """Mailboxes in the tenant, whose accounts anybody could sign in to."""
    for name, kind in kinds.items():
        company.world.emulator.add_mailbox(TENANT, f"{name}@contoso.com", name.title(), kind)
        company.tenant.change(f"{name}@contoso.com", accountEnabled=True)


def open_equipped(world: World, *roles: str, **rules: Any) -> Company:
    company = open_company(world, ["ada"], **rules)
    world.emulator.change_roles(TENANT, CLIENT, *roles)
    equip(company, {**NOBODYS, "grace": "user"})
    return company


def asked(company: Company) -> int:
    """How many mailboxes Graph was asked about since the meter began."""
    return sum("/mailboxSettings" in call for call in company.world.meter.calls)


def batches(company: Company) -> int:
    return sum(call.startswith("graph POST /v1.0/$batch") for call in company.world.meter.calls)


@pytest.mark.requirement("DIR-3")
def test_s13_shared_mailboxes_rooms_and_equipment_stay_out_and_are_asked_about_once(world: World) -> None:
    company = open_equipped(world, *SEES)
    preview = company.ask("preview")
    assert (preview.counts, company.users()) == ({"create": 2, "skip": 3}, {})
    assert {name: str(each.reason) for name, each in company.entries(preview, outcome="skip").items()} == dict.fromkeys(
        ("Reception", "Oslo", "Beamer"), "mailbox"
    )
    world.meter.start()
    assert company.run().counts == preview.counts
    assert ({*company.users()}, batches(company)) == ({"Ada", "Grace"}, 1)
    company.keep(reset="clear")
    world.meter.start()
    assert (company.run().pieces, batches(company) + asked(company)) == (0, 0)
    company.tenant.change("oslo@contoso.com", jobTitle="Largest room")
    company.tenant.change("ada@contoso.com", jobTitle="Countess")
    assert company.run().counts == {"skip": 1, "update": 1}
    told = looking.what_would_happen(world.rt, company.connection_id, "reception@contoso.com")
    assert (told.entry.outcome, str(told.entry.reason)) == ("skip", "mailbox")


@pytest.mark.requirement("DIR-3", "CONN-6")
@pytest.mark.parametrize(("roles", "rules"), [(READS, {}), (SEES, {"people_only": False})])
def test_where_it_may_not_look_or_need_not_nothing_is_asked(
    world: World, roles: tuple[str, ...], rules: dict[str, Any]
) -> None:
    company = open_equipped(world, *roles, **rules)
    world.meter.start()
    assert company.run().counts == {"create": 5}
    assert batches(company) + asked(company) == 0
    answer = world.api("POST", f"/connections/{company.connection_id}/test", {})
    [line] = [each for each in answer.json()["permissions"] if each["permission"] == "MailboxSettings.Read"] or [{}]
    assert line.get("standing") == ("missing" if roles == READS else "granted"), answer.body
    assert not line["mandatory"]


@pytest.mark.requirement("DIR-3", "DIR-7")
def test_a_mailbox_that_wrote_before_and_one_of_an_agent_are_nobody_either(world: World) -> None:
    company = open_equipped(world, *SEES)
    keeping.create(world.rt, people.KIND, User("u1", "The reception", "reception@contoso.com"))
    company.tenant.add_members(company.group("Desk"), company.tenant.get("oslo@contoso.com").id)
    assert company.run().counts == {"create": 2, "skip": 3}
    assert company.users()["The reception"].origin == ""
    assert company.agents() == {}


@pytest.mark.requirement("DIR-3", "OPS-2")
def test_slices_that_are_too_short_for_all_mailboxes_ask_about_each_once(world: World) -> None:
    company = open_equipped(world, *SEES)
    equip(company, {f"room{number}": "room" for number in range(1_100)})
    world.meter.start()
    world.emulator.faults.add(Fault(kind="throttle", path="/\\$batch", retry_after=60, skip=30, times=1))
    world.start(SLICE_SECONDS="0.001")
    began = company.run()
    assert began.status == "working", "Graph is busy"
    for _ in range(3):
        world.advance(120)
        company.wake()
    run = runs.get_run(world.rt, company.connection_id, began.run_id)
    assert (run.status, run.counts) == ("done", {"create": 2, "skip": 1_103})
    in_pages_of_500, again, refused = 25 + 25 + 6, 5, 1
    assert batches(company) == in_pages_of_500 + again + refused
    assert not world.rt.blobs.list_names(f"directory/{company.connection_id}/{run.run_id}/mailboxes-")


@pytest.mark.requirement("DIR-3")
def test_a_mailbox_that_exchange_hides_from_the_app_is_taken_for_a_person_s(world: World) -> None:
    company = open_equipped(world, *SEES)
    hidden = Fault(kind="refuse", path="/mailboxSettings", mailbox="oslo@contoso.com", status=403, error="AccessDenied")
    world.emulator.faults.add(hidden)
    assert company.run().counts == {"create": 3, "skip": 2}
    assert {*company.users()} == {"Ada", "Grace", "Oslo"}
