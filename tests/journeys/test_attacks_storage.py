"""Attacks by way of the storage: answers lost after the work was done, refusals, and a queue that is away."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.message import EmailMessage

import pytest
import requests

from shared.subscriptions import client_state
from tests.tampering import Carry, Tamper, answer, tamper_with_storage
from tests.world import World, mail

BOXES = [f"box{index}@contoso.com" for index in range(3)]


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(world.clock, "pause", world.advance)
    world.connect()
    for box in BOXES:
        world.add_mailbox(box, method="scan")
    world.settle()
    return world


def scan_until_quiet(world: World, times: int) -> None:
    for _ in range(times):
        world.advance(300)
        world.host.make_visible()
        world.scan()


def is_transaction(request: requests.PreparedRequest) -> bool:
    return str(request.url).endswith("$batch")


def losing(kind: str, chance: random.Random, share: float) -> Tamper:
    """The transaction is made, and its answer is a 503 (tried again at once), or none at all (not tried again)."""

    def tamper(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        found = carry()
        if not is_transaction(request) or chance.random() > share:
            return found
        if kind == "none":
            raise requests.ConnectionError("Connection aborted: no answer came", request=request)
        return answer(request, 503)

    return tamper


@pytest.mark.requirement("MAIL-4", "DESK-1", "OPS-2")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["503", "none"])
def test_lost_answers_of_transactions_that_were_made(desk: World, kind: str, seed: int) -> None:
    for box in BOXES:
        for index in range(8):
            reply = {"In_Reply_To": f"<{box}.{index - 1}>"} if index % 3 == 2 else {}
            raw = mail(f"{box} {index}", to=box, sender=f"u{index}@example.com", message_id=f"<{box}.{index}>", **reply)
            desk.emulator.deliver(box, raw)
            desk.advance(2)
    tamper_with_storage(desk, losing(kind, random.Random(seed), 0.3))  # noqa: S311 - the same each time, on purpose
    scan_until_quiet(desk, 5)
    desk.start()
    scan_until_quiet(desk, 2)
    tickets = desk.tickets()
    assert [ticket["number"] for ticket in tickets] == list(range(18, 0, -1))
    assert [entry["reason"] for entry in desk.journal() if entry["reason"]] == []
    assert sum(len(desk.ticket(ticket["number"])["actions"]) for ticket in tickets) == 24
    assert sorted({entry["verdict"] for entry in desk.journal()}) == ["reply", "ticket"]
    assert len(desk.journal()) == 24
    assert [desk.emulator.messages(box) for box in BOXES] == [[], [], []]
    assert desk.get("/health")["issues"] == []
    for box in BOXES:
        own = sorted(
            (each["number"], each["received_at"]) for each in desk.journal() if each["subject"].startswith(box)
        )
        assert [received for _, received in own] == sorted(received for _, received in own)


def refusing(fits: Callable[[requests.PreparedRequest], bool]) -> Tamper:
    """What fits is refused, as by a firewall: the SDKs do not try it again."""

    def tamper(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        return answer(request, 403, x_ms_error_code="AuthorizationFailure") if fits(request) else carry()

    return tamper


@pytest.mark.requirement("MAIL-4", "MAIL-11", "OPS-2")
def test_an_outage_of_the_blobs_puts_no_mail_into_quarantine(desk: World) -> None:
    for index in range(3):
        desk.emulator.deliver(BOXES[0], mail(f"Mail {index}", to=BOXES[0]))
        desk.advance(2)
    tamper_with_storage(desk, refusing(lambda request: request.method == "PUT" and "/raw/" in str(request.url)))
    scan_until_quiet(desk, 8)
    assert desk.tickets() == []
    assert not desk.get("/health")["healthy"]
    desk.start()
    scan_until_quiet(desk, 2)
    assert [ticket["subject"] for ticket in desk.tickets()] == ["Mail 2", "Mail 1", "Mail 0"]
    assert desk.get("/health")["issues"] == []


@pytest.mark.requirement("MAIL-4", "MAIL-15")
def test_one_blob_that_can_never_be_written_holds_up_nobody_for_ever(desk: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.com", BOXES[0], "Locked"
    message.add_attachment(b"x", maintype="application", subtype="x-locked", filename="a.bin")
    desk.emulator.deliver(BOXES[0], message.as_bytes())
    desk.emulator.deliver(BOXES[0], mail("Behind", to=BOXES[0]))
    locked = refusing(
        lambda request: (
            request.headers.get("x-ms-blob-content-type") in ("application/x-locked", b"application/x-locked")
        )
    )
    tamper_with_storage(desk, locked)
    scan_until_quiet(desk, 8)
    assert sorted(entry["verdict"] for entry in desk.journal()) == ["quarantined", "ticket"]


@pytest.mark.requirement("OPS-1")
def test_a_queue_that_is_away_is_told_to_graph_within_its_three_seconds(desk: World) -> None:
    # https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
    tamper_with_storage(desk, lambda request, _: answer(request, 503))
    state = client_state.make(desk.rt.keys, "box-1")
    body = f'{{"value": [{{"clientState": "{state}"}}]}}'
    began = time.monotonic()
    found = desk.host.http("POST", "/graph/notifications", {"Content-Type": "application/json"}, body)
    assert found.status == 503
    assert time.monotonic() - began < 3


@pytest.mark.requirement("MAIL-4", "DESK-1")
def test_a_counter_that_others_change_at_random_costs_no_mail_and_no_number(desk: World) -> None:
    chance = random.Random(5)  # noqa: S311 - the same each time, on purpose

    def tamper(request: requests.PreparedRequest, carry: Carry) -> requests.Response:
        if is_transaction(request) and b"!counter" in (request.body or b"") and chance.random() < 0.7:
            return answer(request, 202, _changed(), Content_Type="multipart/mixed; boundary=x")
        return carry()

    for box in BOXES:
        for index in range(30):
            desk.emulator.deliver(box, mail(f"{box} {index}", to=box))
    tamper_with_storage(desk, tamper)
    scan_until_quiet(desk, 6)
    desk.start()
    scan_until_quiet(desk, 1)
    assert [ticket["number"] for ticket in desk.tickets()] == list(range(90, 0, -1))
    assert {entry["verdict"] for entry in desk.journal()} == {"ticket"}


def _changed() -> bytes:
    """How the table service says that a row of a transaction is not at its version any more."""
    error = b'{"odata.error":{"code":"UpdateConditionNotSatisfied","message":{"lang":"en-US","value":"0:changed"}}}'
    return (
        b"--batchresponse_x\r\nContent-Type: multipart/mixed; boundary=changesetresponse_x\r\n\r\n"
        b"--changesetresponse_x\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b"HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n" + error + b"\r\n"
        b"--changesetresponse_x--\r\n--batchresponse_x--\r\n"
    )
