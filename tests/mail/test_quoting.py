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
    assert find_new_text(text, "Re: x") == new


@pytest.mark.parametrize("subject", ["Fwd: x", "FW: x", "WG: x", "TR: x", "RV: x", "Doorst: x", "[EXT] Fwd: x", "I: x"])
def test_a_forwarded_mail_is_new_as_a_whole(subject: str) -> None:
    assert find_new_text(f"see\n\n{BLOCK}", subject) == f"see\n\n{BLOCK}"


@pytest.mark.parametrize("subject", ["Re: Fwd: x", "AW: WG: x", "Interesting: x", "x", ""])
def test_an_answer_to_a_forwarded_mail_is_not(subject: str) -> None:
    assert find_new_text(f"see\n\n{BLOCK}", subject) == "see"


LINES = [
    *("new", "", "> old", ">> older", ATTRIBUTION, "-- ", "From: a", "Sent: b", "To: c", "Subject: d", "Regards,", ":"),
    *("-----Original Message-----", "---------- Forwarded message ---------", "Sent from my iPhone", "_" * 32, "why?"),
]


@given(st.lists(st.sampled_from(LINES), max_size=20))
def test_new_text_is_never_lost_nor_invented(lines: list[str]) -> None:
    text = "\n".join(lines)
    new = find_new_text(text, "Re: x")
    assert bool(new) == bool(text.strip())
    assert new in text


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert bool(find_new_text(text, "")) == bool(text.strip())
