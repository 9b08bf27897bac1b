"""Users: one for each mail address, remembered for a while, never for too long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.desk import PARTITION, TABLE, agents, keeping, people, sites
from shared.desk.agents import Agent
from shared.desk.belonging import Held, Membership, Seat
from shared.desk.people import User
from shared.desk.recording import record
from shared.desk.sites import Site
from shared.desk.tickets import get_ticket
from shared.runtime import Runtime
from shared.storage.tables import Change, Row, RowChanged, RowExists
from tests.desk.incoming import incoming
from tests.world import World


@pytest.mark.requirement("MAIL-9")
def test_an_unknown_address_is_nobody_and_a_mail_makes_it_somebody(world: World) -> None:
    assert people.find_by_address(world.rt, "ada@example.com") is None
    record(world.rt, [incoming("a", sender_name="Ada Lovelace")])
    for rt in (world.rt, world.start()):
        found = people.find_by_address(rt, "Ada@Example.COM")
        assert found is not None
        assert found.address == "ada@example.com"


@pytest.mark.requirement("MAIL-9")
def test_one_sender_of_many_mails_is_one_user_however_the_address_is_written(world: World) -> None:
    spellings = ["ada@example.com", "ADA@example.com", "Ada@EXAMPLE.com"]
    found = record(world.rt, [incoming(each, sender_address=each) for each in spellings])
    assert len({each.user_id for each in found}) == 1
    rows = list(world.rt.tables[TABLE].range(PARTITION, low="u~", high="v"))
    assert [row["address"] for row in rows] == ["ada@example.com"]


def test_the_same_address_gets_the_same_id_and_another_one_another() -> None:
    ids = {people.new_user("", address, "").user_id for address in ("a@x.org", "A@x.org", "b@x.org")}
    assert len(ids) == 2


def test_a_sender_without_a_name_is_called_by_the_address() -> None:
    assert people.new_user("", "ada@example.com", "").name == "ada"


@pytest.mark.requirement("MAIL-9")
def test_a_user_whose_site_is_known_brings_it_to_the_ticket(world: World) -> None:
    record(world.rt, [incoming("a")])
    world.rt.tables[TABLE].merge(Row(PARTITION, people.address_key("ada@example.com"), {"site": "Paris"}))
    world.advance(301)
    record(world.rt, [incoming("b")])
    assert [world.rt.tables[TABLE].find(PARTITION, f"t~{9_999_999_999 - n}")["site"] for n in (1, 2)] == ["", "Paris"]  # type: ignore[index]  # both are there


def test_somebody_who_is_remembered_costs_no_request_for_five_minutes(world: World) -> None:
    record(world.rt, [incoming("a")])
    world.meter.start()
    assert people.find_by_address(world.rt, "ada@example.com")
    assert world.meter.calls == []
    world.advance(301)
    assert people.find_by_address(world.rt, "ada@example.com")
    assert len(world.meter.calls) == 1


def test_a_user_whom_another_worker_made_is_found_by_the_next_recording(world: World) -> None:
    one, other = world.rt, world.start()
    assert people.find_by_address(one, "ada@example.com") is None
    [first] = record(other, [incoming("a")])
    [second] = record(one, [incoming("b")])
    assert second.user_id == first.user_id
    assert len(list(one.tables[TABLE].range(PARTITION, low="u~", high="v"))) == 1


ADA = User(
    "u1",
    "Ada Lovelace",
    "ada@example.com",
    site="s1",
    source="contoso",
    details={"first_name": "Ada", "phone": "1"},
    custom={"badge": "7"},
    manager="u2",
    roles=(Held("r1"), Held("r2", "contoso")),
    seats=(Seat("b1", "Chair"),),
    licenses=("sku",),
    origin="contoso/object",
)


def put(rt: Runtime, changes: list[Change]) -> None:
    if changes:
        rt.tables[TABLE].transact(changes)
    people.forget(rt)


@pytest.mark.requirement("DESK-3")
def test_a_user_and_an_agent_are_read_as_they_were_kept(world: World) -> None:
    put(world.rt, people.changes(None, ADA))
    agent = Agent(
        "a1",
        "u1",
        "Ada",
        "ada@example.com",
        license="named",
        roles=(Held("r1"),),
        teams=(Membership("t1", "c", False),),
    )
    put(world.rt, agents.changes(None, agent))
    assert people.get_user(world.rt, "u1") == ADA
    assert list(people.iter_users(world.rt)) == [ADA]
    assert agents.get_agent(world.rt, "a1") == agent
    assert list(agents.iter_agents(world.rt)) == [agent]
    assert (people.find_user(world.rt, "u9"), agents.find_agent(world.rt, "a9")) == (None, None)


@pytest.mark.requirement("DESK-3")
def test_a_change_of_a_user_writes_two_rows_at_most_and_none_for_nothing() -> None:
    written = {
        0: ADA,
        1: replace(ADA, details={}, licenses=("sku", "other"), last_sign_in="2026-11-21T10:00:00.000000Z"),
        2: replace(ADA, site="s2"),
    }
    assert [len(people.changes(ADA, after)) for after in written.values()] == list(written)
    assert len(people.changes(ADA, replace(ADA, active=False))) == 2
    assert len(people.changes(None, ADA)) == 2
    assert len(people.changes(None, replace(ADA, address=""))) == 1
    assert len(agents.changes(None, Agent("a1", "u1", "Ada", ""))) == 1
    assert agents.changes(Agent("a1", "u1", "Ada", ""), Agent("a1", "u1", "Ada", "")) == []


@pytest.mark.requirement("DESK-3")
def test_an_address_that_a_user_leaves_is_nobodys_or_still_theirs_or_let_alone(world: World) -> None:
    moved = replace(ADA, address="king@example.com", name="Ada King")
    put(world.rt, people.changes(None, ADA))
    put(world.rt, people.changes(ADA, moved, former="keep"))
    for address in ("ada@example.com", "king@example.com"):
        found = people.find_by_address(world.rt, address)
        assert found == User("u1", "Ada King", "king@example.com", "s1"), address
    again = replace(moved, address="l@example.com")
    put(world.rt, people.changes(moved, again))
    assert people.find_by_address(world.rt, "king@example.com") is None
    put(world.rt, people.changes(None, User("u2", "Ben", "ben@example.com")))
    taken = User("u2", "Ben", "l@example.com")
    put(world.rt, people.changes(User("u2", "Ben", "ben@example.com"), taken))
    put(world.rt, people.changes(again, replace(again, address="other@example.com"), former="not_theirs"))
    found = people.find_by_address(world.rt, "l@example.com")
    assert found is not None
    assert found.user_id == "u2"


@pytest.mark.requirement("DESK-3")
def test_what_people_changed_since_is_not_lost_where_the_version_is_given(world: World) -> None:
    put(world.rt, people.changes(None, ADA))
    agent = Agent("a1", "u1", "Ada", "")
    put(world.rt, agents.changes(None, agent))
    user, kept = keeping.read(world.rt, people.KIND, "u1"), keeping.read(world.rt, agents.KIND, "a1")
    put(world.rt, people.changes(ADA, replace(ADA, name="By hand"), etag=user.etag))
    put(world.rt, agents.changes(agent, replace(agent, name="By hand"), etag=kept.etag))
    for stale in (
        people.changes(ADA, replace(ADA, site="s9"), etag=user.etag),
        agents.changes(agent, replace(agent, license="named"), etag=kept.etag),
    ):
        with pytest.raises(RowChanged):
            put(world.rt, stale)
    assert people.get_user(world.rt, "u1").name == agents.get_agent(world.rt, "a1").name == "By hand"
    found = people.find_by_address(world.rt, "ada@example.com")
    assert found is not None
    assert (found.name, found.site) == ("By hand", "s1")


def test_a_new_user_takes_nobodys_address(world: World) -> None:
    put(world.rt, people.changes(None, ADA))
    with pytest.raises(RowExists):
        put(world.rt, people.changes(None, User("u2", "Eve", "ADA@example.com")))
    assert people.find_user(world.rt, "u2") is None


@pytest.mark.requirement("MAIL-9", "DESK-3")
def test_mail_of_an_inactive_user_is_still_theirs(world: World) -> None:
    put(world.rt, people.changes(None, replace(ADA, active=False)))
    [recorded] = record(world.rt, [incoming("a")])
    found = people.find_by_address(world.start(), "ada@example.com")
    assert found is not None
    assert (recorded.user_id, found.user_id, found.active) == ("u1", "u1", False)
    assert people.get_user(world.rt, "u1") == replace(ADA, active=False)
    assert get_ticket(world.rt, 1).site == "s1"


@pytest.mark.requirement("MAIL-9", "DESK-3")
def test_an_unknown_sender_gets_the_site_of_their_domain(world: World) -> None:
    keeping.create(world.rt, sites.KIND, Site("leeds", "o1", "Leeds", ("leeds.example",)))
    addresses = {"eve@leeds.example": "leeds", "eve@LEEDS.example": "leeds", "eve@york.example": ""}
    record(world.rt, [incoming(each, sender_address=each) for each in addresses])
    for number, (address, site) in enumerate(addresses.items(), start=1):
        found = people.find_by_address(world.start(), address)
        assert found is not None
        assert (found.site, get_ticket(world.rt, number).site) == (site, site)
        assert people.get_user(world.rt, found.user_id).site == site


def test_a_row_that_an_older_version_wrote_is_read(world: World) -> None:
    values = {"user_id": "u1", "name": "Ada", "address": "ada@example.com", "site": "", "active": True}
    world.rt.tables[TABLE].upsert(Row(PARTITION, "u~u1", values))
    assert people.get_user(world.rt, "u1") == User("u1", "Ada", "ada@example.com")
