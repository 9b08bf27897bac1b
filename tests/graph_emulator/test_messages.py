from __future__ import annotations

import pytest

from tests.graph_emulator.bench import HELP, IMMUTABLE, MAIL, Bench

USER = f"users/{HELP}"
MESSAGES = f"{USER}/messages"
INBOX = f"{USER}/mailFolders/inbox/messages"
GONE = (404, "ErrorItemNotFound")


def test_a_delivered_mail_as_json(bench: Bench) -> None:
    bench.emulator.deliver(HELP, MAIL)
    message = bench.rows(INBOX)[0]
    address = {"emailAddress": {"name": "Ada", "address": "ada@example.com"}}
    assert message["subject"] == "Printer"
    assert message["from"] == message["sender"] == address
    assert message["toRecipients"][0]["emailAddress"]["address"] == HELP
    assert (message["isRead"], message["isDraft"], message["hasAttachments"]) == (False, False, False)
    assert message["internetMessageId"] == "<1@example.com>"
    assert message["bodyPreview"] == "It burns."
    assert message["body"]["contentType"] == "html"
    assert "It burns." in message["body"]["content"]
    assert message["receivedDateTime"].endswith("Z")
    assert len(message["receivedDateTime"]) == len("2026-11-21T10:00:00Z")
    assert message["parentFolderId"] == bench.json(f"{USER}/mailFolders/inbox")["id"]
    assert message["@odata.etag"] == f'W/"{message["changeKey"]}"'
    assert "internetMessageHeaders" not in message
    assert "uniqueBody" not in message


def test_headers_come_on_select_only_and_bodies_as_text_on_wish(bench: Bench) -> None:
    bench.emulator.deliver(HELP, MAIL)
    selected = bench.rows(f"{INBOX}?$select=internetMessageHeaders")[0]
    assert {"name": "Subject", "value": "Printer"} in selected["internetMessageHeaders"]
    answer = bench.get(f"{INBOX}?$select=body", {"Prefer": 'outlook.body-content-type="text"'})
    assert answer.json()["value"][0]["body"] == {"contentType": "text", "content": "It burns.\r\n"}
    assert answer.headers["Preference-Applied"] == 'outlook.body-content-type="text"'


def test_select_gives_what_is_named_and_the_id(bench: Bench) -> None:
    bench.deliver()
    assert set(bench.rows(f"{INBOX}?$select=subject")[0]) == {"@odata.etag", "id", "subject"}
    assert bench.refused("GET", f"{INBOX}?$select=subjct") == (400, "RequestBroker--ParseUri")
    assert bench.refused("GET", f"{INBOX}?$expand=attachments") == (501, "notImplemented")
    assert bench.refused("GET", f"{INBOX}?$top=1001") == (400, "BadRequest")
    assert bench.refused("GET", f"{INBOX}?$top=0") == (400, "BadRequest")


def test_lists_are_newest_first_and_page_by_ten(bench: Bench) -> None:
    bench.deliver(23)
    subjects: list[str] = []
    page = bench.json(f"{INBOX}?$select=subject&$count=true")
    assert page["@odata.count"] == 23
    while True:
        subjects += [row["subject"] for row in page["value"]]
        if "@odata.nextLink" not in page:
            break
        assert "$skip=" in page["@odata.nextLink"]
        page = bench.json(page["@odata.nextLink"])
    assert subjects == [str(i) for i in range(22, -1, -1)]
    assert bench.get(f"{INBOX}/$count").text == "23"
    assert [row["subject"] for row in bench.rows(f"{INBOX}?$orderby=receivedDateTime&$top=2&$skip=1")] == ["1", "2"]


def test_filters(bench: Bench) -> None:
    keys = bench.deliver(4)
    bench.emulator.mark_read(HELP, keys[0])

    def subjects(condition: str) -> list[str]:
        return sorted(row["subject"] for row in bench.rows(f"{INBOX}?$filter={condition}&$top=50"))

    moment = bench.emulator.messages(HELP)[2].received_date_time.isoformat().replace("+00:00", "Z")
    assert subjects("internetMessageId eq '<2@example.com>'") == ["2"]
    assert subjects("isRead eq true") == ["0"]
    assert subjects(f"receivedDateTime ge {moment}") == ["2", "3"]
    assert subjects(f"receivedDateTime gt {moment} and isRead eq false") == ["3"]
    assert subjects(f"receivedDateTime lt {moment} or subject eq '3'") == ["0", "1", "3"]
    assert subjects("not (isRead eq true) and contains(subject, '1')") == ["1"]


