import pytest

from shared.mail.flowed import unflow


@pytest.mark.parametrize(
    ("text", "deletes_space", "joined"),
    [
        ("a \nb", False, "a b"),
        ("a \nb", True, "ab"),
        ("a\nb", False, "a\nb"),
        ("> a \n> b\nc", False, "> a b\nc"),
        ("> a \n>> b", False, "> a \n>> b"),
        (" >not a quote", False, ">not a quote"),
        (" From here", False, "From here"),
        ("a \n-- \nJane", False, "a \n-- \nJane"),
        ("a \n\nb", False, "a \nb"),
        ("", False, ""),
    ],
)
def test_soft_line_breaks_go(text: str, deletes_space: bool, joined: str) -> None:
    assert unflow(text, deletes_space) == joined
