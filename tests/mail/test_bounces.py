import pytest

from shared.mail.attachments import Attachment
from shared.mail.bounces import find_bounced_message_id


def _attached(type_: str, content: bytes) -> Attachment:
    return Attachment("x", type_, content, inline=False, content_id=None)


RETURNED = b"Received: x\r\nMessage-ID: <sent@example.org>\r\n\r\nbody"


@pytest.mark.parametrize("type_", ["message/rfc822", "text/rfc822-headers", "message/global"])
def test_the_returned_mail_names_itself(type_: str) -> None:
    report = _attached("message/delivery-status", b"Original-Envelope-Id: x")
    assert find_bounced_message_id([report, _attached(type_, RETURNED)], "") == "<sent@example.org>"


def test_in_the_text_when_nothing_is_attached() -> None:
    text = "Sorry.\n--- Below is a copy.\n> Message-Id: <sent@example.org>\n> Subject: x"
    assert find_bounced_message_id([], text) == "<sent@example.org>"


def test_none_when_it_is_nowhere() -> None:
    assert find_bounced_message_id([_attached("application/pdf", RETURNED)], "no id: <x@y>") is None