@pytest.mark.parametrize(
    "condition",
    [
        "isRead eq 'true'",
        "receivedDateTime ge 'today'",
        "receivedDateTime ge 2026-11-21T10:00:00",
        "receivedDateTime ge 2026-11-21T10:00:00%2B01:00 or",
        "subject",
        "subject eq",
        "subject is 'x'",
        "colour eq 'red'",
        "(subject eq 'x'",
        "subject eq 'x' isRead eq true",
        "contains(isRead,'x'",
    ],
)
def test_a_filter_that_does_not_parse_is_refused_even_in_an_empty_folder(bench: Bench, condition: str) -> None:
    assert bench.refused("GET", f"{INBOX}?$filter={condition}") == (400, "BadRequest")


def test_order_must_lead_the_filter(bench: Bench) -> None:
    bad = f"{INBOX}?$filter=isRead eq false&$orderby=receivedDateTime desc"
    good = (
        f"{INBOX}?$filter=receivedDateTime ge 2000-01-01T00:00:00Z and isRead eq false&$orderby=receivedDateTime desc"
    )
    bench.deliver(2)
    assert bench.refused("GET", bad) == (400, "InefficientFilter")
    assert [row["subject"] for row in bench.rows(good)] == ["1", "0"]


def test_the_mime_is_the_bytes_that_were_delivered(bench: Bench) -> None:
    raw = b"Subject: \xff\xfe raw\nMessage-ID: <a@b>\nX: \x80\n\nbody \x00 \xff\n"
    key = bench.emulator.deliver(HELP, raw)
    answer = bench.get(f"{MESSAGES}/{key}/$value", IMMUTABLE)
    assert answer.content == raw
    assert answer.headers["Content-Type"] == "text/plain"


def test_the_two_kinds_of_id(bench: Bench) -> None:
    fixed = bench.deliver()[0]
    rest = bench.rows(INBOX)[0]["id"]
    assert rest.endswith("=")
    assert len(rest) == 152
    assert rest != fixed
    answer = bench.get(f"{MESSAGES}/{fixed}", IMMUTABLE)
    assert answer.json()["id"] == fixed
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert bench.json(f"{MESSAGES}/{rest}")["id"] == rest
    assert bench.refused("GET", f"{MESSAGES}/{rest}", headers=IMMUTABLE) == GONE
    assert bench.refused("GET", f"{MESSAGES}/{fixed}") == GONE
    assert bench.refused("GET", f"{MESSAGES}/{rest.swapcase()}")[0] in (400, 404)
    assert bench.refused("GET", f"{MESSAGES}/inbox") == (400, "ErrorInvalidIdMalformed")


def test_a_move_changes_the_rest_id_and_keeps_the_immutable_one(bench: Bench) -> None:
    fixed = bench.deliver()[0]
    rest = bench.rows(INBOX)[0]["id"]
    moved = bench.call("POST", f"{MESSAGES}/{rest}/move", {"destinationId": "archive"})
    assert moved.status_code == 201
    assert moved.json()["id"] != rest
    assert bench.refused("GET", f"{MESSAGES}/{rest}") == GONE
    assert bench.json(f"{MESSAGES}/{moved.json()['id']}")["subject"] == "0"
    again = bench.call("POST", f"{MESSAGES}/{fixed}/move", {"destinationId": "inbox"}, IMMUTABLE)
    assert (again.status_code, again.json()["id"]) == (201, fixed)
    assert bench.refused("POST", f"{MESSAGES}/{fixed}/move", {"destinationId": "Processed"}, IMMUTABLE) == (
        400,
        "ErrorInvalidIdMalformed",
    )
    assert bench.refused("POST", f"{MESSAGES}/{fixed}/move", {}, IMMUTABLE) == (400, "ErrorInvalidRequest")


def test_a_message_is_in_its_own_folder_only(bench: Bench) -> None:
    key = bench.deliver()[0]
    assert bench.get(f"{INBOX}/{key}", IMMUTABLE).status_code == 200
    assert bench.refused("GET", f"{USER}/mailFolders/archive/messages/{key}", headers=IMMUTABLE) == GONE


