"""The many ways of mail programs are in the corpus (reply-*); here are the laws and the doubtful cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.quoting import find_new_text

ATTRIBUTION = "On Mon, Nov 2, 2026 at 9:12 AM Help <help@example.org> wrote:"
BLOCK = "From: Help\nSent: Monday\nTo: Jane\nSubject: x\n\nold"


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (f"new\n\n{ATTRIBUTION}\n> old", "new"),
        (f"new\n\n{ATTRIBUTION}\nold without marks", "new"),
        (f"new\n\n{BLOCK}", "new"),
        (f"new\n________________________________\n{BLOCK}", "new"),
        ("new\n> old\n> old", "new"),
        ("> old\n\nnew", "> old\n\nnew"),
        (f"{ATTRIBUTION}\n> old\n\nnew", "new"),
        (f"{ATTRIBUTION}\n> old\n\nnew\n> old\n\nnew 2", f"{ATTRIBUTION}\n> old\n\nnew\n> old\n\nnew 2"),
        (f"see\n{ATTRIBUTION}\n> a?\nyes\n> b?\nno", f"see\n{ATTRIBUTION}\n> a?\nyes\n> b?\nno"),
        (BLOCK, BLOCK),
        ("From: Berlin\nTo: Paris\nok?", "From: Berlin\nTo: Paris\nok?"),
        ("he wrote:\nnothing", "he wrote:\nnothing"),
        ("words\n-- \nJane\nExample Ltd.", "words"),
        (
            "words\n--\n" + "a long text after dashes\n" * 30,
            ("words\n--\n" + "a long text after dashes\n" * 30).strip(),
        ),
        ("words\n\nBest regards,\nJane", "words"),
        ("Best regards to all,\nwords", "Best regards to all,\nwords"),
        ("words\nRegards\nJane\nbut why?", "words\nRegards\nJane\nbut why?"),
        ("words\n\nSent from my iPhone", "words"),
        ("Sent from my iPhone", "Sent from my iPhone"),
        ("-- \nJane", "-- \nJane"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_new_text(text: str, new: str) -> None:
    assert find_new_text(text, "Re: x", is_threaded=False) == new


@pytest.mark.parametrize("subject", ["Fwd: x", "FW: x", "WG: x", "TR: x", "RV: x", "Doorst: x", "[EXT] Fwd: x", "I: x"])
def test_a_forwarded_mail_is_new_as_a_whole(subject: str) -> None:
    assert find_new_text(f"see\n\n{BLOCK}", subject, is_threaded=False) == f"see\n\n{BLOCK}"


@pytest.mark.parametrize("subject", ["Re: Fwd: x", "AW: WG: x", "[Help] Re[2]: x", "回复\uff1ax", "Ответ: x"])
def test_an_answer_to_a_forwarded_mail_is_not(subject: str) -> None:
    assert find_new_text(f"see\n\n{BLOCK}", subject, is_threaded=False) == "see"


@pytest.mark.parametrize("subject", ["x", "", "Interesting: x"])
def test_the_subject_of_an_answer_may_be_another_one(subject: str) -> None:
    assert find_new_text(f"see\n\n{BLOCK}", subject, is_threaded=True) == "see"


@pytest.mark.parametrize(
    "text",
    [
        f"Is this mail genuine?\n\n{BLOCK}",
        "We got this:\n\n-----Original Message-----\nit is a scandal",
        "I get this when I log in:\n\n> Error 0x80070005: access denied\n> at line 7",
        "Log:\n> access denied",
        "Hello,\non Monday at 10:30 my colleague wrote:\nit is on fire\n\nPlease come!",
    ],
)
def test_what_is_pasted_into_a_mail_that_answers_none_is_new(text: str) -> None:
    assert find_new_text(text, "Printer", is_threaded=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nOn 12.03. my colleague wrote:\nit is on fire\n\nPlease come!",
        "It still fails. I now get:\n\n> Error 0x80070005",
        "Please add:\nFrom: 10.0.0.1\nTo: 10.0.0.2\nSubject: cn=x\nPort: 443",
        f"My answers are below in red.\n\n{BLOCK}\nWhich room?\nRoom 9",
        f"Hi,\n\n{ATTRIBUTION}\n\n    old\n    old\n\nnew",
        f"Hi,\n\n{ATTRIBUTION}\n| old\n\nnew",
        f"Hi,\n\n{ATTRIBUTION}\n JD> old\n\nnew",
        f"Hi,\n\n{ATTRIBUTION}\n >old\n\nnew",
    ],
)
def test_words_of_an_answer_are_not_taken_for_history(text: str) -> None:
    assert find_new_text(text, "Re: x", is_threaded=True) == text


@pytest.mark.parametrize(
    "heading",
    [
        "Jane Doe <jane@example.com> writes:",
        "Quoting Jane Doe <jane@example.com>:",
        "* Jane Doe <jane@example.com> [2002-08-22 18:09]:",
        "пн, 4 мар. 2024 \u0433. в 15:15, Jane Doe <jane@example.com>:",
        "W dniu 4.03.2024 o 15:15, Jane Doe pisze:",
        "\u202bفي 4 مارس 2024، \u202aJane\u202c <\u202ajane@example.com\u202c\u200f>:\u202c",
    ],
)
def test_whoever_says_who_wrote_in_whatever_words(heading: str) -> None:
    assert find_new_text(f"{heading}\n> old\n> old\n\nnew", "Re: x", is_threaded=True) == "new"
    assert find_new_text(f"new\n\n{heading}\n> old", "Re: x", is_threaded=True) == "new"


def test_groupwise() -> None:
    heading = ">>> Jane Doe <jane@example.com> 3/4/2024 3:15 PM >>>"
    assert find_new_text(f"new\n\n{heading}\nold", "Re: x", is_threaded=True) == "new"


@pytest.mark.parametrize(
    "words",
    [
        "PS: It is in room 5.",
        "P.S. bitte auch Raum 5",
        "I forgot to say that it worked yesterday",
        "The keyboard does not work.",
        "Accounts:\nadoe\nbdoe",
    ],
)
def test_words_below_a_closing_are_kept(words: str) -> None:
    text = f"Please help.\n\nBest regards,\nJane\n\n{words}"
    assert find_new_text(text, "x", is_threaded=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "One of:\nSamsung\nLG\nDell",
        "Fields:\nmodel\nMFG\nserial",
        "Problem one: the printer.\n--\nProblem two: the scanner.",
        "Name: Jane\n--\nRoom: 5\n--\nUrgent: yes",
        "Where is the parcel?\n\nSent via DHL on Monday, number 12345",
        "It is wrong.\nSent from the wrong printer.",
        "words\n-- \nJane\nPS: room 5",
    ],
)
def test_what_only_looks_like_a_signature_is_kept(text: str) -> None:
    assert find_new_text(text, "x", is_threaded=False) == text


@pytest.mark.parametrize(
    "line",
    [
        "Sent from Mail for Windows 10",
        "Sent from Yahoo Mail on Android",
        "Sent with Proton Mail secure email.",
        "Von meinem Samsung Galaxy Smartphone gesendet.",
        "Gesendet mit der GMX Mail App",
        "Envoyé depuis mon iPhone",
        "Inviato da iPhone",
        "Enviado desde Outlook",
    ],
)
def test_lines_that_telephones_add(line: str) -> None:
    assert find_new_text(f"words\n\n{line}", "x", is_threaded=False) == "words"


LINES = [
    *("new", "", "> old", ">> older", ATTRIBUTION, "-- ", "From: a", "Sent: b", "To: c", "Subject: d", "Regards,", ":"),
    *("-----Original Message-----", "---------- Forwarded message ---------", "Sent from my iPhone", "_" * 32, "why?"),
]


@given(st.lists(st.sampled_from(LINES), max_size=20))
def test_new_text_is_never_lost_nor_invented(lines: list[str]) -> None:
    text = "\n".join(lines)
    new = find_new_text(text, "Re: x", is_threaded=False)
    assert bool(new) == bool(text.strip())
    assert new in text


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert bool(find_new_text(text, "", is_threaded=False)) == bool(text.strip())
