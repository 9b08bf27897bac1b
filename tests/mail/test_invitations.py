import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.invitations import summarize_invitation

EVENT = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
BEGIN:STANDARD
DTSTART:16010101T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
ORGANIZER;CN="Doe: Jane":MAILTO:jane@example.com
SUMMARY;LANGUAGE=en:Printer\\, again
DTSTART;TZID="W. Europe Standard Time":20261103T100000
DTEND:20261103T100000Z
LOCATION:Room
  5
DESCRIPTION:one\\ntwo
END:VEVENT
END:VCALENDAR
"""


def test_an_invitation_in_a_few_lines() -> None:
    assert summarize_invitation(EVENT).split("\n") == [
        "Invitation: Printer, again",
        "When: 2026-11-03 10:00 W. Europe Standard Time to 2026-11-03 10:00 UTC",
        "Where: Room 5",
        "Organizer: jane@example.com",
        "",
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (("REQUEST", "CANCEL"), "Cancellation: Printer, again"),
        (("REQUEST", "REPLY"), "Answer to an invitation: Printer, again"),
        (("REQUEST", "PUBLISH"), "Appointment: Printer, again"),
    ],
)
def test_its_title_says_which_kind(change: tuple[str, str], first: str) -> None:
    assert summarize_invitation(EVENT.replace(*change)).split("\n")[0] == first


def test_what_is_no_event_gives_nothing() -> None:
    assert summarize_invitation("") == ""
    assert summarize_invitation("BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\nEND:VTODO\n") == ""


def test_parameters_without_end_take_no_time() -> None:
    begun = time.perf_counter()
    summarize_invitation("BEGIN:VEVENT\nSUMMARY" + ";" * 90_000)
    summarize_invitation("BEGIN:VEVENT\n" + 'SUMMARY;a="\n' * 8_000)
    assert time.perf_counter() - begun < 2


@given(st.text(alphabet=st.sampled_from(list('BEGIN:VT;"\n =\\,SUMARYD0129Z')), max_size=200))
def test_any_text(text: str) -> None:
    summarize_invitation("BEGIN:VEVENT\n" + text)
