"""Organizations, sites, teams, roles, boards and custom fields through the API."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dev.azurite import Azurite
from tests.api.identities import BY_TOKEN, signed_in
from tests.api.storage_dump import dump
from tests.api.structure import change, make, make_agent, refused
from tests.kill import kill_after
from tests.world import ADMIN_KEY, World

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "organizations": ("organization_id", {"name": "Contoso"}),
    "teams": ("team_id", {"name": "Second line"}),
    "roles": ("role_id", {"name": "Approver", "kind": "user"}),
    "boards": ("board_id", {"name": "Network", "seat_roles": ["Chair", "Member"]}),
}
UNKNOWN = str(uuid.uuid4())


def names(world: World, path: str) -> list[str]:
    found, after = [], ""
    while True:
        page = world.get(path + after)
        found += [each["name"] for each in page["items"]]
        if not page["next"]:
            return sorted(found)
        after = f"&after={page['next']}"


@pytest.mark.requirement("DESK-3")
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_made_read_changed_and_rests(world: World, kind: str) -> None:
    key, values = KINDS[kind]
    made = world.api("POST", f"/{kind}", values)
    thing = made.json()
    path = f"/{kind}/{thing[key]}"
    assert (made.status, made.headers["location"]) == (201, f"/api/v1{path}")
    assert {**thing, **values, "active": True} == thing
    assert thing["created_at"].endswith("Z")
    assert world.get(path) == thing == world.get(f"/{kind}")["items"][0]
    assert change(world, kind, thing[key], name="Other") == {**thing, "name": "Other"}
    assert change(world, kind, thing[key], active=False) == {**thing, "name": "Other", "active": False}
    assert world.get(f"/{kind}?active=true")["items"] == []
    assert names(world, f"/{kind}?active=false") == ["Other"]
    assert change(world, kind, thing[key], active=True)["active"]
    events = [(each["what"], each["target"], each["outcome"]) for each in world.get("/audit")["items"]]
    word = kind.removesuffix("s")
    assert events == [*[(f"{word}.changed", thing[key], "done")] * 3, (f"{word}.created", thing[key], "done")]


@pytest.mark.requirement("DESK-3")
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_taken_is_refused_and_nothing_stored(world: World, azurite: Azurite, kind: str) -> None:
    key, values = KINDS[kind]
    first = make(world, kind, **values)
    other = make(world, kind, **{**values, "name": "Other"})
    rows = dump(azurite, world)["rows"][f"{world.rt.settings.storage_prefix}Desk"]
    again = refused(world, "POST", f"/{kind}", **{**values, "name": values["name"].upper()})
    assert (again["field"], first[key] in again["cause"]) == ("name", True)
    assert refused(world, "PATCH", f"/{kind}/{other[key]}", name=values["name"])["field"] == "name"
    assert dump(azurite, world)["rows"][f"{world.rt.settings.storage_prefix}Desk"] == rows


@pytest.mark.requirement("DESK-3")
@pytest.mark.parametrize("kind", [*KINDS, "sites", "users", "agents"])
def test_what_is_not_there_is_not_found(world: World, kind: str) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "X"})):
        answer = world.api(method, f"/{kind}/{UNKNOWN}", body)
        assert (answer.status, bool(answer.json()["cure"])) == (404, True), answer.body


@pytest.mark.requirement("DESK-3")
def test_lists_are_filtered_and_walked(world: World) -> None:
    made = {f"Team {index}" for index in range(7)} | {"Night", "NIGHT shift"}
    for name in made:
        make(world, "teams", name=name)
    assert names(world, "/teams?limit=2") == sorted(made)
    assert names(world, "/teams?limit=2&starts_with=night") == ["NIGHT shift", "Night"]
    make(world, "roles", name="Admin", kind="agent", admin=True)
    make(world, "roles", name="Approver", kind="user")
    assert names(world, "/roles?kind=agent") == ["Admin"]


@pytest.mark.requirement("DESK-3")
def test_what_was_read_before_somebody_else_changed_it_is_not_changed(world: World) -> None:
    team = make(world, "teams", name="One")
    path = f"/teams/{team['team_id']}"
    etag = world.api("GET", path).headers["etag"]

    def patch(name: str, etag: str) -> Any:
        sent = {"X-API-Key": ADMIN_KEY, "If-Match": etag}
        return world.api("PATCH", path, {"name": name}, sign_in=sent)

    first = patch("Two", etag)
    assert (first.status, first.headers["etag"] != etag) == (200, True)
    second = patch("Three", etag)
    assert (second.status, bool(second.json()["cure"])) == (409, True)
    assert patch("Three", first.headers["etag"]).status == 200
    assert patch("Four", "nonsense").status == 422
    assert world.get(path)["name"] == "Three"


@pytest.mark.requirement("DESK-3")
def test_of_two_changes_at_once_none_is_lost_unsaid(world: World) -> None:
    team = make(world, "teams", name="One")
    path = f"/teams/{team['team_id']}"
    with ThreadPoolExecutor(6) as pool:
        answers = [*pool.map(lambda n: (n, world.api("PATCH", path, {"name": f"Team {n}"}).status), range(6))]
    won = {f"Team {number}" for number, status in answers if status == 200}
    assert {status for _, status in answers} <= {200, 409}
    assert world.get(path)["name"] in won
    assert len(names(world, "/teams")) == 1
    for number in range(6):
        if f"Team {number}" != world.get(path)["name"]:
            make(world, "teams", name=f"Team {number}")


@pytest.mark.requirement("DESK-3", "MAIL-9")
def test_a_site_belongs_to_an_active_organization_and_its_domains_to_it_alone(world: World) -> None:
    organization = make(world, "organizations", name="Contoso")["organization_id"]
    leeds = make(world, "sites", organization_id=organization, name="Leeds", domains=["Leeds.example"])
    york = make(world, "sites", organization_id=organization, name="York")
    assert (leeds["domains"], leeds["source"]) == (["leeds.example"], "hand")
    assert refused(world, "POST", "/sites", organization_id=UNKNOWN, name="X")["field"] == "organization_id"
    path = f"/sites/{york['site_id']}"
    taken = refused(world, "PATCH", path, domains=["york.example", "leeds.example"])
    assert (taken["field"], leeds["site_id"] in taken["cause"]) == ("domains", True)
    assert refused(world, "PATCH", path, domains=["a.example", "A.example"])["field"] == "domains"
    for wrong in ("nodot", "a b.example", "-a.example", "ä.example", "a/b.example", "x" * 300):
        assert refused(world, "PATCH", path, domains=[wrong])["field"].startswith("domains"), wrong
    assert refused(world, "PATCH", path, name="leeds")["field"] == "name"
    change(world, "sites", leeds["site_id"], active=False)
    assert change(world, "sites", york["site_id"], domains=["leeds.example"])["domains"] == ["leeds.example"]
    assert refused(world, "PATCH", f"/sites/{leeds['site_id']}", active=True)["field"] == "domains"
    assert names(world, f"/sites?organization={organization}&active=true") == ["York"]
    assert names(world, f"/sites?organization={UNKNOWN}") == []


@pytest.mark.requirement("DESK-3")
def test_what_is_in_use_does_not_rest_and_says_what_uses_it(world: World) -> None:
    organization = make(world, "organizations", name="Contoso")["organization_id"]
    for name in ("Leeds", "York", "Hull", "Bath"):
        make(world, "sites", organization_id=organization, name=name)
    told = refused(world, "PATCH", f"/organizations/{organization}", active=False)
    assert (told["field"], told["cause"].endswith(", and more.")) == ("active", True)
    team = make(world, "teams", name="Night")["team_id"]
    role = make(world, "roles", name="Worker", kind="agent")["role_id"]
    agent = make_agent(world, teams=[{"team_id": team}], roles=[role])["agent_id"]
    for path in (f"/teams/{team}", f"/roles/{role}"):
        assert "Grace Hopper" in refused(world, "PATCH", path, active=False)["cause"]
    change(world, "agents", agent, active=False)
    for kind, thing_id in (("teams", team), ("roles", role)):
        assert not change(world, kind, thing_id, active=False)["active"]
    assert refused(world, "POST", "/sites", organization_id=organization, name="Ely", domains=["x"])["field"]


@pytest.mark.requirement("DESK-3")
def test_an_organization_rests_once_its_own_sites_do(world: World) -> None:
    contoso, fabrikam = (make(world, "organizations", name=name)["organization_id"] for name in ("Contoso", "Fabrikam"))
    leeds = make(world, "sites", organization_id=contoso, name="Leeds")["site_id"]
    make(world, "sites", organization_id=fabrikam, name="York")
    assert "Leeds" in refused(world, "PATCH", f"/organizations/{contoso}", active=False)["cause"]
    change(world, "sites", leeds, active=False)
    assert not change(world, "organizations", contoso, active=False)["active"]


@pytest.mark.requirement("DESK-3")
def test_custom_fields_have_a_name_for_good(world: World) -> None:
    make(world, "custom-fields", name="badge", label="Badge")
    assert change(world, "custom-fields", "badge", label="Badge number")["label"] == "Badge number"
    assert refused(world, "POST", "/custom-fields", name="badge", label="X")["field"] == "name"
    for wrong in ("Badge", "a b", "../x", "", "1a", "a" * 41):
        assert refused(world, "POST", "/custom-fields", name=wrong, label="X")["field"] == "name"
    assert names(world, "/custom-fields?limit=1") == ["badge"]


def test_roles_are_of_a_known_kind_and_users_are_no_admins(world: World) -> None:
    assert refused(world, "POST", "/roles", name="X", kind="robot")["field"] == "kind"
    assert refused(world, "POST", "/roles", name="X", kind="user", admin=True)["field"] == "admin"


@pytest.mark.requirement("DESK-3", "OPS-6")
def test_readers_look_at_the_structure_and_operators_at_people(world: World) -> None:
    world.start(**BY_TOKEN)
    for kind in ("organizations", "sites", "teams", "roles", "boards", "custom-fields", "users", "agents"):
        people = kind in ("users", "agents")
        for role, status in (("Reader", 403 if people else 200), ("Operator", 200), ("Admin", 200)):
            assert world.api("GET", f"/{kind}", sign_in=signed_in(world, f"Deskbridge.{role}")).status == status
        assert world.api("POST", f"/{kind}", {}, sign_in=signed_in(world, "Deskbridge.Operator")).status == 403


@pytest.mark.requirement("DESK-3")
def test_making_and_renaming_may_die_anywhere(world: World, azurite: Azurite) -> None:
    """Whole or not at all: what is there has its name, and a name that is free can be given."""
    made: list[str] = []

    def create(world: World) -> None:
        world.api("POST", "/teams", {"name": f"Team {len(made)}"})

    def rename(world: World) -> None:
        world.api("PATCH", f"/teams/{first}", {"name": f"Renamed {len(made)}"})

    first = make(world, "teams", name="The first")["team_id"]
    for work in (create, rename):
        died = True
        while died:
            made.append("")
            died = kill_after(world, len(made), work)
            world.start()
            _assert_whole(world, azurite)
            assert len(made) < 30, "it was killed at every step and never came through"
        made.clear()
        world.start()


def _assert_whole(world: World, azurite: Azurite) -> None:
    rows = dump(azurite, world)["rows"][f"{world.rt.settings.storage_prefix}Desk"]
    teams = {row["RowKey"].removeprefix("team~") for row in rows if row["RowKey"].startswith("team~")}
    guards = [row["holder"] for row in rows if row["RowKey"].startswith("n~")]
    assert sorted(guards) == sorted(teams), "each team has one guard, and each guard its team"
