"""Every mail of the corpus, against what its author wrote down for it (not against what the parser once said)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.mail.bounces import find_bounced_message_id
from shared.mail.parsing import Attachment, Mail, parse_mail

CORPUS = Path(__file__).parent.parent / "corpus" / "mail"
EXPECTATIONS: dict[str, dict[str, Any]] = json.loads((CORPUS / "expectations.json").read_text("utf-8"))


def _addresses(name: str) -> Callable[[Mail, Any], bool]:
    return lambda mail, wanted: [each.address for each in getattr(mail, name)] == wanted


def _has_all(texts: list[str], whole: str | None) -> bool:
    return all(text in (whole or "") for text in texts)


def _fits(attachment: Attachment, wanted: list[Any]) -> bool:
    name, type_, inline, size = wanted
    found = (attachment.name, attachment.type, attachment.inline)
    return found == (name, type_, inline) and size in {None, len(attachment.content)}


def _attachments(mail: Mail, wanted: list[list[Any]] | None) -> bool:
    if wanted is None:  # checked by another key of the same expectation
        return True
    return len(mail.attachments) == len(wanted) and all(map(_fits, mail.attachments, wanted))


CHECKS: dict[str, Callable[[Mail, Any], bool]] = {
    "attachment_count": lambda mail, wanted: len(mail.attachments) == wanted,
    "attachments": _attachments,
    "automatic": lambda mail, wanted: mail.automatic == wanted,
    "bounced": lambda mail, wanted: find_bounced_message_id(mail.attachments, mail.text) == wanted,
    "cc": _addresses("cc"),
    "content_ids": lambda mail, wanted: [each.content_id for each in mail.attachments] == wanted,
    "date": lambda mail, wanted: (mail.date and mail.date.isoformat()) == wanted,
    "has_html": lambda mail, wanted: wanted is None or (mail.html is not None) == wanted,
    "html_has": lambda mail, wanted: _has_all(wanted, mail.html),
    "html_lacks": lambda mail, wanted: not any(text in (mail.html or "") for text in wanted),
    "in_reply_to": lambda mail, wanted: list(mail.in_reply_to) == wanted,
    "message_id": lambda mail, wanted: mail.message_id == wanted,
    "new_text": lambda mail, wanted: mail.new_text == wanted,
    "notes_has": lambda mail, wanted: _has_all(wanted, "; ".join(mail.notes)),
    "references": lambda mail, wanted: list(mail.references) == wanted,
    "references_count": lambda mail, wanted: len(mail.references) == wanted,
    "reply_to": _addresses("reply_to"),
    "sender": lambda mail, wanted: (mail.sender and mail.sender.address) == wanted,
    "sender_name": lambda mail, wanted: mail.sender is not None and mail.sender.name == wanted,
    "subject": lambda mail, wanted: mail.subject == wanted,
    "text": lambda mail, wanted: mail.text.strip() == wanted.strip(),
    "text_has": lambda mail, wanted: _has_all(wanted, mail.text),
    "text_lacks": lambda mail, wanted: not any(text in mail.text for text in wanted),
    "text_length": lambda mail, wanted: len(mail.text) == wanted,
    "to": _addresses("to"),
    "to_count": lambda mail, wanted: len(mail.to) == wanted,
}


def test_every_mail_has_its_expectation_and_every_expectation_its_mail() -> None:
    assert {path.stem for path in CORPUS.glob("*.eml")} == EXPECTATIONS.keys()
    assert len(EXPECTATIONS) >= 150


@pytest.mark.parametrize("name", sorted(EXPECTATIONS))
def test_mail_is_read_as_its_author_meant(name: str) -> None:
    mail = parse_mail((CORPUS / f"{name}.eml").read_bytes())
    wrong = {key: wanted for key, wanted in EXPECTATIONS[name].items() if not CHECKS[key](mail, wanted)}
    assert not wrong, mail
