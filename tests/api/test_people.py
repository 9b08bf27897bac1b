"""Users and agents through the API."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from requests import PreparedRequest, Response

from shared.desk import TABLE, agents, last_admin, people
from shared.desk.belonging import Held, Membership, Seat
from tests.api.seeding import record
from tests.api.structure import change, make, make_agent, make_user, refused
from tests.tampering import Carry, body_of, tamper_with_storage
from tests.world import World

UNKNOWN = str(uuid.uuid4())


@pytest.fixture
def desk(world: World) -> dict[str, str]:
    """Ids of one of each kind, by its word."""
    organization = make(world, "organizations", name="Contoso")["organization_id"]
    site = make(world, "sites", organization_id=organization, name="Leeds", domains=["leeds.example"])
    make(world, "custom-fields", name="badge", label="Badge")
    return {
        "site": site["site_id"],
        "team": make(world, "teams", name="Night")["team_id"],
        "board": make(world, "boards", name="Network", seat_roles=["Chair"])["board_id"],
        "user role": make(world, "roles", name="Approver", kind="user")["role_id"],
        "agent role": make(world, "roles", name="Worker", kind="agent")["role_id"],
        "admin role": make(world, "roles", name="Admin", kind="agent", admin=True)["role_id"],
    }


@pytest.mark.requirement("DESK-3")
def test_a_user_is_made_read_and_changed(world: World, desk: dict[str, str]) -> None:
    boss = make_user(world, "Charles Babbage")
    ada = make_user(
        world,
        site=desk["site"],
        details={"phone": "1", "city": "London"},
        custom={"badge": "7"},
        manager=boss["user_id"],
        roles=[desk["user role"]],
        seats=[{"board_id": desk["board"], "role": "Chair"}],
        kept_active=True,
    )
    assert world.get(f"/users/{ada['user_id']}") == ada
    assert (ada["source"], ada["active"], ada["site"]) == ("hand", True, desk["site"])
    assert ada["roles"] == [{"role_id": desk["user role"], "given_by": "hand"}]
    assert ada["seats"] == [{"board_id": desk["board"], "role": "Chair", "given_by": "hand"}]
    changed = change(
        world, "users", ada["user_id"], name="Ada King", details={"phone": "", "fax": "2"}, custom={"badge": ""}
    )
    assert (changed["name"], changed["details"], changed["custom"]) == (
        "Ada King",
        {"city": "London", "fax": "2"},
        {},
    )
    resting = change(world, "users", ada["user_id"], active=False)
    assert (resting["active"], resting["deactivated_by"]) == (False, "hand")
    assert change(world, "users", ada["user_id"], active=True)["deactivated_by"] == ""


@pytest.mark.requirement("DESK-3", "MAIL-9")
def test_mail_finds_a_user_by_the_address_that_they_have_now(world: World, desk: dict[str, str]) -> None:
    ada = make_user(world)
    record(world, "One", sender="ada.lovelace@example.com")
    change(world, "users", ada["user_id"], address="Ada@leeds.example", site=desk["site"])
    record(world, "Two", sender="ADA@leeds.example")
    record(world, "Three", sender="ada.lovelace@example.com")
    record(world, "Four", sender="new@leeds.example")
    found = {each["subject"]: (each["user_id"] == ada["user_id"], each["site"]) for each in world.tickets()}
    assert found == {
        "One": (True, ""),
        "Two": (True, desk["site"]),
        "Three": (False, ""),
        "Four": (False, desk["site"]),
    }
    assert world.ticket(4)["site_name"] == "Leeds"
    [made] = world.get("/users?address=New@leeds.example")["items"]
    assert (made["source"], made["site"]) == ("mail", desk["site"])
    assert refused(world, "PATCH", f"/users/{made['user_id']}", address="ada@LEEDS.example")["field"] == "address"
    assert refused(world, "POST", "/users", name="X", address="ada@leeds.example")["field"] == "address"
    other_process = replace(world.rt, memory={})
    assert people.find_by_address(other_process, "ada@leeds.example")
    change(world, "users", ada["user_id"], address="")
    assert people.look_up(other_process, "ada@leeds.example") is None
    assert change(world, "users", made["user_id"], address="ada@leeds.example")["address"] == "ada@leeds.example"


@pytest.mark.requirement("DESK-3")
def test_a_user_made_by_hand_gets_the_site_of_their_domain(world: World, desk: dict[str, str]) -> None:
    assert make_user(world, address="a@leeds.example")["site"] == desk["site"]
    assert make_user(world, address="b@leeds.example", site="")["site"] == ""


@pytest.mark.requirement("DESK-3")
def test_what_a_user_cannot_have_is_refused_by_its_name(world: World, desk: dict[str, str]) -> None:
    ada = make_user(world)["user_id"]
    resting = make(world, "roles", name="Resting", kind="user")["role_id"]
    change(world, "roles", resting, active=False)
    wrong: list[tuple[str, Any, str]] = [
        ("site", UNKNOWN, "There is no site"),
        ("manager", ada, "own manager"),
        ("manager", UNKNOWN, "no user"),
        ("roles", [UNKNOWN], "no role"),
        ("roles", [desk["agent role"]], "for agents"),
        ("roles", [resting], "inactive"),
        ("custom", {"shoe_size": "44"}, "no custom field"),
        ("seats", [{"board_id": UNKNOWN}], "no board"),
        ("seats", [{"board_id": desk["board"], "role": "Jester"}], "Jester"),
        ("seats", [{"board_id": desk["board"]}] * 2, "twice"),
    ]
    before = world.get(f"/users/{ada}")
    for field, value, said in wrong:
        told = refused(world, "PATCH", f"/users/{ada}", **{field: value})
        assert (told["field"], said in told["cause"]) == (field, True), told
        again = {"name": "B", "address": "b@example.com", field: value}
        assert ("own manager" in said) or refused(world, "POST", "/users", **again)["field"] == field
    for field, value in (("details", {"shoe_size": "44"}), ("address", "no address"), ("name", ""), ("active", "yes")):
        assert refused(world, "PATCH", f"/users/{ada}", **{field: value})["field"].startswith(field)
    assert world.get(f"/users/{ada}") == before
    assert len(world.get("/users")["items"]) == 1


@pytest.mark.requirement("DESK-3")
def test_users_are_listed_by_what_is_asked_for(world: World, desk: dict[str, str]) -> None:
    for name, site in (("Ada", desk["site"]), ("Adam", ""), ("Eve", desk["site"])):
        make_user(world, name, site=site)
    [eve] = world.get("/users?starts_with=e")["items"]
    change(world, "users", eve["user_id"], active=False)

    def names(query: str) -> list[str]:
        return sorted(each["name"] for each in world.get(f"/users?{query}")["items"])

    assert names("starts_with=AD") == ["Ada", "Adam"]
    assert names(f"site={desk['site']}") == ["Ada", "Eve"]
    assert names(f"site={desk['site']}&active=true") == ["Ada"]
    assert names("address=eve@example.com") == ["Eve"]
    assert names("address=eve@example.com&active=true") == names("address=nobody@example.com") == []


@pytest.mark.requirement("DESK-3")
def test_what_a_directory_gave_stays_when_people_change_the_rest(world: World, desk: dict[str, str]) -> None:
    ada = make_user(world, roles=[desk["user role"]])["user_id"]
    before = people.get_user(world.rt, ada)
    given = replace(before, roles=(*before.roles, Held("r9", "contoso")), seats=(Seat("b9", "", "contoso"),))
    world.rt.tables[TABLE].transact(people.changes(before, given))
    after = change(world, "users", ada, roles=[], seats=[{"board_id": desk["board"]}])
    assert after["roles"] == [{"role_id": "r9", "given_by": "contoso"}]
    assert [(each["board_id"], each["given_by"]) for each in after["seats"]] == [
        ("b9", "contoso"),
        (desk["board"], "hand"),
    ]


@pytest.mark.requirement("DESK-3")
def test_an_agent_is_made_of_a_user_once(world: World, desk: dict[str, str]) -> None:
    ada = make_user(world)
    agent = make(
        world,
        "agents",
        user_id=ada["user_id"],
        license="named",
        roles=[desk["agent role"]],
        teams=[{"team_id": desk["team"], "sees_others": False}],
        default_team=desk["team"],
        details={"phone": "1"},
    )
    assert (agent["name"], agent["address"], agent["license"]) == (ada["name"], ada["address"], "named")
    assert agent["teams"] == [
        {"team_id": desk["team"], "given_by": "hand", "assignable": True, "sees_unassigned": True, "sees_others": False}
    ]
    assert world.get(f"/agents/{agent['agent_id']}") == agent
    assert refused(world, "POST", "/agents", user_id=ada["user_id"])["field"] == "user_id"
    assert refused(world, "POST", "/agents", user_id=UNKNOWN)["field"] == "user_id"
    change(world, "users", make_user(world, "Ben")["user_id"], active=False)
    [ben] = world.get("/users?starts_with=ben")["items"]
    assert "inactive" in refused(world, "POST", "/agents", user_id=ben["user_id"])["cause"]
    resting = change(world, "agents", agent["agent_id"], active=False)
    assert (resting["active"], resting["deactivated_by"]) == (False, "hand")
    assert [each["name"] for each in world.get(f"/agents?team={desk['team']}")["items"]] == [ada["name"]]
    assert world.get(f"/agents?role={desk['admin role']}")["items"] == []
    assert world.get(f"/agents?role={desk['agent role']}&active=true")["items"] == []


@pytest.mark.requirement("DESK-3")
def test_what_an_agent_cannot_have_is_refused_by_its_name(world: World, desk: dict[str, str]) -> None:
    agent = make_agent(world)["agent_id"]
    other = make_agent(world, "Old Hand")["agent_id"]
    change(world, "agents", other, active=False)
    wrong: list[tuple[str, Any]] = [
        ("roles", [desk["user role"]]),
        ("teams", [{"team_id": UNKNOWN}]),
        ("teams", [{"team_id": desk["team"]}, {"team_id": desk["team"], "assignable": False}]),
        ("default_team", desk["team"]),
        ("line_manager", agent),
        ("line_manager", other),
        ("line_manager", UNKNOWN),
        ("license", "floating"),
        ("user_id", UNKNOWN),
    ]
    for field, value in wrong:
        assert refused(world, "PATCH", f"/agents/{agent}", **{field: value})["field"] == field
    in_team = change(world, "agents", agent, teams=[{"team_id": desk["team"]}], default_team=desk["team"])
    assert in_team["default_team"] == desk["team"]
    assert refused(world, "PATCH", f"/agents/{agent}", teams=[])["field"] == "default_team"


@pytest.mark.requirement("DESK-3")
def test_the_last_admin_stays_one(world: World, desk: dict[str, str]) -> None:
    first = make_agent(world, "First", roles=[desk["admin role"]])["agent_id"]
    second = make_agent(world, "Second", roles=[desk["admin role"]])["agent_id"]
    change(world, "agents", second, active=False)
    assert refused(world, "PATCH", f"/agents/{first}", active=False)["field"] == "active"
    assert refused(world, "PATCH", f"/agents/{first}", roles=[desk["agent role"]])["field"] == "roles"
    role = f"/roles/{desk['admin role']}"
    assert refused(world, "PATCH", role, admin=False)["field"] == "admin"
    assert refused(world, "PATCH", role, active=False)["field"] == "active"
    change(world, "agents", first, name="Still")
    change(world, "agents", second, active=True)
    assert not change(world, "agents", first, active=False)["active"]


@pytest.mark.requirement("DESK-3")
def test_of_two_admins_who_are_made_inactive_at_once_one_stays(world: World, desk: dict[str, str]) -> None:
    ids = [make_agent(world, name, roles=[desk["admin role"]])["agent_id"] for name in ("First", "Second")]
    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            found = [*pool.map(lambda each: world.api("PATCH", f"/agents/{each}", {"active": False}).status, ids)]
        assert set(found) <= {200, 409, 422}, found
        assert any(each.active for each in agents.iter_agents(world.rt)), found
        for each in ids:
            change(world, "agents", each, active=True)


@pytest.mark.requirement("DESK-3")
def test_an_admin_who_goes_and_a_role_that_is_no_admins_any_more_do_not_both_see_the_other(
    world: World, desk: dict[str, str]
) -> None:
    """While the role of the other one is written, the first one goes: each alone is right, both leave nobody."""
    other_role = make(world, "roles", name="Owner", kind="agent", admin=True)["role_id"]
    first = make_agent(world, "First", roles=[desk["admin role"]])["agent_id"]
    make_agent(world, "Second", roles=[other_role])
    rt, gone = world.rt, list[str]()

    def meanwhile(request: PreparedRequest, carry: Carry) -> Response:
        if not gone and request.method == "POST" and other_role.encode() in body_of(request):
            gone.append(first)
            before = agents.get_agent(rt, first)
            after = replace(before, active=False)
            rt.tables[TABLE].transact([*agents.changes(before, after), *last_admin.check_agent(rt, before, after)])
        return carry()

    tamper_with_storage(world, meanwhile)
    answer = world.api("PATCH", f"/roles/{other_role}", {"admin": False})
    assert gone
    assert answer.status in (409, 422), answer.json()
    assert world.get(f"/roles/{other_role}")["admin"]


@pytest.mark.requirement("DESK-3")
def test_a_directory_may_give_an_agent_what_people_then_see(world: World, desk: dict[str, str]) -> None:
    agent = agents.get_agent(world.rt, make_agent(world)["agent_id"])
    given = replace(agent, teams=(Membership(desk["team"], "contoso"),), default_team=desk["team"])
    world.rt.tables[TABLE].transact(agents.changes(agent, given))
    found = change(world, "agents", agent.agent_id, teams=[], kept_active=True)
    assert [(each["team_id"], each["given_by"]) for each in found["teams"]] == [(desk["team"], "contoso")]
    assert found["kept_active"]


@pytest.mark.requirement("DESK-3", "OPS-6")
def test_all_that_a_user_can_have_fits_and_is_recorded(world: World) -> None:
    fields, boards = [f"field_{index}" for index in range(40)], range(50)
    for field in fields:
        make(world, "custom-fields", name=field, label=field)
    told = refused(world, "POST", "/custom-fields", name="one_more", label="x")
    assert (told["field"], "40" in told["cause"]) == ("name", True)
    made = [make(world, "boards", name=f"Board {index}", seat_roles=["\U0001f600" * 100]) for index in boards]
    ada = make_user(world)["user_id"]
    full = change(
        world,
        "users",
        ada,
        name="\U0001f600" * 100,
        details=dict.fromkeys(people.DETAILS, "\U0001f600" * 100),
        custom=dict.fromkeys(fields, "\U0001f600" * 200),
        seats=[{"board_id": each["board_id"], "role": "\U0001f600" * 100} for each in made],
    )
    assert world.get(f"/users/{ada}") == full
    assert len(full["custom"]) == 40
    [latest, *_] = world.get(f"/audit?target={ada}")["items"]
    assert (latest["outcome"], latest["after"].keys()) == ("done", {"name", "details", "custom", "seats"})


@pytest.mark.requirement("DIR-9")
def test_an_admin_role_that_nobody_has_may_be_switched_off(world: World) -> None:
    role = world.api("POST", "/roles", {"name": "Owner", "kind": "agent", "admin": True}).json()
    assert world.api("PATCH", f"/roles/{role['role_id']}", {"active": False}).status == 200
