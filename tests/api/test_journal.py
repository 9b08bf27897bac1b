"""The journal, work set aside, subscriptions and health through the API."""

from __future__ import annotations

import pytest

from shared.errors import SetAside
from shared.mail.verdicts import MEANINGS, Verdict
from shared.upkeep import set_aside
from tests.api.seeding import enter
from tests.world import SUPPORT, World, mail


@pytest.fixture
def mailbox(world: World) -> str:
    world.connect()
    found = world.add_mailbox(method="scan")
    world.settle()
    return found


@pytest.mark.requirement("MAIL-11")
def test_an_entry_tells_what_became_of_a_mail_and_what_to_do(world: World, mailbox: str) -> None:
    entry = enter(world, mailbox, "Broken", verdict=Verdict.QUARANTINED)
    [listed] = world.get(f"/journal?mailbox={mailbox}")["items"]
    shown = world.get(f"/journal/{mailbox}/{entry.key}")
    assert listed["key"] == entry.key
    assert {name: shown[name] for name in listed} == listed
    assert (shown["verdict"], shown["reason"], shown["replayable"]) == ("quarantined", "A reason.", True)
    assert shown["meaning"] == MEANINGS[Verdict.QUARANTINED].text
    assert shown["cure"] == MEANINGS[Verdict.QUARANTINED].cure


@pytest.mark.requirement("MAIL-11", "MAIL-15")
def test_the_original_is_given_out_as_a_file_to_be_saved(world: World, mailbox: str) -> None:
    kept = enter(world, mailbox, "Broken", verdict=Verdict.QUARANTINED)
    original = world.get(f"/journal/{mailbox}/{kept.key}")["original"].removeprefix("/api/v1")
    answer = world.api("GET", original)
    assert (answer.status, answer.body) == (200, b"Subject: original\r\n\r\n")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"

    gone = enter(world, mailbox, "Gone", verdict=Verdict.GONE)
    assert world.get(f"/journal/{mailbox}/{gone.key}")["original"] is None
    assert world.api("GET", f"/journal/{mailbox}/{gone.key}/original").status == 404


@pytest.mark.requirement("MAIL-11")
def test_only_what_got_no_ticket_is_put_through_again(world: World, mailbox: str) -> None:
    for verdict, status in ((Verdict.QUARANTINED, 202), (Verdict.GONE, 202), (Verdict.TICKET, 409)):
        entry = enter(world, mailbox, verdict, verdict=verdict)
        assert world.api("POST", f"/journal/{mailbox}/{entry.key}/replay").status == status
        world.settle()


def test_every_verdict_is_listed_with_its_meaning(world: World) -> None:
    items = world.get("/verdicts")["items"]
    assert [each["verdict"] for each in items] == list(Verdict)
    assert all(each["text"] and each["cure"] for each in items)


@pytest.mark.requirement("OPS-3")
def test_work_set_aside_is_listed_in_pages_and_put_again(world: World, mailbox: str) -> None:
    for index in range(5):
        world.advance(1)
        text = f'{{"mailbox_id": "{mailbox}", "cause": "asked", "noticed_at": "2099-01-0{index + 1}T00:00:00Z"}}'
        set_aside.keep_text(world.rt, "mailbox-sync", text, SetAside("It cannot be.", "Mend it."))
    first = world.get("/set-aside?limit=3")
    rest = world.get(f"/set-aside?limit=3&after={first['next']}")
    kept = [*first["items"], *rest["items"]]
    assert (len({each["key"] for each in kept}), rest["next"]) == (5, None)
    assert [each["kept_at"] for each in kept] == sorted((each["kept_at"] for each in kept), reverse=True)
    assert all(each["replayed_at"] is None and each["reason"] == "It cannot be." for each in kept)

    world.emulator.deliver(SUPPORT, mail())
    assert world.api("POST", f"/set-aside/{kept[0]['key']}/replay").status == 202
    world.settle()
    assert len(world.tickets()) == 1
    assert world.get("/set-aside")["items"][0]["replayed_at"]
    assert world.get("/health")["set_aside"] == 4


def test_work_of_a_queue_that_is_no_more_is_not_put_again(world: World) -> None:
    set_aside.keep_text(world.rt, "no-such-queue", "{}", SetAside("It cannot be."))
    [kept] = world.get("/set-aside")["items"]
    assert world.api("POST", f"/set-aside/{kept['key']}/replay").status == 409


@pytest.mark.requirement("DESK-2")
def test_health_says_what_is_wrong_and_what_to_do(world: World, mailbox: str) -> None:
    world.scan()
    assert world.get("/health?strict=true")["healthy"] is True
    world.advance(3600)
    found = world.get("/health")
    assert found["healthy"] is False
    [issue] = found["issues"]
    assert (issue["code"], issue["severity"], issue["subject"]) == ("mailbox_overdue", "error", SUPPORT)
    assert issue["cure"]
    assert [each["mailbox_id"] for each in found["mailboxes"]] == [mailbox]
    assert found["mailboxes"][0]["lag"] >= 3600
    strict = world.api("GET", "/health?strict=true")
    assert (strict.status, strict.json()["healthy"]) == (503, False)
