"""Mail that goes out: drafts, sending, and what Graph refuses of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graph_emulator.bench import CLIENT, HELP, IMMUTABLE, SECRET, TENANT, Bench

USER = f"users/{HELP}"
MESSAGES = f"{USER}/messages"
ADA = "ada@contoso.com"
DRAFT = {
    "subject": "Look",
    "body": {"contentType": "text", "content": "It is on fire."},
    "toRecipients": [{"emailAddress": {"name": "Ada", "address": ADA}}, {"emailAddress": {"address": "x@far.example"}}],
    "internetMessageId": "<one@contoso.com>",
    "internetMessageHeaders": [{"name": "X-Ours", "value": "1"}],
}


def create(bench: Bench, **changed: Any) -> dict[str, Any]:
    answer = bench.call("POST", MESSAGES, {**DRAFT, **changed}, IMMUTABLE)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_draft_is_sent_once_and_keeps_its_immutable_id(bench: Bench) -> None:
    bench.emulator.add_mailbox(TENANT, ADA)
    draft = create(bench)
    assert (draft["isDraft"], draft["subject"], draft["internetMessageId"]) == (True, "Look", "<one@contoso.com>")
    found = bench.rows(
        f"{USER}/mailFolders/drafts/messages?$filter=internetMessageId eq '<one@contoso.com>'", IMMUTABLE
    )
    assert [each["id"] for each in found] == [draft["id"]]
    assert bench.emulator.messages(ADA) == []

    sent = bench.call("POST", f"{MESSAGES}/{draft['id']}/send", headers=IMMUTABLE)
    assert (sent.status_code, sent.content) == (202, b"")
    copy = bench.json(f"{MESSAGES}/{draft['id']}", IMMUTABLE)
    assert (copy["isDraft"], copy["parentFolderId"]) == (False, bench.json(f"{USER}/mailFolders/sentitems")["id"])
    [arrived] = bench.emulator.messages(ADA)
    assert (arrived.subject, arrived.is_draft, arrived.is_read) == ("Look", False, False)
    assert arrived.content.text.strip() == "It is on fire."
    assert ("X-Ours", "1") in arrived.headers.every
    assert bench.refused("POST", f"{MESSAGES}/{draft['id']}/send", headers=IMMUTABLE)[0] == 400
    assert len(bench.emulator.messages(ADA)) == 1


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"subjct": "x"}, (400, "RequestBodyRead")),
        ({"isDraft": False}, (400, "ErrorInvalidPropertySet")),
        ({"body": {"contentType": "rtf", "content": "x"}}, (400, "RequestBodyRead")),
        ({"toRecipients": [ADA]}, (400, "RequestBodyRead")),
        ({"toRecipients": {"emailAddress": {"address": ADA}}}, (400, "RequestBodyRead")),
        ({"internetMessageHeaders": []}, (400, "InvalidInternetMessageHeaderCollection")),
        ({"internetMessageHeaders": [{"name": "In-Reply-To", "value": "<x>"}]}, (400, "InvalidInternetMessageHeader")),
        ({"from": {"emailAddress": {"address": ADA}}}, (403, "ErrorSendAsDenied")),
    ],
)
def test_what_graph_refuses_of_a_draft(bench: Bench, changed: dict[str, Any], refusal: tuple[int, str]) -> None:
    assert bench.refused("POST", MESSAGES, {**DRAFT, **changed}) == refusal
    assert bench.emulator.messages(HELP, "drafts") == []


def test_a_draft_for_nobody_is_not_sent(bench: Bench) -> None:
    draft = create(bench, toRecipients=[])
    refusal = bench.refused("POST", f"{MESSAGES}/{draft['id']}/send", headers=IMMUTABLE)
    assert refusal == (400, "ErrorInvalidRecipients")
    assert len(bench.emulator.messages(HELP, "drafts")) == 1


def test_writing_and_sending_are_two_permissions(bench: Bench) -> None:
    draft = create(bench)
    for roles, path, body in (
        (("Mail.ReadWrite",), f"{MESSAGES}/{draft['id']}/send", None),
        (("Mail.Send", "Mail.Read"), MESSAGES, DRAFT),
    ):
        bench.emulator.add_app(TENANT, CLIENT, SECRET, roles)
        bench.token = bench.sign_in()["access_token"]
        assert bench.refused("POST", path, body, IMMUTABLE) == (403, "ErrorAccessDenied")
    assert len(bench.emulator.messages(HELP, "drafts")) == 1


def test_a_mail_to_oneself_arrives(bench: Bench) -> None:
    to_self = create(bench, toRecipients=[{"emailAddress": {"address": HELP}}])
    assert bench.call("POST", f"{MESSAGES}/{to_self['id']}/send", headers=IMMUTABLE).status_code == 202
    assert len(bench.emulator.messages(HELP)) == 1
