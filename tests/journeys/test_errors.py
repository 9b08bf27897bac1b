"""Every error that Microsoft's side can meet us with is shown by Test connection, with its cause and its cure."""

from __future__ import annotations

from typing import Any

import pytest

from dev.graph import Fault, refusals
from shared.explanations import Explanation
from shared.graph.answer_errors import ANSWER_ERRORS
from shared.graph.sign_in_errors import SIGN_IN_ERRORS
from shared.storage.vault_errors import VAULT_ERRORS
from tests.world import SUPPORT, World, mail

NUMBERED = [row for row in SIGN_IN_ERRORS if any(code.startswith("AADSTS") for code in row.codes)]
FALLEN_BACK = {7000216: "invalid_client", 50135: "invalid_grant", 50158: "interaction_required"}
"""Numbers of Microsoft's that our table does not have: the OAuth error chooses the words."""
NOT_FROM_GRAPH = {"noAnswer", "mailMovedByRule"}
"""Ours: no answer at all, and a mail that is missing without any error."""
OAUTH_ONLY = {"access_denied", "unauthorized_client", "consent_required", "login_required", "signInUnavailable"}


def trial_of(world: World) -> Any:
    return world.api("POST", "/connections/contoso/test").json()


def known(world: World, code: str) -> Any:
    """The row of a code, as the API lists it."""
    [row] = world.get(f"/errors?code={code}")["items"]
    return row


@pytest.mark.requirement("CONN-7", "CONN-8")
@pytest.mark.parametrize("row", NUMBERED, ids=lambda row: row.codes[0])
def test_a_refused_sign_in_is_shown_with_its_cure(world: World, row: Explanation) -> None:
    world.connect()
    for code in (each for each in row.codes if each.startswith("AADSTS")):
        number = int(code.removeprefix("AADSTS"))
        status, _, words = refusals.SIGN_IN[number]
        world.emulator.faults.add(Fault(kind="revoke_sign_in", code=number))
        trial = trial_of(world)
        world.emulator.faults.clear()
        assert trial["ok"] is False
        [probe] = trial["probes"]
        assert (probe["name"], probe["code"]) == ("sign-in", code if status < 500 else "signInUnavailable")
        assert trial["cure"].startswith(row.cure), code
        assert row.cause in trial["cause"]
        assert status >= 500 or words.split("'")[0].strip() in trial["cause"]
        state = world.get("/connections/contoso")["state"]
        assert state == ("needs_sign_in" if row.sign_in_lost else "connected"), code
    assert trial_of(world)["ok"] is True


@pytest.mark.requirement("CONN-8")
@pytest.mark.parametrize("number", sorted(FALLEN_BACK))
def test_an_unknown_number_is_explained_by_its_oauth_error_and_where_to_look_it_up(world: World, number: int) -> None:
    world.connect()
    world.emulator.faults.add(Fault(kind="revoke_sign_in", code=number))
    trial = trial_of(world)
    assert trial["probes"][0]["code"] == f"AADSTS{number}"
    assert trial["cure"].startswith(known(world, FALLEN_BACK[number])["cure"])
    assert f"https://login.microsoftonline.com/error?code={number}" in trial["cure"]


@pytest.mark.requirement("CONN-7", "CONN-8")
@pytest.mark.parametrize("row", ANSWER_ERRORS, ids=lambda row: row.codes[0])
def test_a_refusal_of_graph_is_shown_with_its_cure(world: World, row: Explanation) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    for code in (each for each in row.codes if each not in NOT_FROM_GRAPH):
        status, words = refusals.GRAPH[code]
        world.emulator.faults.add(Fault(kind="refuse", path="/v1.0/", status=status, error=code, retry_after=60))
        trial = trial_of(world)
        world.emulator.faults.clear()
        world.advance(61)
        where = ("sign-in", "") if row.sign_in_lost else ("mailbox", SUPPORT)
        [probe] = [each for each in trial["probes"] if (each["name"], each["target"]) == where]
        assert (probe["ok"], probe["code"]) == (False, code)
        assert probe["cure"].startswith(row.cure), code
        assert words in probe["cause"]
        assert known(world, code)["cure"] == row.cure
    assert trial_of(world)["ok"] is True


