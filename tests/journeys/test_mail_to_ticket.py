"""A mail in a Microsoft 365 mailbox becomes a ticket: by webhook, by scan, once."""

from __future__ import annotations

import pytest

from dev.graph import Fault
from shared.desk.tickets import Ticket, reopened
from shared.mail.own_mail import make_mark
from tests.world import SUPPORT, World, mail


@pytest.fixture
def desk(world: World) -> World:
    world.connect()
    world.add_mailbox()
    world.settle()
    return world


@pytest.mark.requirement("CONN-1", "MAIL-1", "MAIL-3", "DESK-1", "DESK-2", "MAIL-9")
def test_a_notified_mail_becomes_a_ticket(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail("Printer broken", text="It does not print."))
    desk.settle()

    [listed] = desk.tickets()
    ticket = desk.ticket(listed["number"])
    assert (ticket["subject"], ticket["status"]) == ("Printer broken", "new")
    assert ticket["user_address"] == "ada@example.com"
    [action] = ticket["actions"]
    assert action["kind"] == "mail_in"
    assert action["text"].strip() == "It does not print."


@pytest.mark.requirement("MAIL-2")
def test_a_mail_that_no_notification_told_of_is_found_by_the_scan(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="drop_notifications"))
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    assert desk.tickets() == []
    desk.scan()
    assert len(desk.tickets()) == 1


@pytest.mark.requirement("MAIL-7")
@pytest.mark.parametrize(
    ("disposal", "inbox", "processed", "deleted"),
    [("move", 0, 1, 0), ("mark_read", 1, 0, 0), ("delete", 0, 0, 1), ("delete_permanently", 0, 0, 0)],
)
def test_a_taken_mail_goes_where_its_mailbox_says(
    world: World, disposal: str, inbox: int, processed: int, deleted: int
) -> None:
    world.connect()
    world.add_mailbox(disposal=disposal)
    world.settle()
    world.emulator.deliver(SUPPORT, mail())
    world.settle()
    world.scan()

    assert len(world.tickets()) == 1
    emulator = world.emulator
    assert len(emulator.messages(SUPPORT)) == inbox
    assert all(message.is_read for message in emulator.messages(SUPPORT))
    assert ("Processed" in emulator.folders(SUPPORT)) == (disposal == "move")
    if disposal == "move":
        assert len(emulator.messages(SUPPORT, "Processed")) == processed
    assert len(emulator.messages(SUPPORT, "deleteditems")) == deleted


@pytest.mark.requirement("MAIL-4")
def test_the_same_mail_announced_five_times_and_scanned_twice_is_one_ticket(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="double_notifications", times=5))
    desk.emulator.deliver(SUPPORT, mail())
    desk.host.run_timer("scan_mailboxes")
    desk.host.run_timer("scan_mailboxes")
    desk.settle()
    desk.scan()
    assert len(desk.tickets()) == 1
    assert [entry["verdict"] for entry in desk.journal()] == ["ticket"]


@pytest.mark.requirement("MAIL-8")
def test_a_reply_joins_its_ticket_by_references(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail(message_id="<first@example.com>"))
    desk.settle()
    desk.emulator.deliver(SUPPORT, mail("Re: Printer broken", text="Still broken.", In_Reply_To="<first@example.com>"))
    desk.settle()

    [listed] = desk.tickets()
    first, second = desk.ticket(listed["number"])["actions"]
    assert second["text"].strip() == "Still broken."
    assert (first["joined_by"], second["joined_by"]) == ("", "references")


@pytest.mark.requirement("MAIL-8")
def test_a_reply_joins_its_ticket_by_our_signed_tag_and_a_guess_does_not(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail())
    desk.settle()
    number = desk.tickets()[0]["number"]
    tag = desk.ticket(number)["tag"]

    desk.emulator.deliver(SUPPORT, mail(f"About {tag}", sender="friend@example.org"))
    desk.emulator.deliver(SUPPORT, mail(f"About [#{number}-AAAAAAAAAA]", sender="stranger@example.net"))
    desk.emulator.deliver(SUPPORT, mail(f"About [#{number}]", sender="stranger@example.net"))
    desk.settle()

    assert [action["joined_by"] for action in desk.ticket(number)["actions"]] == ["", "tag"]
    assert len(desk.tickets()) == 3


