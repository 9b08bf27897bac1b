"""`dev deliver`: whatever is in the files, each has its verdict, or it is said why not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev import deliver, delivery
from dev.graph import Fault
from dev.mail_files import iter_files
from dev.threads import message_ids
from tests.dev.conftest import Running
from tests.world import mail

KEYS = {
    "file", "message_id", "verdict", "reason", "ticket", "action", "subject", "from", "requester", "joined_by",
    "automatic", "text", "attachments", "seconds",
}  # fmt: skip

type Deliver = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def delivered(running: Running, capsys: pytest.CaptureFixture[str]) -> Deliver:
    """Run the command with --json; returns its status and what it told."""

    def run(address: str, *paths: Path, timeout: float = 60) -> tuple[int, list[dict[str, Any]]]:
        options = ["--json", "--stack", str(running.file), "--timeout", str(timeout)]
        status = deliver.main([address, *map(str, paths), *options])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def put(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def test_everything_about_a_mail_is_told(tmp_path: Path, delivered: Deliver) -> None:
    first = mail("Scanner jams", message_id="<first@customer.example>", text="Every time.")
    reply = mail("Re: Scanner jams", In_Reply_To="<first@customer.example>", text="And today, too.\n\n> Every time.")
    raw = b'From: a@b.example\nContent-Type: text/x-log; name="a.log"\nContent-Disposition: attachment\n\nx'
    status, told = delivered("told@contoso.example", put(tmp_path, "1", first), put(tmp_path, "2", reply))
    more, [with_file] = delivered("told@contoso.example", put(tmp_path, "3", raw))
    assert status == more == 0
    assert all(set(each) == KEYS for each in (*told, with_file))
    assert [each["verdict"] for each in told] == ["ticket", "reply"]
    assert told[0]["message_id"] == "<first@customer.example>"
    assert told[0]["ticket"] == told[1]["ticket"] != with_file["ticket"]
    assert told[1]["joined_by"] == "references"
    assert told[1]["text"].strip() == "And today, too."
    assert told[0]["from"] == told[0]["requester"] == "ada@example.com"
    assert with_file["attachments"] == [{"name": "a.log", "type": "text/x-log", "size": 1, "inline": False}]
    assert 0 < told[0]["seconds"] < 60


def test_a_folder_is_delivered_whole_and_nothing_in_it_stops_the_rest(tmp_path: Path, delivered: Deliver) -> None:
    put(tmp_path, "a/1.eml", mail("one"))
    put(tmp_path, "a/2 empty", b"")
    put(tmp_path, "b/3.bin", bytes(range(256)) * 50)
    put(tmp_path, os.fsdecode(b"c/\xff\xfe.eml"), mail("no Unicode"))
    (tmp_path / "d").symlink_to("/does/not/exist")
    status, told = delivered("folder@contoso.example", tmp_path)
    by_name = {Path(each["file"]).name: each for each in told}
    assert len(told) == len(by_name) == 5
    assert status == 1, "one has no verdict"
    assert by_name["d"]["verdict"] is None
    assert "cannot be read" in by_name["d"]["reason"]
    assert by_name[os.fsdecode(b"\xff\xfe.eml")]["subject"] == "no Unicode"
    assert by_name["2 empty"]["verdict"] == "quarantined"
    assert by_name["3.bin"]["verdict"]


def test_more_mails_than_may_be_under_way(
    tmp_path: Path, delivered: Deliver, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_UNDER_WAY", 8)
    monkeypatch.setattr(delivery, "FEWEST_UNDER_WAY", 3)
    for number in range(30):
        put(tmp_path, f"{number:03}.eml", mail(f"number {number}"))
    status, told = delivered("many@contoso.example", tmp_path)
    assert status == 0
    assert sorted(each["subject"] for each in told) == sorted(f"number {number}" for number in range(30))
    assert len({each["ticket"] for each in told}) == 30
    arrived = running.emulator.messages("many@contoso.example", "Processed")
    assert [each.subject for each in arrived] == [f"number {number}" for number in range(30)], "the order of the names"


def test_it_says_how_far_it_is_where_its_lines_go_into_a_file(
    tmp_path: Path, running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deliver, "TELL_EVERY", 0.0)
    put(tmp_path, "1.eml", mail("one"))
    assert deliver.main(["progress@contoso.example", str(tmp_path), "--json", "--stack", str(running.file)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("1 mails in ")]
    assert len(told) == 2, "once on the way, once at the end"


def test_answers_find_their_tickets_however_fast_they_are_delivered(tmp_path: Path, delivered: Deliver) -> None:
    """More than one page of mails, each of the second half an answer to one of the first."""
    for number in range(45):
        message_id = f"<fast-{number}@customer.example>"
        put(tmp_path, f"1-{number:02}", mail(f"fast {number}", message_id=message_id))
        put(tmp_path, f"2-{number:02}", mail(f"Re: fast {number}", References=f"<other@x.example> {message_id}"))
    status, told = delivered("fast@contoso.example", tmp_path)
    by_subject = {each["subject"]: each for each in told}
    assert status == 0
    assert [each["verdict"] for each in told].count("reply") == 45
    assert all(by_subject[f"fast {n}"]["ticket"] == by_subject[f"Re: fast {n}"]["ticket"] for n in range(45))


def test_which_mails_answer_which() -> None:
    raw = b"Subject: <no@x>\r\nMESSAGE-ID: <own@x>\r\nReferences: <a@x>\r\n <b@x> junk\nIn-Reply-To:<a@x>\n\n<c@x>"
    own, answered = message_ids(raw)
    assert own == {b"<own@x>"}
    assert answered == {b"<a@x>", b"<b@x>"}
    assert message_ids(b"\xff" * 100_000) == (set(), set())


def test_the_same_file_twice_is_one_ticket(tmp_path: Path, delivered: Deliver) -> None:
    path = put(tmp_path, "same.eml", mail("only once"))
    _, told = delivered("same@contoso.example", path, path)
    assert sorted(each["verdict"] for each in told) == ["duplicate", "ticket"]
    assert len({each["ticket"] for each in told}) == 1


def test_a_long_ticket_is_told_in_parts(tmp_path: Path, delivered: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its later actions are found behind those that were told before."""
    monkeypatch.setattr("dev.reports._PAGE", 3)
    put(tmp_path, "00", mail("long", message_id="<long@customer.example>"))
    for number in range(1, 10):
        put(tmp_path, f"{number:02}", mail("Re: long", text=f"answer {number}", In_Reply_To="<long@customer.example>"))
    monkeypatch.setattr(delivery, "MOST_UNDER_WAY", 4)
    monkeypatch.setattr(delivery, "FEWEST_UNDER_WAY", 0)
    _, told = delivered("long@contoso.example", tmp_path)
    assert len({each["ticket"] for each in told}) == 1
    assert sorted(each["text"].strip() for each in told)[1:] == [f"answer {number}" for number in range(1, 10)]