@pytest.mark.requirement("CONN-8")
def test_no_answer_at_all_is_shown_with_its_cure(world: World) -> None:
    world.connect()
    world.add_mailbox(method="scan")
    world.emulator.faults.add(Fault(kind="refuse_connection", path="/v1.0/"))
    [probe] = [each for each in trial_of(world)["probes"] if each["name"] == "mailbox"]
    assert probe["code"] == "noAnswer"
    assert probe["cure"].startswith(known(world, "noAnswer")["cure"])


@pytest.mark.requirement("CONN-8")
def test_trouble_of_entra_that_passes_is_no_lost_sign_in(world: World) -> None:
    """Mail waits, with no word of the sign-in in the health report, and comes when Entra does."""
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    world.emulator.expire_tokens()
    world.emulator.faults.add(Fault(kind="revoke_sign_in", path="/oauth2/", code=50033))
    world.scan()
    [issue] = [each for each in world.get("/health")["issues"] if each["code"] == "round_failing"]
    assert "tried again by itself" in issue["cure"]
    world.emulator.faults.clear()
    world.advance(60)
    world.start()  # msal repeats what Entra answered with 400 for a minute of the real time
    world.scan()
    assert world.get("/health")["healthy"] is True


@pytest.mark.requirement("CONN-8")
def test_codes_are_found_however_they_are_written(world: World) -> None:
    everything = world.get("/errors")["items"]
    assert len(everything) == len(SIGN_IN_ERRORS) + len(ANSWER_ERRORS) + len(VAULT_ERRORS)
    for written in ("AADSTS7000222", "aadsts7000222", "7000222"):
        assert known(world, written)["title"] == "The client secret has expired"
    assert known(world, "erroritemnotfound")["transient"] is False
    assert world.get("/errors?code=AADSTS1")["items"] == []


def test_no_code_is_in_two_rows_and_every_row_is_whole() -> None:
    rows = (*SIGN_IN_ERRORS, *ANSWER_ERRORS)
    codes = [code.lower() for row in rows for code in row.codes]
    assert len(codes) == len(set(codes))
    for row in rows:
        assert row.title, row
        assert row.cause.endswith((".", ")")), row
        assert row.cure.endswith("."), row
        assert row.source.startswith("https://learn.microsoft.com/"), row
        assert not (row.transient and row.sign_in_lost), row
        assert "|" not in row.cause + row.cure + row.title, "it would break the table of the page"


def test_every_oauth_error_of_the_table_is_one_that_entra_sends() -> None:
    sent = {error for _, error, _ in refusals.SIGN_IN.values()}
    named = {code for row in SIGN_IN_ERRORS for code in row.codes if not code.startswith("AADSTS")}
    assert named - sent <= OAUTH_ONLY | {"invalid_tenant"}


@pytest.mark.requirement("CONN-8", "CONN-9")
def test_a_token_that_graph_does_not_accept_is_a_lost_sign_in_and_costs_no_mail(world: World) -> None:
    """Entra still gives tokens, and Graph refuses them: nothing is wrong with the mail."""
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    world.emulator.faults.add(Fault(kind="refuse", path=r"\$value", status=401, error="InvalidAuthenticationToken"))
    world.emulator.deliver(SUPPORT, mail())
    world.scan()
    assert {each["verdict"] for each in world.journal()} <= {None, ""}, "it keeps its place"
    [issue] = [each for each in world.get("/health")["issues"] if each["code"] == "round_failing"]
    assert issue["cure"] == known(world, "InvalidAuthenticationToken")["cure"]
    world.emulator.faults.clear()
    assert trial_of(world)["ok"] is True
    world.settle()
    assert [each["verdict"] for each in world.journal()] == ["ticket"]
