import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.file_names import MAX_LENGTH, default_name, make_unique, safe_name


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\dir\\x.txt", "x.txt"),
        ("a:b", "a_b"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.", "_com1"),
        ("console.txt", "console.txt"),
        ("...", ""),
        (" .hidden", "hidden"),
        ("a\x00b\nc", "a b c"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("x/", ""),
        ("", ""),
        ("x" * 300 + ".pdf", "x" * (MAX_LENGTH - 4) + ".pdf"),
        ("x" * 300, "x" * MAX_LENGTH),
    ],
)
def test_names_that_strangers_send(sent: str, safe: str) -> None:
    assert safe_name(sent) == safe


@given(st.text(max_size=300))
def test_any_name_is_safe(name: str) -> None:
    safe = safe_name(name)
    assert len(safe) <= MAX_LENGTH
    assert not set(safe) & set('/\\:*?"<>|\x00\n')
    assert safe == safe.strip(" .")
    assert safe_name(safe) == safe


def test_names_differ_by_more_than_capitals() -> None:
    taken: set[str] = set()
    assert [make_unique(name, taken) for name in ("a.txt", "A.TXT", "a.txt", "noext", "noext", "a (2).txt")] == [
        *("a.txt", "A (2).TXT", "a (3).txt", "noext", "noext (2)", "a (2) (2).txt"),
    ]


def test_a_name_where_there_was_none() -> None:
    assert default_name("image/png", 3) == "attachment-3.png"
    assert default_name("text/calendar", 1) == "invite.ics"
    assert default_name("x/y", 2) == "attachment-2.bin"
