import pytest

from shared.mail.bodies import MAX_FILES, Contents, take_apart
from shared.mail.parts import parse_parts


def _multi(kind: str, *parts: str) -> str:
    boundary = f"b{abs(hash((kind, parts)))}"
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{inside}--{boundary}--"


def _part(kind: str, body: str, more: str = "") -> str:
    return f"Content-Type: {kind}\r\n{more}\r\n{body}"


def _take_apart(mail: str) -> Contents:
    return take_apart(parse_parts(mail.encode())[0])


PLAIN, HTML = _part("text/plain", "plain"), _part("text/html", "<b>html</b>")
PNG = _part("image/png", "x", "Content-ID: <p>\r\n")


@pytest.mark.parametrize(
    ("mail", "plain", "html", "files"),
    [
        (PLAIN, "plain", None, []),
        (HTML, None, "<b>html</b>", []),
        (_multi("alternative", PLAIN, HTML), "plain", "<b>html</b>", []),
        (_multi("alternative", PLAIN, _multi("related", HTML, PNG)), "plain", "<b>html</b>", ["image/png"]),
        (_multi("related", _multi("alternative", PLAIN, HTML), PNG), "plain", "<b>html</b>", ["image/png"]),
        (_multi("mixed", PLAIN, PNG, PLAIN), "plain\nplain", None, ["image/png"]),
        (_multi("mixed", HTML, PLAIN), None, "<b>html</b>\n<br>\nplain", []),
        (_multi("mixed", _multi("alternative", PLAIN, HTML), PLAIN), "plain\nplain", "<b>html</b>\n<br>\nplain", []),
        (_multi("alternative", _part("text/plain", " "), HTML), None, "<b>html</b>", []),
        (_multi("mixed", PLAIN, _part("text/plain; name=f", "f")), "plain\nf", None, []),
        (_multi("mixed", PLAIN, _part("text/csv", "f")), "plain", None, ["text/csv"]),
        (_multi("mixed", PLAIN, _part("message/rfc822", "Subject: x")), "plain", None, ["message/rfc822"]),
        (_multi("mixed", PNG), None, None, ["image/png"]),
    ],
)
def test_body_and_files(mail: str, plain: str | None, html: str | None, files: list[str]) -> None:
    contents = _take_apart(mail)
    assert (contents.plain, contents.html, [file.type for file in contents.files]) == (plain, html, files)


def test_words_put_into_html_stay_words() -> None:
    html = _take_apart(_multi("mixed", HTML, _part("text/plain", "1 < 2\r\n<script>"))).html
    assert html is not None
    assert html.endswith("1 &lt; 2<br>\n&lt;script&gt;")


def test_files_are_capped_and_said() -> None:
    contents = _take_apart(_multi("mixed", *[PNG] * (MAX_FILES + 1)))
    assert len(contents.files) == MAX_FILES
    assert contents.notes == [f"{MAX_FILES + 1} attachments, the first {MAX_FILES} kept"]
