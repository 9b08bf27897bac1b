"""One account signs in for the desk, and its mail becomes tickets; by and by its sign-in is lost, and found again."""

from __future__ import annotations

import pytest

from shared import runtime
from tests.companies import Company
from tests.connections.browser import ADA, begin, come_back, connect, go_to_entra, prove_with, sign_in
from tests.world import CALLBACK, CLIENT, CLIENT_SECRET, SUPPORT, TENANT, World, mail


def subjects(world: World) -> list[str]:
    return sorted(ticket["subject"] for ticket in world.tickets())


@pytest.fixture
def tenant(world: World) -> World:
    """Ada has a mailbox, and a connection waits for her."""
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect(world)
    return world


def take_in(world: World, address: str, method: str = "webhook") -> str:
    answer = world.api("POST", "/mailboxes", {"connection_id": "desk", "address": address, "method": method})
    assert answer.status == 201, answer.body
    return str(answer.json()["mailbox_id"])


@pytest.mark.requirement("CONN-2", "CONN-4", "MAIL-1")
def test_the_mail_of_the_account_becomes_tickets(tenant: World) -> None:
    tenant.emulator.sit_down(ADA)
    page = come_back(tenant, go_to_entra(tenant, begin(tenant)["url"]))
    assert (page.status, ADA in page.body.decode()) == (200, True)
    take_in(tenant, ADA)
    tenant.settle()
    assert len(tenant.emulator.subscriptions()) == 1
    tenant.emulator.deliver(ADA, mail("By webhook", to=ADA))
    tenant.settle()
    assert subjects(tenant) == ["By webhook"]

    tenant.advance(2 * 3600)
    tenant.emulator.expire_tokens()
    tenant.emulator.deliver(ADA, mail("Hours later", to=ADA))
    tenant.settle()
    assert subjects(tenant) == ["By webhook", "Hours later"]


@pytest.mark.requirement("CONN-2", "CONN-3")
@pytest.mark.parametrize("proof", ["certificate", "identity"])
def test_the_app_behind_the_account_proves_itself_without_a_secret(
    world: World, proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = prove_with(world, proof, monkeypatch)
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    connect(world, **given)
    assert sign_in(world).status == 200
    take_in(world, ADA)
    world.settle()
    world.advance(2 * 3600)
    world.emulator.expire_tokens()
    world.emulator.deliver(ADA, mail("Hours later", to=ADA))
    world.settle()
    assert subjects(world) == ["Hours later"]


@pytest.mark.requirement("CONN-2", "CONN-4")
def test_another_account_is_noticed_by_every_process_within_a_minute(tenant: World) -> None:
    bob = "bob@contoso.com"
    tenant.emulator.add_mailbox(TENANT, bob)
    sign_in(tenant)
    take_in(tenant, ADA, "scan")
    tenant.scan()
    first = tenant.rt
    tenant.start()
    assert sign_in(tenant, account=bob).status == 200
    tenant.rt = first
    runtime.use(first)
    take_in(tenant, bob, "scan")
    tenant.emulator.deliver(bob, mail("To Bob", to=bob))
    tenant.scan()
    assert subjects(tenant) == [], "it still acts as Ada"
    tenant.advance(61)
    tenant.scan()
    assert subjects(tenant) == ["To Bob"]


@pytest.mark.requirement("CONN-2")
def test_a_mailbox_that_the_account_was_given_access_to_is_scanned(tenant: World) -> None:
    tenant.emulator.add_mailbox(TENANT, SUPPORT, kind="shared")
    tenant.emulator.give_access(SUPPORT, ADA)
    assert sign_in(tenant).status == 200
    take_in(tenant, SUPPORT, "scan")
    tenant.emulator.deliver(SUPPORT, mail("To the team"))
    tenant.scan()
    assert subjects(tenant) == ["To the team"]


@pytest.mark.requirement("CONN-2", "CONN-9")
def test_mail_waits_while_the_sign_in_is_lost_and_comes_when_somebody_signs_in_again(tenant: World) -> None:
    sign_in(tenant)
    take_in(tenant, ADA)
    tenant.settle()
    tenant.emulator.revoke_sessions(ADA)
    tenant.emulator.expire_tokens()
    tenant.advance(3600)
    for subject in ("One", "Two"):
        tenant.emulator.deliver(ADA, mail(subject, to=ADA))
    tenant.scan()
    assert subjects(tenant) == []
    assert tenant.get("/connections/desk")["state"] == "needs_sign_in"
    assert sign_in(tenant).status == 200
    assert tenant.get("/connections/desk")["state"] == "connected"
    tenant.settle()
    assert subjects(tenant) == ["One", "Two"], "by itself"


@pytest.mark.requirement("CONN-2", "CONN-6", "DIR-1")
def test_people_come_in_through_an_account_that_was_asked_for_what_that_takes(world: World) -> None:
    allowed = ("User.Read.All", "GroupMember.Read.All")
    world.emulator.add_app(TENANT, CLIENT, CLIENT_SECRET, redirect_uris=(CALLBACK,), scopes=allowed)
    world.emulator.add_mailbox(TENANT, ADA, display_name="Ada")
    company = Company(world, connect(world, used_for=["directory"]))
    company.furnish()
    asked = begin(world)["url"]
    assert all(each in asked for each in allowed)
    assert "Mail." not in asked
    assert sign_in(world).status == 200
    found = world.api("POST", "/connections/desk/test").json()
    assert {each["permission"]: each["standing"] for each in found["permissions"]} == dict.fromkeys(allowed, "granted")
    company.keep()
    company.hire("grace", "Desk")
    run = company.run()
    assert (run.status, run.failure) == ("done", "")
    assert company.users()["Grace"].site == "berlin"
    assert "Grace" in company.agents()


@pytest.mark.requirement("CONN-6", "CONN-8")
def test_what_an_account_was_not_asked_for_is_said_with_its_cure(tenant: World) -> None:
    people = connect(tenant, "People", used_for=["directory"])
    answer = tenant.api("POST", "/mailboxes", {"connection_id": people, "address": ADA})
    assert (answer.status, answer.json()["fields"][0]["field"]) == (422, "connection_id")
    assert "'mail'" in answer.json()["cure"]
    assert sign_in(tenant).status == 200
    company = Company(tenant, "desk")
    company.furnish()
    company.keep()
    run = company.run()
    assert (run.status, company.users()) == ("failed", {})
    assert "User.Read.All" in run.failure
    assert "'directory'" in run.cure
