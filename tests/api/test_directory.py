"""The directory through the API: rules that are checked, previews, runs, their plans, and what waits for approval."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault
from tests.companies import Company, open_company
from tests.world import World

BASE = "/connections/contoso/directory"


@pytest.fixture
def company(world: World) -> Company:
    found = open_company(world)
    found.hire("grace", "Desk", "Admins")
    found.hire("ada", "Desk", manager="grace")
    return found


def rules_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.get(f"{BASE}/rules")
    return found


def begin(world: World, mode: str) -> dict[str, Any]:
    """A run by hand, and what came of it."""
    answer = world.api("POST", f"{BASE}/runs", {"mode": mode})
    assert answer.status == 202, answer.body
    world.settle()
    run: dict[str, Any] = world.get(f"{BASE}/runs/{answer.json()['run_id']}")
    assert answer.headers["location"].endswith(run["run_id"])
    return run


def entries(world: World, run: dict[str, Any], query: str = "") -> dict[str, Any]:
    return {each["name"]: each for each in world.get(f"{BASE}/runs/{run['run_id']}/entries?limit=100{query}")["items"]}


@pytest.mark.requirement("DIR-2")
def test_a_new_connection_has_default_mappings_and_is_switched_off(world: World) -> None:
    world.connect()
    found = rules_of(world)
    assert found["version"] == ""
    assert found["rules"]["enabled"] is False
    assert {"source": "displayName", "target": "name"} in found["rules"]["user_fields"]
    words = world.get(f"{BASE}/vocabulary")
    assert {"name": "manager", "watched": True} in words["sources"]
    assert "department" in words["user_targets"]
    assert "team" in words["agent_targets"]


@pytest.mark.requirement("DIR-2")
def test_default_mappings_that_were_taken_away_stay_away(world: World) -> None:
    world.connect()
    kept = rules_of(world)
    fewer = [each for each in kept["rules"]["user_fields"] if each["target"] in {"name", "address"}]
    rules = {**kept["rules"], "user_fields": fewer, "agent_fields": []}
    rules["agent_matching"] = []
    assert world.api("PUT", f"{BASE}/rules", {"rules": rules, "version": kept["version"]}).status == 200
    found = rules_of(world)["rules"]
    assert (found["user_fields"], found["agent_fields"]) == (fewer, [])


@pytest.mark.requirement("DIR-2")
def test_rules_that_cannot_be_kept_are_told_field_by_field(company: Company) -> None:
    world, kept = company.world, rules_of(company.world)
    wrong = rules_of(world)["rules"]
    wrong["user_fields"].append({"source": "shoeSize", "target": "name"})
    wrong["site_mappings"][0]["sequence"] = wrong["site_mappings"][1]["sequence"]
    wrong["teams"][0]["team_id"] = "nowhere"
    answer = world.api("PUT", f"{BASE}/rules", {"rules": wrong, "version": kept["version"], "confirm": True})
    assert answer.status == 422
    places = [each["field"] for each in answer.json()["fields"]]
    last = len(wrong["user_fields"]) - 1
    assert f"rules.user_fields.{last}.source" in places
    assert f"rules.user_fields.{last}.target" in places
    assert "rules.teams.0.team_id" in places
    assert answer.json()["cure"]
    assert rules_of(world) == kept
    told = world.api("POST", f"{BASE}/rules/check", {"rules": wrong}).json()["problems"]
    assert [f"rules.{each['field']}" for each in told] == places


@pytest.mark.requirement("DIR-10")
def test_a_change_with_consequences_wants_to_be_confirmed(company: Company) -> None:
    world, kept = company.world, rules_of(company.world)
    wanted = {**kept["rules"], "sync_method": "all"}
    body = {"rules": wanted, "version": kept["version"]}
    answer = world.api("PUT", f"{BASE}/rules", body)
    assert answer.status == 409
    assert "next run reads all" in answer.json()["detail"]
    assert "confirm" in answer.json()["cure"]
    assert [each["field"] for each in world.api("POST", f"{BASE}/rules/check", {"rules": wanted}).json()["warnings"]]
    changed = world.api("PUT", f"{BASE}/rules", {**body, "confirm": True})
    assert changed.status == 200, changed.body
    assert changed.json()["rules"]["sync_method"] == "all"
    stale = world.api("PUT", f"{BASE}/rules", {**body, "confirm": True})
    assert stale.status == 409
    assert "changed meanwhile" in stale.json()["detail"]


@pytest.mark.requirement("DIR-1", "DIR-11")
def test_a_preview_says_what_a_run_then_does(company: Company) -> None:
    world = company.world
    preview = begin(world, "preview")
    assert preview["status"] == "previewed"
    assert preview["counts"] == {"create": 2}
    planned = entries(world, preview)
    assert company.users() == {}
    assert planned["Ada"]["user_mapping"] == "berlin"
    assert planned["Ada"]["agent_mapping"] == "agents"
    assert {each["field"]: each["because"] for each in planned["Ada"]["changes"]}["name"]
    assert planned["Ada"]["steps"]
    assert planned["Ada"]["meaning"]
    run = begin(world, "run")
    assert run["status"] == "done", world.get(BASE)
    done = entries(world, run)
    assert {name: each["changes"] for name, each in done.items()} == {n: e["changes"] for n, e in planned.items()}
    assert set(company.users()) == {"Grace", "Ada"}
    listed = world.get(f"{BASE}/runs")["items"]
    assert [each["run_id"] for each in listed] == [run["run_id"], preview["run_id"]]
    state = world.get(BASE)
    assert state["last_run"] == run["run_id"]
    assert state["known"] == 2
    assert state["next_run_at"] > state["last_success_at"]


@pytest.mark.requirement("DIR-2")
def test_a_preview_names_the_manager_who_comes_in_with_it(company: Company) -> None:
    planned = entries(company.world, begin(company.world, "preview"))
    ada, grace = planned["Ada"], planned["Grace"]
    changes = {each["field"]: each["after"] for each in ada["changes"]}
    assert (changes["manager"], changes["agent.line_manager"]) == (grace["user_id"], grace["agent_id"])
    assert company.users() == {}


@pytest.mark.requirement("DIR-10")
def test_with_other_mappings_the_latest_delta_is_taken_where_that_is_wished(company: Company) -> None:
    world = company.world
    begin(world, "run")
    company.tenant.change("ada@contoso.com", jobTitle="Countess", employeeId="17")
    kept = rules_of(world)
    number = {"source": "employeeId", "target": "employee_number"}
    wanted = {**kept["rules"], "user_fields": [*kept["rules"]["user_fields"], number]}
    body = {"rules": wanted, "version": kept["version"], "reset": "latest"}
    told = world.api("PUT", f"{BASE}/rules", body)
    assert (told.status, "the next run reads all" in told.json()["detail"]) == (409, True)
    assert rules_of(world) == kept
    assert world.api("PUT", f"{BASE}/rules", {**body, "confirm": True}).status == 200
    assert begin(world, "run")["full"] is False
    assert "title" not in company.users()["Ada"].details
    company.tenant.change("ada@contoso.com", employeeId="18")
    begin(world, "run")
    assert company.users()["Ada"].details["employee_number"] == "18"


@pytest.mark.requirement("DIR-1", "CONN-8")
def test_a_preview_without_a_sign_in_says_so_with_its_cure(company: Company) -> None:
    world = company.world
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=7000222))
    world.emulator.expire_tokens()
    preview = begin(world, "preview")
    assert preview["status"] == "failed"
    assert "AADSTS7000222" in preview["failure"]
    assert preview["cure"]
    again = world.api("POST", f"{BASE}/runs", {"mode": "preview"})
    assert again.status == 409, "the connection rests until it is mended"
    assert company.users() == {}


@pytest.mark.requirement("DIR-11")
def test_the_people_of_a_plan_are_found_by_outcome_and_name(company: Company) -> None:
    world = company.world
    run = begin(world, "preview")
    assert set(entries(world, run, "&text=gra")) == {"Grace"}
    assert set(entries(world, run, "&outcome=create")) == {"Grace", "Ada"}
    assert entries(world, run, "&outcome=skip") == {}
    first = world.get(f"{BASE}/runs/{run['run_id']}/entries?limit=1")
    assert len(first["items"]) == 1
    second = world.get(f"{BASE}/runs/{run['run_id']}/entries?limit=1&after={first['next']}")
    assert {each["name"] for each in first["items"] + second["items"]} == {"Grace", "Ada"}


@pytest.mark.requirement("DIR-8")
@pytest.mark.parametrize("decision", ["approve", "discard"])
def test_what_would_take_too_much_away_waits_for_somebody(world: World, decision: str) -> None:
    company = open_company(world, [f"person{number:02d}" for number in range(14)])
    assert begin(world, "run")["counts"] == {"create": 14}
    for number in range(12):
        company.tenant.delete(f"person{number:02d}@contoso.com")
    held = begin(world, "run")
    assert held["status"] == "held"
    (hold,) = held["holds"]
    assert (hold["kind"], hold["count"], hold["allowed"]) == ("deactivation", 12, 10)
    assert world.get(BASE)["held_run"] == held["run_id"]
    assert len(entries(world, held, "&removal=deactivation")) == 12
    assert all(user.active for user in company.users().values())
    answer = world.api("POST", f"{BASE}/runs/{held['run_id']}/{decision}")
    assert answer.status == 202, answer.body
    world.settle()
    active = [user for user in company.users().values() if user.active]
    assert len(active) == (2 if decision == "approve" else 14)
    again = world.api("POST", f"{BASE}/runs/{held['run_id']}/{decision}")
    assert again.status == 409
    audited = [each["what"] for each in world.get("/audit")["items"]]
    assert f"directory.{decision}" in audited


@pytest.mark.requirement("DIR-10")
def test_deltas_are_reset_by_hand(company: Company) -> None:
    world = company.world
    begin(world, "run")
    assert begin(world, "run")["full"] is False
    assert world.api("POST", f"{BASE}/reset", {"to": "clear"}).status == 202
    assert begin(world, "run")["full"] is True
    assert world.api("POST", f"{BASE}/reset", {"to": "yesterday"}).status == 422


def test_nothing_of_a_connection_that_is_not_there(world: World) -> None:
    world.connect()
    for path in ("", "/rules", "/vocabulary", "/runs", "/runs/98204812799999999"):
        assert world.api("GET", f"/connections/nobody/directory{path}").status == 404, path
    assert world.api("POST", f"{BASE}/runs", {"mode": "run"}).status == 409, "it is switched off"


@pytest.mark.requirement("DIR-11")
def test_one_person_is_explained_step_by_step_and_nothing_changes(company: Company) -> None:
    world = company.world
    before = world.get(f"{BASE}/people/ada@contoso.com")
    assert before["entry"]["outcome"] == "create"
    assert before["properties"]["displayName"] == "Ada"
    assert company.groups["Desk"] in before["groups"]
    assert [each["what"] for each in before["steps"]][:3] == ["Entra", "groups", "manager"]
    assert any(each["mapping"] == "berlin" for each in before["steps"])
    assert company.users() == {}
    ada = before["entry"]["object_id"]
    assert world.api("GET", f"{BASE}/people/{ada}/history").status == 404
    begin(world, "run")
    company.tenant.change("ada@contoso.com", jobTitle="Countess")
    begin(world, "run")
    told = world.get(f"{BASE}/people/{ada}/history")
    assert told["user_id"]
    assert [each["outcome"] for each in told["events"]] == ["update", "create"]
    assert {"field": "title", "before": "", "after": "Countess"}.items() <= told["events"][0]["changes"][0].items()
    assert world.get(f"{BASE}/people/{ada}")["entry"]["outcome"] == "unchanged"
    assert world.api("GET", f"{BASE}/people/nobody@contoso.com").status == 404


@pytest.mark.requirement("DIR-2", "DIR-3", "DIR-11")
def test_rules_that_are_not_kept_are_tried_on_real_people(company: Company) -> None:
    world, kept = company.world, rules_of(company.world)
    company.hire("alan")
    wanted = {**kept["rules"], "site_mappings": [{**kept["rules"]["site_mappings"][1], "user_role": ""}]}
    found = world.api("POST", f"{BASE}/rules/check", {"rules": wanted}).json()
    tried = {each["entry"]["name"]: each for each in found["sample"]}
    assert {name: each["entry"]["outcome"] for name, each in tried.items()} == dict.fromkeys(
        ("Grace", "Ada", "Alan"), "create"
    )
    assert (tried["Ada"]["entry"]["user_mapping"], tried["Ada"]["entry"]["agent_mapping"]) == ("berlin", "")
    assert tried["Ada"]["properties"]["displayName"] == "Ada"
    assert company.groups["Desk"] in tried["Ada"]["groups"]
    assert found["untried"] is None
    assert (company.users(), rules_of(world)) == ({}, kept)
    named = world.api("POST", f"{BASE}/rules/check", {"rules": wanted, "sample": ["ada@contoso.com"]}).json()
    assert [each["entry"]["name"] for each in named["sample"]] == ["Ada"]


@pytest.mark.requirement("DIR-2", "CONN-8")
def test_whom_rules_cannot_be_tried_on_is_told_with_its_cure(company: Company) -> None:
    world, rules = company.world, rules_of(company.world)["rules"]

    def check(**asked: Any) -> Any:
        return world.api("POST", f"{BASE}/rules/check", {"rules": rules, **asked})

    unknown = check(sample=["ada@contoso.com", "nobody@contoso.com"])
    assert (unknown.status, unknown.json()["fields"][0]["field"]) == (422, "sample.1")
    assert check(sample=["ada@contoso.com"] * 6).status == check(sample=["not a name"]).status == 422
    world.meter.start()
    assert check(sample=[]).json()["sample"] == []
    wrong = {**rules, "user_matching": ["shoe_size"]}
    assert world.api("POST", f"{BASE}/rules/check", {"rules": wrong}).json()["sample"] == []
    by_name = {**rules, "user_matching": ["name"]}
    assert "preview" in world.api("POST", f"{BASE}/rules/check", {"rules": by_name}).json()["untried"]["cure"]
    assert not [call for call in world.meter.calls if call.startswith("graph")], "nobody was to be asked for"
    assert world.api("POST", "/connections/contoso/disconnect").status == 200
    resting = check().json()
    assert resting["sample"] == []
    assert resting["untried"]["cause"]
    assert resting["untried"]["cure"]
