"""Whole mails of each kind are in the corpus (auto-*, bounce-*); here is the order, and each sign alone."""

import pytest

from shared.mail.automatic import Automatic, decide_automatic
from shared.mail.headers import Headers


def _decide(*fields: tuple[str, str], report: str = "", delivery_status: bool = False) -> Automatic:
    headers = Headers(tuple((name.lower(), value.encode()) for name, value in fields))
    return decide_automatic(headers, report, delivery_status)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("X-Failed-Recipients", "a@example.com", Automatic.BOUNCE),
        ("X-MS-Exchange-Message-Is-Ndr", "", Automatic.BOUNCE),
        ("From", "MAILER-DAEMON@example.com", Automatic.BOUNCE),
        ("From", "Mail Delivery Subsystem <x@example.com>", Automatic.BOUNCE),
        ("From", "postmaster@example.com", Automatic.NONE),
        ("Auto-Submitted", "auto-replied", Automatic.AUTO_REPLY),
        ("Auto-Submitted", "auto-generated (cron)", Automatic.AUTO_REPLY),
        ("Auto-Submitted", "no", Automatic.NONE),
        ("Auto-Submitted", "No (a person)", Automatic.NONE),
        ("Auto-Submitted", "", Automatic.NONE),
        ("X-Autoreply", "yes", Automatic.AUTO_REPLY),
        ("X-Autoreply", "no", Automatic.NONE),
        ("Precedence", "auto_reply", Automatic.AUTO_REPLY),
        ("Precedence", "bulk", Automatic.LIST),
        ("Precedence", "first-class", Automatic.NONE),
        ("List-Id", "<x>", Automatic.LIST),
        ("List-Unsubscribe", "<x>", Automatic.LIST),
        ("X-Auto-Response-Suppress", "All", Automatic.NONE),
        ("Return-Path", "<>", Automatic.NONE),
        ("Subject", "Automatic reply: x", Automatic.NONE),
        ("Subject", "Undeliverable: x", Automatic.NONE),
    ],
)
def test_one_sign_alone(name: str, value: str, kind: Automatic) -> None:
    assert _decide((name, value)) is kind


@pytest.mark.parametrize(
    "subject",
    [
        *("Automatic reply: x", "Out of office", "Automatische Antwort: x", "Abwesenheitsnotiz"),
        *("Réponse automatique : x", "Respuesta automática: x", "Automatisch antwoord: x", "Risposta automatica: x"),
    ],
)
@pytest.mark.parametrize(
    "sign",
    [
        ("Return-Path", "<>"),
        ("X-Auto-Response-Suppress", "All"),
        ("Precedence", "bulk"),
        ("From", "noreply@example.com"),
    ],
)
def test_the_subject_counts_with_a_second_sign(subject: str, sign: tuple[str, str]) -> None:
    assert _decide(("Subject", subject), sign) is Automatic.AUTO_REPLY


def test_a_bounce_by_its_words_needs_a_second_sign() -> None:
    assert _decide(("Subject", "Undeliverable: x"), ("Return-Path", "<>")) is Automatic.BOUNCE
    assert _decide(("Subject", "Undeliverable: x"), ("From", "postmaster@example.com")) is Automatic.BOUNCE


def test_reports_are_known_by_their_type() -> None:
    assert _decide(report="delivery-status") is Automatic.BOUNCE
    assert _decide(delivery_status=True) is Automatic.BOUNCE
    assert _decide(report="disposition-notification") is Automatic.AUTO_REPLY


def test_the_first_kind_that_fits_counts() -> None:
    everything = [("X-Failed-Recipients", "x"), ("Auto-Submitted", "auto-replied"), ("List-Id", "x")]
    kinds = [_decide(*everything[start:]) for start in range(4)]
    assert kinds == [Automatic.BOUNCE, Automatic.AUTO_REPLY, Automatic.LIST, Automatic.NONE]
