"""Users: one for each mail address, remembered for a while, never for too long."""

from __future__ import annotations

import pytest

from shared.desk import PARTITION, TABLE, people
from shared.desk.recording import record
from shared.storage.tables import Row
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
