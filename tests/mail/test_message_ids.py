import pytest

from shared.mail.message_ids import MAX_REFERENCES, parse_message_id, parse_message_ids


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("<a@b>", "<a@b>"),
        (" <A@B> ", "<A@B>"),
        ("a@b", "<a@b>"),
        ("<a b@c>", "<ab@c>"),
        ("junk <a@b> junk", "<a@b>"),
        ("", None),
        ("<>", None),
        ("<" + "x" * 2_000 + ">", None),
    ],
)
def test_one_spelling_for_each_id(text: str, message_id: str | None) -> None:
    assert parse_message_id(text) == message_id


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<a@b> <c@d>", ("<a@b>", "<c@d>")),
        ("<a@b><c@d><a@b>", ("<a@b>", "<c@d>")),
        ("a@b, c@d", ("<a@b>", "<c@d>")),
        ("Your message of Monday <a@b>", ("<a@b>",)),
        ("no id here", ()),
    ],
)
def test_references(text: str, ids: tuple[str, ...]) -> None:
    assert parse_message_ids(text) == ids


def test_a_long_thread_keeps_its_beginning_and_its_end() -> None:
    ids = parse_message_ids(" ".join(f"<{number}@x>" for number in range(200)))
    assert len(ids) == MAX_REFERENCES
    assert ids[:5] == ("<0@x>", "<1@x>", "<2@x>", "<3@x>", "<4@x>")
    assert ids[5] == "<155@x>"
    assert ids[-1] == "<199@x>"
