"""Each agent signs in for themselves: their work goes on by itself, and one who is lost stops nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from dev.graph import Fault
from shared.connections import agent_clients, agent_sign_ins, store
from shared.connections.agent_clients import AgentTokens
from shared.errors import Conflict, NotFound
from shared.graph import calendars
from shared.graph.errors import GraphBusy, SignInFailed
from shared.runtime import Runtime
from shared.storage.rows import Row
from shared.upkeep import key_rotation
from tests.connections.browser import (
    ADA,
    begin,
    come_back,
    connect,
    go_to_entra,
    prove_with,
    sign_in_agent,
    token_requests,
)
from tests.journeys.test_key_rotation import change_key, key
from tests.journeys.test_lost_sign_in import Hook, hook
from tests.kill import kill_after
from tests.tampering import body_of, tamper_with_graph
from tests.world import SECRET_KEY, TENANT, World

__all__ = ["hook"]

BOB, EVE = "bob@contoso.com", "o'eve@contoso.com"
AGENTS = (ADA, BOB, EVE)
LAST_STEP = 12
"""Requests from the beginning of some work of an agent to the end of telling that their sign-in is lost."""
HOUR = 3600


@pytest.fixture
def desk(world: World, hook: Hook) -> World:
    """Three agents have signed in for one connection."""
    world.start(ALERT_WEBHOOK_URL=hook.url)
    connect(world, method="agents")
    arrive(world)
    return world


def arrive(world: World) -> None:
    for address in AGENTS:
        world.emulator.add_mailbox(TENANT, address, display_name=address.partition("@")[0])
        assert sign_in_agent(world, address).status == 200


def works(rt: Runtime, address: str) -> bool:
    """Whether some work of an agent, which reads their calendars, can be done now."""
    try:
        found = calendars.list_own(agent_clients.graph_client(rt, "desk", address), address, top=1)
    except (SignInFailed, Conflict):
        return False
    return [each["name"] for each in found] == ["Calendar"]


def state(world: World, address: str) -> str:
    return str(world.get(f"/connections/desk/agents/{address}")["state"])


def lose(world: World, address: str) -> None:
    """Entra ends the sign-in of one account, and every access token has run out."""
    world.emulator.revoke_sessions(address)
    world.emulator.expire_tokens()
    world.advance(HOUR)


def watch(world: World) -> None:
    world.host.run_timer("watch_connections")
    world.settle()


def trial_of(world: World) -> Any:
    answer = world.api("POST", "/connections/desk/test")
    assert answer.status == 200, answer.body
    return answer.json()


def calendar_probes(trial: Any) -> dict[str, Any]:
    return {each["target"]: each for each in trial["probes"] if each["name"] == "calendar"}


@pytest.mark.requirement("CONN-2", "CONN-3", "CONN-7")
@pytest.mark.parametrize("proof", ["secret", "certificate", "identity"])
def test_agents_sign_in_and_stay_so_whatever_the_app_proves_itself_with(
    world: World, proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(world, method="agents", **prove_with(world, proof, monkeypatch))
    made = world.get("/connections/desk")
    assert (made["method"], made["used_for"], made["credential"]) == ("agents", "calendar", proof)
    arrive(world)
    for _ in range(2):
        assert all(works(world.rt, address) for address in AGENTS)
        world.advance(2 * HOUR)
        world.emulator.expire_tokens()
    trial = trial_of(world)
    assert trial["ok"] is True
    assert {address: probe["ok"] for address, probe in calendar_probes(trial).items()} == dict.fromkeys(AGENTS, True)


@pytest.mark.requirement("CONN-2", "CONN-9")
def test_ten_functions_that_need_a_token_of_one_agent_at_once_make_one_request(desk: World) -> None:
    desk.advance(HOUR)
    before = token_requests(desk)
    desk.emulator.faults.add(Fault(kind="latency", path="/token", seconds=0.2))
    with ThreadPoolExecutor(10) as threads:
        done = list(threads.map(lambda _: works(desk.rt, ADA), range(10)))
    assert done == [True] * 10
    assert token_requests(desk) == before + 1
    assert works(desk.start(), ADA)
    assert token_requests(desk) == before + 1, "and another process uses what was renewed"


@pytest.mark.requirement("CONN-2")
def test_of_two_processes_that_renew_at_once_the_slower_one_takes_what_the_faster_one_got(desk: World) -> None:
    desk.advance(HOUR)
    slow, fast = desk.rt, desk.start()
    done: list[bool] = []

    def overtaken(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if "/token" in str(request.url) and not done:
            done.append(works(fast, ADA))
        return carry()

    desk.rt = slow
    tamper_with_graph(desk, overtaken)
    assert (works(slow, ADA), done) == (True, [True])
    kept = AgentTokens(slow, "desk", ADA).load()
    assert kept is not None
    assert agent_clients.graph_client(slow, "desk", ADA).find_grants() is not None


@pytest.mark.requirement("CONN-2", "CONN-9")
def test_a_state_that_changes_while_a_token_is_renewed_does_not_bring_the_old_token_back(desk: World) -> None:
    desk.advance(HOUR)
    before = AgentTokens(desk.rt, "desk", ADA).load()

    def meanwhile(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        if b"grant_type=refresh_token" in body_of(request):
            desk.rt.tables["AgentSignIns"].merge(Row("desk", ADA, {"begun_by": "somebody else"}))
        return carry()

    tamper_with_graph(desk, meanwhile)
    assert works(desk.rt, ADA)
    after = AgentTokens(desk.rt, "desk", ADA).load()
    assert before and after
    assert after.tokens.access_token != before.tokens.access_token


@pytest.mark.requirement("CONN-9")
def test_one_who_is_lost_in_mid_work_stops_alone_and_is_told_of_once(desk: World, hook: Hook) -> None:
    lose(desk, ADA)
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda each: works(desk.rt, each), [ADA, BOB, EVE, ADA] * 3))
    assert done == [False, True, True, False] * 3
    desk.settle()
    assert [state(desk, each) for each in AGENTS] == ["needs_sign_in", "connected", "connected"]
    assert desk.get("/connections/desk")["state"] == "connected"
    [alert] = hook.alerts
    assert (alert["kind"], alert["connection_id"]) == ("agent_sign_in_lost", "desk")
    assert ADA in alert["text"]
    assert "AADSTS50173" in alert["cause"]
    found = desk.get(f"/connections/desk/agents/{ADA}")
    assert ("AADSTS50173" in found["trouble"], bool(found["cure"])) == (True, True)

    desk.start(ALERT_WEBHOOK_URL=hook.url)
    desk.meter.start()
    for _ in range(3):
        assert not works(desk.rt, ADA)
        for timer in ("scan_mailboxes", "reconcile_subscriptions"):
            desk.host.run_timer(timer)
    assert desk.meter.count("graph") == 0, "who rests is not asked for"

    assert sign_in_agent(desk, ADA).status == 200
    assert all(works(desk.rt, each) for each in AGENTS)
    watch(desk)
    assert len(hook.alerts) == 1


@pytest.mark.requirement("CONN-9")
def test_who_is_back_is_noticed_by_the_hourly_look_and_who_is_not_is_told_of_daily(desk: World, hook: Hook) -> None:
    lose(desk, ADA)
    lose(desk, BOB)
    assert not works(desk.rt, ADA)
    assert not works(desk.rt, BOB)
    desk.start(ALERT_WEBHOOK_URL=hook.url)
    desk.meter.start()
    watch(desk)
    assert 2 <= desk.meter.count("graph") <= 6, "the probe of each, and no more"
    assert [state(desk, each) for each in AGENTS] == ["needs_sign_in", "needs_sign_in", "connected"]

    desk.emulator.restore_sessions(BOB)
    desk.advance(HOUR)
    watch(desk)
    assert [state(desk, each) for each in AGENTS] == ["needs_sign_in", "connected", "connected"]
    assert works(desk.rt, BOB)
    for _ in range(3 * 24):
        desk.advance(HOUR)
        desk.host.run_timer("watch_connections")
    desk.settle()
    assert [each["kind"] for each in hook.alerts[:2]] == ["agent_sign_in_lost"] * 2
    assert {each["kind"] for each in hook.alerts[2:]} == {"agents_need_sign_in"}
    days = [each["raised_at"][:10] for each in hook.alerts[2:]]
    assert len(days) == len(set(days)) >= 3
    assert all(ADA in each["text"] and BOB not in each["text"] for each in hook.alerts[2:])


@pytest.mark.requirement("CONN-9")
def test_what_entra_has_against_the_app_lets_the_connection_rest_and_no_agent_has_to_sign_in(
    desk: World, hook: Hook
) -> None:
    desk.emulator.faults.add(Fault(kind="revoke_sign_in", path="/token", code=7000222))
    desk.emulator.expire_tokens()
    desk.advance(HOUR)
    assert [works(desk.rt, each) for each in AGENTS] == [False] * 3
    desk.settle()
    assert desk.get("/connections/desk")["state"] == "needs_sign_in"
    assert [state(desk, each) for each in AGENTS] == ["connected"] * 3
    assert [each["kind"] for each in hook.alerts] == ["connection_lost"]
    desk.emulator.faults.clear()
    watch(desk)
    assert desk.get("/connections/desk")["state"] == "connected"
    assert all(works(desk.rt, each) for each in AGENTS)


@pytest.mark.requirement("CONN-9")
def test_who_is_disconnected_leaves_no_tokens_and_comes_back_by_signing_in(desk: World, hook: Hook) -> None:
    answer = desk.api("DELETE", f"/connections/desk/agents/{EVE}")
    assert (answer.status, answer.json()["state"]) == (200, "disconnected")
    assert desk.api("DELETE", f"/connections/desk/agents/{EVE}").json()["state"] == "disconnected"
    assert AgentTokens(desk.rt, "desk", EVE).load() is None
    desk.meter.start()
    assert [works(desk.rt, each) for each in AGENTS] == [True, True, False]
    with pytest.raises(Conflict, match=EVE):
        agent_clients.graph_client(desk.rt, "desk", EVE)
    watch(desk)
    assert EVE not in calendar_probes(trial_of(desk))
    assert sign_in_agent(desk, EVE).status == 200
    assert works(desk.rt, EVE)
    assert hook.alerts == []


@pytest.mark.requirement("CONN-9", "CONN-12")
def test_the_agents_of_a_connection_that_rests_rest_too(desk: World) -> None:
    lose(desk, ADA)
    assert not works(desk.rt, ADA)
    assert desk.api("POST", "/connections/desk/disconnect").status == 200
    desk.meter.start()
    assert [works(desk.rt, each) for each in AGENTS] == [False] * 3
    desk.host.run_timer("watch_connections")
    assert desk.meter.count("graph") == 0
    assert desk.api("POST", "/connections/desk/connect").status == 200
    desk.start(ENVIRONMENT="staging")
    desk.meter.start()
    desk.host.run_timer("watch_connections")
    assert desk.meter.count("graph") == 0


@pytest.mark.requirement("CONN-6", "CONN-7")
def test_each_calendar_is_tried_with_its_agent_s_own_token(desk: World) -> None:
    fine = trial_of(desk)
    assert (fine["ok"], list(calendar_probes(fine))) == (True, sorted(AGENTS))
    assert {each["permission"]: (each["kind"], each["standing"]) for each in fine["permissions"]} == {
        "Calendars.ReadWrite": ("delegated", "granted"),
        "MailboxSettings.Read": ("delegated", "missing"),
        "User.Read": ("delegated", "granted"),
    }
    desk.emulator.faults.add(Fault(kind="refuse", mailbox=BOB, status=404, error="MailboxNotEnabledForRESTAPI"))
    lose(desk, ADA)
    trial = trial_of(desk)
    probes = calendar_probes(trial)
    assert {address: probe["code"] for address, probe in probes.items()} == {
        ADA: "AADSTS50173",
        BOB: "MailboxNotEnabledForRESTAPI",
        EVE: "",
    }
    assert (trial["ok"], trial["cause"]) == (False, probes[ADA]["cause"])
    assert all(probe["ok"] or (probe["cause"] and probe["cure"]) for probe in probes.values())
    assert state(desk, ADA) == "needs_sign_in"
    sign_in_agent(desk, ADA)
    desk.emulator.faults.clear()
    assert trial_of(desk)["ok"] is True


@pytest.mark.requirement("CONN-7")
def test_who_has_not_signed_in_yet_keeps_nobody_from_working(world: World) -> None:
    connect(world, method="agents")
    [probe] = calendar_probes(trial_of(world)).values()
    assert (probe["ok"], probe["severity"], "Begin" in probe["cure"]) == (False, "warning", True)
    world.emulator.add_mailbox(TENANT, ADA)
    world.api("POST", f"/connections/desk/agents/{ADA}/sign-in")
    trial = trial_of(world)
    assert (trial["ok"], calendar_probes(trial)[ADA]["severity"]) == (True, "warning")
    assert [(each["code"], each["severity"]) for each in world.get("/health")["issues"]] == [
        ("agent_awaited", "warning")
    ]
    with pytest.raises(NotFound):
        agent_clients.graph_client(world.rt, "desk", BOB)


@pytest.mark.requirement("CONN-7")
def test_a_trial_of_very_many_agents_ends_in_time(desk: World) -> None:
    steady, asked = desk.clock.steady, iter(range(0, 9000, 10))
    desk.clock.steady = lambda: steady() + next(asked)  # type: ignore[method-assign]  # time that flies
    codes = [each["code"] for each in calendar_probes(trial_of(desk)).values()]
    assert codes[-1] == "notTried"


@pytest.mark.requirement("CONN-9", "OPS-9")
def test_health_names_agents_who_must_sign_in_and_counts_no_further_than_twenty(desk: World) -> None:
    lose(desk, ADA)
    assert not works(desk.rt, ADA)
    [issue] = desk.get("/health")["issues"]
    assert (issue["code"], issue["severity"], issue["subject"]) == ("agent_lost", "error", f"Desk: {ADA}")
    for number in range(20):
        agent_sign_ins.expect(desk.rt, "desk", f"new{number:02}@contoso.com")
    codes = [each["code"] for each in desk.get("/health")["issues"]]
    assert codes == ["agent_lost", *["agent_awaited"] * 19, "agents_wait"]


@pytest.mark.requirement("MAIL-1")
def test_a_connection_of_agents_takes_in_no_mail(desk: World) -> None:
    answer = desk.api("POST", "/mailboxes", {"connection_id": "desk", "address": ADA})
    assert answer.status == 422
    assert [each["field"] for each in answer.json()["fields"]] == ["connection_id"]
    answer = desk.api("POST", "/connections/desk/test", {"outside_address": "boss@contoso.com"})
    assert [each["field"] for each in answer.json()["fields"]] == ["outside_address"]
    assert desk.api("GET", "/connections/desk/scoping").status == 409


@pytest.mark.requirement("CONN-3")
def test_the_tokens_of_agents_are_sealed_anew_with_all_else(desk: World) -> None:
    desk.api("DELETE", f"/connections/desk/agents/{EVE}")
    change_key(desk)
    told = [each["cause"] for each in desk.get("/health")["issues"] if each["code"] == "former_key_needed"]
    assert "by 3 stored secrets" in told[0]
    assert works(desk.rt, ADA)
    found = desk.api("POST", "/keys/rotate").json()
    assert (found["sealed_anew"], found["lost"]) == (3, [])
    assert {each.opener for each in key_rotation.list_sealed(desk.rt)} == {"present"}
    desk.start(SECRET_KEY=key(1))
    assert [works(desk.rt, each) for each in (ADA, BOB)] == [True, True]
    desk.start(SECRET_KEY=key(2), FORMER_SECRET_KEY=SECRET_KEY)
    lost = desk.api("POST", "/keys/rotate").json()["lost"]
    assert {each["what"] for each in lost} == {"secret", f"sign-in of {ADA}", f"sign-in of {BOB}"}
    assert {each["connection_id"] for each in lost} == {"desk"}


@pytest.mark.requirement("CONN-9")
@pytest.mark.parametrize("step", range(1, LAST_STEP + 2))
def test_a_loss_that_dies_after_any_request_is_told_of_once(desk: World, hook: Hook, step: int) -> None:
    lose(desk, ADA)
    desk.start(ALERT_WEBHOOK_URL=hook.url)

    def work(world: World) -> None:
        works(world.rt, ADA)

    was_killed = kill_after(desk, step, work)
    assert was_killed == (step <= LAST_STEP), "each request was the last one once"
    desk.start(ALERT_WEBHOOK_URL=hook.url)
    assert not works(desk.rt, ADA)
    assert state(desk, ADA) == "needs_sign_in"
    desk.advance(HOUR)
    watch(desk)
    desk.advance(HOUR)
    watch(desk)
    assert [each["kind"] for each in hook.alerts].count("agent_sign_in_lost") == 1
    assert works(desk.rt, BOB)
    assert store.get(desk.rt, "desk").state == "connected"


@pytest.mark.requirement("CONN-4", "CONN-9")
def test_a_sign_in_that_dies_after_any_request_is_there_whole_or_not_at_all(desk: World) -> None:
    seen: list[str] = []
    for step in range(1, 40):
        assert desk.api("DELETE", f"/connections/desk/agents/{ADA}").status == 200
        desk.emulator.sit_down(ADA)
        back = go_to_entra(desk, begin(desk, agent=ADA)["url"])

        def work(world: World, back: str = back) -> None:
            come_back(world, back)

        was_killed = kill_after(desk, step, work)
        desk.start()
        seen.append(state(desk, ADA))
        assert works(desk.rt, ADA) == (seen[-1] == "connected"), step
        if not was_killed:
            break
    assert (seen[0], seen[-1]) == ("needs_sign_in", "connected")
    assert seen == sorted(seen, reverse=True), "once it is there it is there after each further request"
    assert 8 < len(seen) < 30, "each request was the last one once"


@pytest.mark.requirement("CONN-9")
def test_who_signs_in_while_their_sign_in_is_found_lost_is_not_lost(desk: World, hook: Hook) -> None:
    former = agent_clients.graph_client(desk.rt, "desk", ADA)
    assert sign_in_agent(desk, ADA).status == 200
    desk.emulator.faults.add(Fault(kind="revoke_sign_in", path="/v1.0/me"))
    with pytest.raises(GraphBusy) as raised:
        calendars.list_own(former, ADA, top=1)
    assert raised.value.code == "signInChanged"
    desk.settle()
    assert (state(desk, ADA), hook.alerts) == ("connected", [])
    assert not works(desk.rt, ADA)
    desk.settle()
    assert (state(desk, ADA), len(hook.alerts)) == ("needs_sign_in", 1)


@pytest.mark.requirement("CONN-2", "CONN-9")
def test_who_signs_in_while_another_process_renews_is_renewed_with_that(desk: World, hook: Hook) -> None:
    lose(desk, ADA)
    done: list[int] = []

    def meanwhile(request: requests.PreparedRequest, carry: Callable[[], requests.Response]) -> requests.Response:
        came = carry()
        if b"grant_type=refresh_token" in body_of(request) and not done:
            done.append(sign_in_agent(desk, ADA).status)
        return came

    tamper_with_graph(desk, meanwhile)
    assert works(desk.rt, ADA)
    desk.settle()
    assert (done, state(desk, ADA), hook.alerts) == ([200], "connected", [])


@pytest.mark.requirement("CONN-8")
def test_since_when_an_agent_is_as_they_are_is_told_truly(desk: World) -> None:
    """Who signs in once more was connected all the time; who comes back is so from then on."""

    def since() -> str:
        return str(desk.get(f"/connections/desk/agents/{ADA}")["state_since"])

    began = since()
    desk.advance(HOUR)
    assert sign_in_agent(desk, ADA).status == 200
    assert since() == began
    assert desk.api("DELETE", f"/connections/desk/agents/{ADA}").status in (200, 204)
    left = since()
    desk.advance(HOUR)
    assert sign_in_agent(desk, ADA).status == 200
    assert began < left < since()


@pytest.mark.requirement("CONN-2", "CONN-8")
def test_tokens_that_were_renewed_too_late_do_not_replace_those_of_a_new_sign_in(desk: World) -> None:
    """They may be of another account: a process that slept meanwhile must not bring that back."""
    slept = AgentTokens(desk.rt, "desk", ADA)
    former = slept.load()
    desk.advance(HOUR)
    assert sign_in_agent(desk, ADA).status == 200
    present = slept.load()
    assert former is not None
    assert present is not None
    assert former.tokens != present.tokens
    assert not slept.save(former.tokens, former.version)
    assert slept.load() == present


@pytest.mark.requirement("CONN-8")
def test_a_look_that_ends_well_does_not_bring_back_who_was_disconnected_meanwhile(desk: World) -> None:
    assert desk.api("DELETE", f"/connections/desk/agents/{ADA}").status in (200, 204)
    assert not agent_sign_ins.regain(desk.rt, "desk", ADA)
    assert state(desk, ADA) == "disconnected"