@pytest.mark.requirement("MAIL-4")
def test_mails_of_one_page_that_answer_each_other_share_a_ticket_in_the_order_received(desk: World) -> None:
    desk.emulator.faults.add(Fault(kind="drop_notifications"))
    desk.emulator.deliver(SUPPORT, mail("One", message_id="<one@example.com>"))
    desk.advance(2)
    desk.emulator.deliver(SUPPORT, mail("Re: One", message_id="<two@example.com>", In_Reply_To="<one@example.com>"))
    desk.advance(2)
    desk.emulator.deliver(SUPPORT, mail("Re: One", References="<one@example.com> <two@example.com>"))
    desk.scan()

    [listed] = desk.tickets()
    actions = desk.ticket(listed["number"])["actions"]
    assert [action["joined_by"] for action in actions] == ["", "references", "references"]


@pytest.mark.requirement("MAIL-4", "MAIL-11")
def test_a_copy_of_a_mail_in_another_mailbox_is_named_a_duplicate(desk: World) -> None:
    desk.add_mailbox("sales@contoso.com")
    desk.settle()
    raw = mail(to="support@contoso.com, sales@contoso.com", message_id="<both@example.com>")
    desk.emulator.deliver(SUPPORT, raw)
    desk.settle()
    desk.emulator.deliver("sales@contoso.com", b"Received: from elsewhere\r\n" + raw)
    desk.settle()

    assert len(desk.tickets()) == 1
    assert sorted(entry["verdict"] for entry in desk.journal()) == ["duplicate", "ticket"]


@pytest.mark.requirement("MAIL-4")
def test_another_mail_with_a_message_id_that_was_used_before_is_a_ticket_of_its_own(desk: World) -> None:
    desk.emulator.deliver(SUPPORT, mail("First", message_id="<same@example.com>", text="One thing."))
    desk.settle()
    desk.emulator.deliver(SUPPORT, mail("Second", message_id="<same@example.com>", text="Quite another."))
    desk.settle()
    assert {ticket["subject"] for ticket in desk.tickets()} == {"First", "Second"}


@pytest.mark.requirement("DESK-1")
def test_numbers_rise_without_gaps_under_concurrency(world: World) -> None:
    world.connect()
    addresses = [f"box{index}@contoso.com" for index in range(6)]
    for address in addresses:
        world.add_mailbox(address, method="scan")
    world.settle()
    for address in addresses:
        for index in range(15):
            world.emulator.deliver(address, mail(f"{address} {index}", sender=f"user{index}@example.com", to=address))
    world.scan()
    assert sorted(ticket["number"] for ticket in world.tickets()) == list(range(1, 91))


@pytest.mark.requirement("MAIL-8")
def test_a_reply_opens_an_ended_ticket_again_and_a_machine_does_not() -> None:
    ended = Ticket(1, "s", "closed", "u", "n", "a@example.com", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert reopened(ended, "2026-01-02T00:00:00Z", automatic=False).status == "open"
    assert reopened(ended, "2026-01-02T00:00:00Z", automatic=True).status == "closed"


@pytest.mark.requirement("MAIL-8")
def test_our_own_mail_makes_no_ticket_and_a_forged_mark_hides_nothing(desk: World) -> None:
    signed = make_mark(desk.rt.keys, 1)
    desk.emulator.deliver(SUPPORT, mail("Ours", X_Deskbridge=signed))
    desk.emulator.deliver(SUPPORT, mail("Forged", X_Deskbridge="[#1-AAAAAAAAAA]"))
    desk.emulator.deliver(SUPPORT, mail("Forged too", X_Deskbridge="yes", Auto_Submitted="auto-replied"))
    desk.settle()
    found = {entry["subject"]: (entry["verdict"], entry["automatic"]) for entry in desk.journal()}
    assert found == {"Ours": ("own", "own"), "Forged": ("ticket", "none"), "Forged too": ("ticket", "auto-reply")}
