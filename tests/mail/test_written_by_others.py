"""What Python's own writer of mail puts together, we take apart again: an oracle that shares no code with us."""

from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.mail.file_names import safe_name
from shared.mail.headers import one_line
from shared.mail.parsing import parse_mail

# No controls and no separators: a header cannot carry them, and what becomes of them is tested elsewhere.
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"])
WORDS = st.text(LETTERS, max_size=80).map(one_line)
LINES = st.lists(st.text(LETTERS, max_size=120).map(str.rstrip), max_size=12).map("\n".join)
FILES = st.lists(st.tuples(WORDS, st.binary(max_size=400)), max_size=4)
CHARSETS = st.sampled_from(["utf-8", "utf-16"])
ENCODINGS = st.sampled_from(["base64", "quoted-printable"])
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _message(subject: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "jane@example.com"
    message["Subject"] = subject
    return message


@SLOW
@given(WORDS, LINES, ENCODINGS)
def test_subject_and_plain_text(subject: str, text: str, encoding: str) -> None:
    message = _message(subject)
    message.set_content(text, cte=encoding)
    mail = parse_mail(message.as_bytes())
    assert mail.subject == subject
    assert mail.text == text.strip("\n")


@SLOW
@given(LINES, FILES)
def test_attachments_come_out_byte_for_byte(text: str, files: list[tuple[str, bytes]]) -> None:
    message = _message("x")
    message.set_content(text, cte="base64")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="x-test", filename=f"{name}.bin")
    found = parse_mail(message.as_bytes()).attachments
    assert [(each.type, each.content, each.inline) for each in found] == [
        ("application/x-test", c, False) for _, c in files
    ]
    for (name, _), each in zip(files, found, strict=True):
        stem = safe_name(f"{name}.bin").removesuffix(".bin")
        assert each.name.startswith(stem[:100])


@SLOW
@given(LINES, LINES)
def test_both_alternatives_and_their_picture(text: str, words: str) -> None:
    message = _message("x")
    message.set_content(f"plain {text}", cte="base64")
    html = f"<p>{words.replace('&', '').replace('<', '')}</p><img src='cid:logo@example.com'>"
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    _, alternative = message.iter_parts()
    assert isinstance(alternative, EmailMessage)
    alternative.add_related(b"picture", maintype="image", subtype="png", cid="<logo@example.com>")
    mail = parse_mail(message.as_bytes())
    assert mail.text == f"plain {text}".rstrip("\n")
    assert mail.html is not None
    assert 'src="cid:logo%40example.com"' in mail.html
    assert [(each.content_id, each.inline) for each in mail.attachments] == [("logo@example.com", True)]


@SLOW
@given(
    WORDS.filter(lambda name: name.strip("'\" <>,") == name),
    st.sampled_from(["jane@example.com", "a.b+c@mail.example.org"]),
)
def test_display_names(name: str, address: str) -> None:
    message = EmailMessage(policy=SMTP)
    local, _, domain = address.partition("@")
    quoted = name.replace("\\", "").replace('"', "")
    message["From"] = f'"{quoted}" <{local}@{domain}>'
    message["Subject"] = "x"
    message.set_content("x")
    sender = parse_mail(message.as_bytes()).sender
    assert sender is not None
    assert (sender.name, sender.address) == (quoted.strip("'\" <>,"), address)