def test_a_copy_is_another_message(bench: Bench) -> None:
    key = bench.deliver()[0]
    copy = bench.call("POST", f"{MESSAGES}/{key}/copy", {"destinationId": "archive"}, IMMUTABLE)
    assert copy.status_code == 201
    assert copy.json()["id"] != key
    assert copy.json()["internetMessageId"] == "<0@example.com>"
    assert len(bench.emulator.messages(HELP)) == len(bench.emulator.messages(HELP, "archive")) == 1


def test_changes(bench: Bench) -> None:
    key = bench.deliver()[0]
    before = bench.json(f"{MESSAGES}/{key}", IMMUTABLE)
    changed = bench.call("PATCH", f"{MESSAGES}/{key}", {"isRead": True, "categories": ["Ticket"]}, IMMUTABLE)
    assert changed.status_code == 200
    assert (changed.json()["isRead"], changed.json()["categories"]) == (True, ["Ticket"])
    assert changed.json()["changeKey"] != before["changeKey"]
    same = bench.call("PATCH", f"{MESSAGES}/{key}", {"isRead": True}, IMMUTABLE)
    assert same.json()["changeKey"] == changed.json()["changeKey"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"isRead": "yes"}, "RequestBodyRead"),
        ({"categories": "Ticket"}, "RequestBodyRead"),
        ({"subject": "other"}, "ErrorInvalidPropertySet"),
        ({"colour": "red"}, "RequestBodyRead"),
    ],
)
def test_changes_that_are_refused_change_nothing(bench: Bench, body: dict[str, object], code: str) -> None:
    key = bench.deliver()[0]
    assert bench.refused("PATCH", f"{MESSAGES}/{key}", {"isRead": True, **body}, IMMUTABLE) == (400, code)
    assert not bench.emulator.messages(HELP)[0].is_read


def test_a_stale_version_is_refused(bench: Bench) -> None:
    key = bench.deliver()[0]
    etag = bench.json(f"{MESSAGES}/{key}", IMMUTABLE)["@odata.etag"]
    wanted = {**IMMUTABLE, "If-Match": etag}
    assert bench.call("PATCH", f"{MESSAGES}/{key}", {"isRead": True}, wanted).status_code == 200
    assert bench.refused("PATCH", f"{MESSAGES}/{key}", {"isRead": False}, wanted) == (412, "ErrorIrresolvableConflict")
    assert bench.refused("DELETE", f"{MESSAGES}/{key}", headers=wanted) == (412, "ErrorIrresolvableConflict")


def test_delete_goes_to_deleted_items_then_to_the_recoverable_ones(bench: Bench) -> None:
    key = bench.deliver()[0]
    for folder in ("deleteditems", "recoverableitemsdeletions"):
        assert bench.call("DELETE", f"{MESSAGES}/{key}", headers=IMMUTABLE).status_code == 204
        assert [m.immutable_id for m in bench.emulator.messages(HELP, folder)] == [key]
    assert bench.refused("DELETE", f"{MESSAGES}/{key}", headers=IMMUTABLE) == (403, "ErrorCannotDeleteObject")
    assert bench.rows(MESSAGES) == []


def test_permanent_delete(bench: Bench) -> None:
    key = bench.deliver()[0]
    rest = bench.rows(INBOX)[0]["id"]
    assert bench.call("POST", f"{MESSAGES}/{key}/permanentDelete", headers=IMMUTABLE).status_code == 204
    assert bench.refused("GET", f"{MESSAGES}/{key}", headers=IMMUTABLE) == GONE
    assert bench.refused("DELETE", f"{MESSAGES}/{rest}") == GONE
    assert bench.refused("DELETE", f"{MESSAGES}/{key}", headers=IMMUTABLE) == (403, "ErrorCannotDeleteObject")


def test_mails_of_one_topic_share_a_conversation(bench: Bench) -> None:
    for subject in ("Printer", "RE: printer", "AW: Re: Printer", "Mouse"):
        bench.emulator.deliver(HELP, f"Subject: {subject}\r\n\r\n".encode())
    found = [m.conversation_id for m in bench.emulator.messages(HELP)]
    assert found[0] == found[1] == found[2] != found[3]


def test_a_too_large_request_is_refused(bench: Bench) -> None:
    key = bench.deliver()[0]
    body = {"categories": ["x" * 5_000_000]}
    assert bench.refused("PATCH", f"{MESSAGES}/{key}", body, IMMUTABLE) == (413, "RequestEntityTooLarge")
