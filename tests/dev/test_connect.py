"""Connecting a tenant step by step, as somebody who has never done it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from dev.bootstrap import ROOT
from tests.dev.conftest import Running

TENANT, CLIENT, SECRET = (
    "aaaaaaaa-1111-4111-8111-111111111111",
    "aaaaaaaa-2222-4222-8222-222222222222",
    "value-of-the-secret~1",
)


def connect(running: Running, *answers: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev", "connect", "--stack", str(file or running.file)]
    typed = "\n".join(answers) + "\n"
    return subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def tenant(running: Running) -> None:
    running.emulator.add_app(TENANT, CLIENT, SECRET)
    running.emulator.add_mailbox(TENANT, "help@fabrikam.example", kind="shared")
    running.emulator.add_mailbox(TENANT, "boss@fabrikam.example", kind="user")


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-6", "CONN-7")
def test_a_newcomer_is_led_from_entra_to_a_tested_connection(running: Running) -> None:
    wrong = ("no id", TENANT)
    ended = connect(
        running, "Fabrikam", *wrong, CLIENT, "local", "", "", SECRET, "2027-12-31", "help@fabrikam.example", "", ""
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for told in ("App registrations", "Grant admin consent", "Mail.ReadWrite", "Secret ID", "That should be an id"):
        assert told in ended.stdout
    assert "It works" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr
    [kept] = [each for each in running.desk.get("/connections")["items"] if each["name"] == "Fabrikam"]
    assert kept["ends_at"].startswith("2027-12-31")
    assert [each["address"] for each in running.desk.get("/mailboxes")["items"] if "fabrikam" in each["address"]]


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-7", "CONN-8", "CONN-13")
def test_what_does_not_work_is_told_with_its_cure(running: Running) -> None:
    bad = connect(running, "Wrong", TENANT, CLIENT, "local", "", "secret", "not-the-value~1", "", "", "")
    assert bad.returncode == 1
    assert "AADSTS7000215" in bad.stdout
    assert "Value" in bad.stdout
    outside = "boss@fabrikam.example"
    wide = connect(running, "Wide", TENANT, CLIENT, "local", "", "", SECRET, "", "", outside)
    assert f"FAIL outside       {outside}" in wide.stdout


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-2", "CONN-4")
def test_an_account_signs_in_by_browser_while_it_waits(running: Running) -> None:
    callback = f"{running.found.app_url}/auth/callback"
    running.emulator.add_app(TENANT, CLIENT, SECRET, redirect_uris=(callback,))
    running.emulator.sit_down("boss@fabrikam.example")
    rest = answer_and_sign_in(running, "delegated", "boss@fabrikam.example")
    assert "/scoping" not in rest, "an account reaches what it reaches"


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-2", "CONN-4")
def test_an_agent_signs_in_by_browser_while_it_waits(running: Running) -> None:
    callback = f"{running.found.app_url}/auth/callback"
    running.emulator.add_app(TENANT, CLIENT, SECRET, redirect_uris=(callback,))
    running.emulator.sit_down("boss@fabrikam.example")
    rest = answer_and_sign_in(running, "agents", "boss@fabrikam.example")
    assert "OK   calendar      boss@fabrikam.example" in rest


def answer_and_sign_in(running: Running, method: str, address: str) -> str:
    """Answer all questions, and open the address that is shown; what it says after that."""
    command = [sys.executable, "-m", "dev", "connect", "--stack", str(running.file)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as guide:  # noqa: S603 - our own program
        assert guide.stdin and guide.stdout
        answers = ("Boss", TENANT, CLIENT, "local", method, "", SECRET, "", address, "", "")
        guide.stdin.write("\n".join(answers) + "\n")
        guide.stdin.flush()
        told = list(iter(guide.stdout.readline, "   waiting...\n"))
        shown = f"{running.found.app_url}/auth/callback"
        assert any(line.endswith(f"Redirect URI, to be entered in Entra letter by letter:  {shown}\n") for line in told)
        page = requests.get(told[-1].strip(), verify=running.found.authority, timeout=30)
        assert "has signed in" in page.text
        rest, _ = guide.communicate(timeout=60)
    assert guide.returncode == 0, rest
    assert "It works" in rest
    return rest


SECRET_ID = "dddddddd-4444-4444-8444-444444444444"


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-7", "CONN-8")
def test_who_mistypes_goes_on_where_they_are(running: Running) -> None:
    """The Secret ID for the Value, a day that there is none of, addresses that are none: nothing is typed twice."""
    about = ("Mended", TENANT, CLIENT, "local", "")
    kept = ("",) * 5
    proof = ("secret", SECRET, "2027-02-30", "2027-02-28")
    mailboxes = ("help@nowhere", "help@fabrikam.example", "help@fabrikam.example", "")
    outside = ("help@fabrikam.example",)
    ended = connect(running, *about, "secret", SECRET_ID, "", *kept, *proof, *mailboxes, *outside)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for told in ("looks like the Secret ID", "should be a day", "address:", "set up already", "connection's own"):
        assert told in ended.stdout, told
    assert "It works" in ended.stdout
    names = [each["name"] for each in running.desk.get("/connections")["items"]]
    assert names.count("Mended") == 1


@pytest.mark.usefixtures("tenant")
@pytest.mark.requirement("CONN-7", "CONN-8")
def test_what_the_test_finds_is_mended_and_tested_again(running: Running) -> None:
    about = ("Again", TENANT, CLIENT, "local", "", "secret", "not-the-value~1", "", "", "")
    ended = connect(running, *about, "perhaps", "", "proof", "secret", SECRET, "")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("AADSTS7000215") >= 2
    assert "It works" in ended.stdout
    assert connect(running, *about, "stop").returncode == 1


def test_every_way_has_its_table_of_permissions(running: Running) -> None:
    told = connect(running).stdout
    assert "cloud local" in told, "who has no tenant is told of the emulator's"
    ways = told.split("permissions:\n")[1:]
    assert [[line.split()[0] for line in way.split("\n\n")[0].splitlines()] for way in ways] == [
        ["Mail.ReadWrite", "User.Read.All"],
        ["Mail.ReadWrite", "Mail.ReadWrite.Shared"],
        ["Calendars.ReadWrite", "User.Read"],
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--url", "https://desk.example"), "need each other"),
        (("--key-file", "key"), "need each other"),
        (("--url", "https://desk.example", "--key-file", "no-such-file"), "there is no file"),
    ],
)
def test_half_an_app_is_none(given: tuple[str, ...], told: str) -> None:
    command = [sys.executable, "-m", "dev", "connect", *given]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own program
    assert (ended.returncode, told in ended.stderr) == (2, True)


def test_without_an_app_it_says_how_to_get_one(running: Running, tmp_path: Path) -> None:
    ended = connect(running, file=tmp_path / "nothing.json")
    assert ended.returncode == 2
    assert "dev run" in ended.stderr


def test_hanging_up_in_the_middle_is_no_accident(running: Running) -> None:
    ended = connect(running, "Somebody")
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr
