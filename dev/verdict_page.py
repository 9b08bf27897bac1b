"""python -m dev.verdict_page: write docs/verdicts.md anew, from the list that the code goes by."""

from pathlib import Path

from dev.bootstrap import ROOT
from shared.mail.quarantine import REPLAYABLE
from shared.mail.verdicts import LEAVES_MAILBOX, MEANINGS

PAGE = ROOT / "docs" / "verdicts.md"
HEAD = """# Verdicts

Every mail that is seen in a mailbox gets exactly one verdict. There are no others. The same list is served by
`GET /api/v1/verdicts`. This page is made by `python -m dev.verdict_page` from `shared/mail/verdicts.py`.

*Leaves the mailbox*: whether the mail is then moved, marked as read or deleted, as its mailbox is set.
*Replay*: whether the mail can be put through again (`POST /api/v1/journal/{mailbox}/{entry}/replay`).

| verdict | what happened | what to do | leaves the mailbox | replay |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    rows = (
        f"| `{verdict}` | {meaning.text} | {meaning.cure} | {_yes(verdict in LEAVES_MAILBOX)} "
        f"| {_yes(verdict in REPLAYABLE)} |\n"
        for verdict, meaning in MEANINGS.items()
    )
    return HEAD + "".join(rows)


def write(path: Path = PAGE) -> None:
    """Write it."""
    path.write_text(page(), encoding="utf-8")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    write()
