"""Attacks on tickets: long ones, ended ones, huge bodies, hundreds of files, and mails that want in without a right."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from shared.desk import PARTITION, TABLE
from shared.desk.tickets import get_ticket, listed_keys, status_key, ticket_key, ticket_values
from shared.mail.bodies import MAX_FILES
from shared.storage.tables import Change, Row
from tests.kill import kill_after, revive
from tests.world import SUPPORT, World, mail


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox(method="scan")
    world.settle()
    return world


def close(world: World, number: int) -> None:
    """Close a ticket as it will lie in the table: there is no way to do it by the API yet."""
    ticket = get_ticket(world.rt, number)
    values = {**ticket_values(ticket), "status": "closed"}
    own, listed, requester = listed_keys(ticket)
    rows = [Row(PARTITION, key, values) for key in (own, status_key("closed", number), requester)]
    changes = [Change("upsert", row) for row in rows] + [Change("delete", Row(PARTITION, listed))]
    world.rt.tables[TABLE].transact(changes)


@pytest.mark.requirement("MAIL-8", "DESK-1", "DESK-2")
def test_a_closed_ticket_reopened_by_three_mails_of_a_page_is_listed_once(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail(message_id="<root@example.com>"))
    desk.scan()
    close(desk, 1)
    assert [ticket["number"] for ticket in desk.tickets("&status=closed")] == [1]
    for index in range(3):
        desk.emulator.deliver(SUPPORT, mail(f"Re {index}", In_Reply_To="<root@example.com>"))
    desk.scan()
    assert desk.tickets("&status=closed") == []
    assert [ticket["number"] for ticket in desk.tickets("&status=open")] == [1]
    assert len(desk.ticket(1)["actions"]) == 4


@pytest.mark.requirement("MAIL-8", "DESK-1")
def test_one_page_reopens_forty_closed_tickets_of_forty_new_people(desk: World) -> None:
    """As many rows a mail as there can be: the transactions still hold a hundred."""
    for index in range(40):
        desk.emulator.deliver(SUPPORT, mail(f"Mail {index}", message_id=f"<{index}@example.com>"))
    desk.scan()
    for number in range(1, 41):
        close(desk, number)
    for index in range(40):
        raw = mail(f"Re {index}", sender=f"new{index}@example.com", In_Reply_To=f"<{index}@example.com>")
        desk.emulator.deliver(SUPPORT, raw)
    desk.scan()
    assert len(desk.tickets("&status=open")) == 40
    assert [entry["verdict"] for entry in desk.journal()].count("reply") == 40


@pytest.mark.requirement("MAIL-4", "MAIL-3")
@pytest.mark.parametrize("step", range(4, 20, 3))
def test_a_body_too_large_for_a_row_survives_a_kill(desk: World, step: int) -> None:
    text = "\n".join(f"{index * 7919:x} {index * 104729:x}" for index in range(40_000))
    desk.emulator.deliver(SUPPORT, mail("Huge", text=text))
    kill_after(desk, step, lambda world: world.scan())  # type: ignore[arg-type]  # what it answers is not asked for
    revive(desk)
    [listed] = desk.tickets()
    [action] = desk.ticket(listed["number"])["actions"]
    assert action["text"].splitlines()[:2] == text.splitlines()[:2]
    assert [entry["verdict"] for entry in desk.journal()] == ["ticket"]


@pytest.mark.requirement("MAIL-3", "MAIL-4")
def test_of_five_hundred_files_the_first_are_kept_and_the_rest_is_told(desk: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.com", SUPPORT, "Files"
    message.set_content("See the files.")
    for index in range(500):
        message.add_attachment(b"x" * index, maintype="application", subtype="octet-stream", filename=f"{index}.bin")
    desk.emulator.deliver(SUPPORT, message.as_bytes())
    desk.emulator.deliver(SUPPORT, mail("Behind"))
    desk.scan()
    tickets = {ticket["subject"]: ticket["number"] for ticket in desk.tickets()}
    assert set(tickets) == {"Files", "Behind"}
    [action] = desk.ticket(tickets["Files"])["actions"]
    assert len(action["attachments"]) == MAX_FILES
    assert any(note.endswith(f"the first {MAX_FILES} kept") for note in action["notes"])


@pytest.mark.requirement("MAIL-8", "DESK-2")
def test_a_ticket_of_hundreds_of_replies_takes_one_more(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail(message_id="<root@example.com>"))
    desk.scan()
    for index in range(400):
        desk.emulator.deliver(SUPPORT, mail(f"Re {index}", In_Reply_To="<root@example.com>"))
    desk.scan()
    desk.start()
    desk.meter.start()
    desk.emulator.deliver(SUPPORT, mail("Last", In_Reply_To="<root@example.com>"))
    desk.scan()
    assert desk.meter.count("table") < 20
    assert [entry["verdict"] for entry in desk.journal()].count("reply") == 401
    assert desk.rt.tables[TABLE].find(PARTITION, ticket_key(1)) is not None


@pytest.mark.requirement("MAIL-8")
def test_no_forged_way_leads_into_a_ticket(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail(message_id="<root@example.com>"))
    desk.scan()
    tag = desk.ticket(1)["tag"]
    other = desk.ticket(1)["tag"].replace("[#1-", "[#2-")
    ways = [
        {"subject": f"About {other}"},
        {"subject": f"About {tag[:-2]}]"},
        {"subject": tag.replace("[#1-", "[#01-")},
        {"subject": tag.replace("[#1-", "[#\u0661-")},
        {"subject": "Re: [#1]", "In_Reply_To": "<ROOT@example.com>"},
        {"subject": "Re: [#1]", "In_Reply_To": "<root@example.com.evil>"},
        {"subject": "Re: [#1]", "References": "root@example.comX"},
        {"subject": "Re: [#1]", "X_Deskbridge": tag.replace("[#1-", "[#2-")},
    ]
    for way in ways:
        subject = way.pop("subject")
        desk.emulator.deliver(SUPPORT, mail(subject, sender="eve@example.net", **way))
    desk.scan()
    assert len(desk.ticket(1)["actions"]) == 1
    assert len(desk.tickets()) == 1 + len(ways)