def test_a_mail_that_nobody_announces_is_given_up(tmp_path: Path, delivered: Deliver, running: Running) -> None:
    path = put(tmp_path, "lost.eml", mail("lost"))
    assert delivered("lost@contoso.example", put(tmp_path, "found.eml", mail("found")))[0] == 0
    running.emulator.faults.add(Fault("drop_notifications"))
    try:
        status, [told] = delivered("lost@contoso.example", path, timeout=1)
    finally:
        running.emulator.faults.clear()
    assert status == 1
    assert told["verdict"] is None
    assert "no verdict" in told["reason"]


def test_a_line_for_people_cannot_move_their_cursor(
    tmp_path: Path, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, "\x1b[2J.eml", b"Subject: =?utf-8?q?=1B[31mred=07?=\nFrom: a@b.example\n\nx")
    assert deliver.main(["line@contoso.example", str(path), "--stack", str(running.file)]) == 0
    said = capsys.readouterr()
    assert "[31mred" in said.out
    assert not any(char in said.out + said.err for char in "\x1b\x07")
    assert "1 mails in" in said.err
    assert "line@contoso.example is new" in said.err


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "1.eml", mail())
    assert deliver.main(["a@b.example", str(path), "--stack", str(tmp_path / "none.json")]) == 1
    assert "python3.13 -m dev run" in capsys.readouterr().err


def test_a_pipe_in_a_folder_is_no_mail(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a pipe")
    (tmp_path / "leads nowhere").symlink_to(tmp_path / "nothing")
    (tmp_path / "mail.eml").touch()
    assert [each.name for each in iter_files([tmp_path])] == ["leads nowhere", "mail.eml"]
    assert list(iter_files([tmp_path / "a pipe"])) == [tmp_path / "a pipe"]


def test_an_empty_folder_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver.main(["a@b.example", str(tmp_path)]) == 2
    assert "no files" in capsys.readouterr().err
