"""Mails for measuring: the same ones for the same seed, of the kinds and sizes that a help desk gets."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

REPLIES, WITH_FILES, PLAIN, ONLY_HTML, WITH_PICTURE = 0.20, 0.30, 0.35, 0.15, 0.10
SENDERS = 400
_WORDS: list[str] = re.findall(
    r"\w+",
    "printer invoice password account network laptop screen order delivery customer please since yesterday cannot "
    "open the file error message monday office second floor thank you regards attached find again restart update "
    "version meeting room phone headset license installed missing urgent tomorrow project report server folder access",
)
_UMLAUTS = ("Müller", "Größe", "naïve", "façade", "Łódź", "Ærø", "für", "añadir")
_FILES = (
    ("application/pdf", "pdf", 40_000, 600_000),
    ("image/png", "png", 20_000, 300_000),
    ("image/jpeg", "jpg", 80_000, 900_000),
    ("text/plain", "txt", 2_000, 80_000),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", 20_000, 200_000),
)
"""Type, ending, least and most bytes; sizes are spread evenly over their orders of magnitude."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail and what has to become of it. ``root``: the index of the mail that opened its ticket, maybe its own."""

    index: int
    raw: bytes
    message_id: str
    subject: str
    sender: str
    root: int
    files: tuple[str, ...]

    @property
    def is_reply(self) -> bool:
        """Whether it belongs to the ticket of an earlier one."""
        return self.root != self.index


def make_mails(count: int, seed: int = 1) -> list[Sample]:
    """``count`` mails in the order of their arrival; one in five answers an earlier one."""
    chance = random.Random(seed)  # noqa: S311 - the same mails each time, that is the point
    made: list[Sample] = []
    for index in range(count):
        earlier = chance.choice(made) if made and chance.random() < REPLIES else None
        made.append(_mail(chance, index, earlier))
    return made


def _mail(chance: random.Random, index: int, earlier: Sample | None) -> Sample:
    sender = earlier.sender if earlier else _sender(chance.randrange(SENDERS))
    subject = f"Re: {earlier.subject.removeprefix('Re: ')}" if earlier else f"{_text(chance, 5)} {index}"
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, "Support <support@contoso.com>", subject
    message["Date"] = f"Sat, 21 Nov 2026 {index // 3600 % 24:02}:{index // 60 % 60:02}:{index % 60:02} +0000"
    message["Message-ID"] = message_id = f"<bench-{index}-{chance.getrandbits(64):016x}@example.com>"
    message["X-Mailer"] = "Microsoft Outlook 16.0"
    if earlier:
        message["In-Reply-To"] = message["References"] = earlier.message_id
    _set_body(chance, message, f"> {_text(chance, 60)}" if earlier else "")
    pictures = _add_picture(chance, message, index)
    names = [*pictures, *(_add_files(chance, message, index) if chance.random() < WITH_FILES else [])]
    raw = message.as_bytes()
    return Sample(index, raw, message_id, subject, sender, earlier.root if earlier else index, tuple(names))


def _sender(number: int) -> str:
    return f"Person {number} <person{number}@{('example', 'fabrikam', 'northwind')[number % 3]}.com>"


def _set_body(chance: random.Random, message: EmailMessage, quoted: str) -> None:
    paragraphs = [_text(chance, chance.randint(15, 90)) for _ in range(chance.randint(1, 6))]
    text = "\n\n".join([*paragraphs, "Kind regards", quoted])
    kind = chance.random()
    if kind < PLAIN:
        message.set_content(text)
        return
    if kind >= PLAIN + ONLY_HTML:
        message.set_content(text)
        message.add_alternative(_html([*paragraphs, quoted]), subtype="html")
    else:
        message.set_content(_html([*paragraphs, quoted]), subtype="html")


def _html(paragraphs: list[str]) -> str:
    """A body as Outlook writes it: a long style sheet, a class and a style for every paragraph."""
    style = "".join(
        f"p.Mso{name}, li.Mso{name} {{margin:0cm;font-size:11.0pt;font-family:Calibri;}}\n" for name in _WORDS
    )
    lines = (
        f'<p class="MsoNormal"><span lang="EN-US" style="font-size:11.0pt;color:#1F497D">{each}<o:p></o:p></span></p>'
        for each in paragraphs
    )
    return f"<html><head><style><!--\n{style}--></style></head><body lang=EN-US>{''.join(lines)}</body></html>"


def _add_picture(chance: random.Random, message: EmailMessage, index: int) -> list[str]:
    """Into one HTML mail in ten, the logo of its signature, shown in the text by its Content-ID."""
    html = next((part for part in message.walk() if part.get_content_type() == "text/html"), None)
    if not isinstance(html, EmailMessage) or chance.random() >= WITH_PICTURE:
        return []
    name, content_id = f"logo-{index}.png", f"logo{index}@example.com"
    html.set_content(html.get_content() + f'<img src="cid:{content_id}" width="120">', subtype="html")
    data = chance.randbytes(_size(chance, 3_000, 20_000))
    html.add_related(data, maintype="image", subtype="png", cid=f"<{content_id}>", filename=name, disposition="inline")
    return [name]


def _add_files(chance: random.Random, message: EmailMessage, index: int) -> Iterator[str]:
    for number in range(chance.choice((1, 1, 1, 2, 3))):
        kind, ending, least, most = chance.choice(_FILES)
        maintype, subtype = kind.split("/")
        name = f"file-{index}-{number}.{ending}"
        message.add_attachment(
            chance.randbytes(_size(chance, least, most)), maintype=maintype, subtype=subtype, filename=name
        )
        yield name


def _size(chance: random.Random, least: int, most: int) -> int:
    return int(least * (most / least) ** chance.random())


def _text(chance: random.Random, words: int) -> str:
    found = chance.choices(_WORDS, k=words)
    if chance.random() < 0.3:
        found.append(chance.choice(_UMLAUTS))
    return " ".join(found).capitalize()
