"""python -m dev.error_page: write docs/errors.md anew, from the tables that the code goes by."""

from collections.abc import Iterable
from pathlib import Path

from dev.bootstrap import ROOT
from shared.explanations import Explanation
from shared.graph.answer_errors import ANSWER_ERRORS
from shared.graph.sign_in_errors import SIGN_IN_ERRORS
from shared.storage.vault_errors import VAULT_ERRORS

PAGE = ROOT / "docs" / "errors.md"
HEAD = """# Errors of Microsoft Entra, Microsoft Graph and Azure Key Vault

What each means and what to do about it. Wherever one of them is met, in the health report, with a mailbox or in the
answer of *Test connection*, it is told in these words. The same list is served by `GET /api/v1/errors`, and one row of
it by `GET /api/v1/errors?code=AADSTS7000222`. This page is made by `python -m dev.error_page` from
`shared/graph/sign_in_errors.py`, `shared/graph/answer_errors.py` and `shared/storage/vault_errors.py`.

*Passes*: the same request may work a little later, and is tried again by itself. *Person*: the connection cannot sign
in until somebody has done what the last column says.

A number that is not listed is explained by Microsoft at `https://login.microsoftonline.com/error?code=NUMBER`; what the
app does then follows from the OAuth error that came with it (`invalid_client`, `invalid_grant`, ...).
"""
_TABLE = "\n| codes | what happened | passes | person | what to do |\n|---|---|---|---|---|\n"


def page() -> str:
    """The page as it should be."""
    microsofts = f"{HEAD}\n## Signing in\n{_table(SIGN_IN_ERRORS)}\n## Asking Graph\n{_table(ANSWER_ERRORS)}"
    return f"{microsofts}\n## Opening the key vault\n{_table(VAULT_ERRORS)}"


def write(path: Path = PAGE) -> None:
    """Write it."""
    path.write_text(page(), encoding="utf-8")


def _table(rows: Iterable[Explanation]) -> str:
    return _TABLE + "".join(map(_row, rows))


def _row(each: Explanation) -> str:
    codes = " ".join(f"`{code}`" for code in each.codes)
    what = f"**{each.title}.** {each.cause} ([source]({each.source}))"
    return f"| {codes} | {what} | {_yes(each.transient)} | {_yes(each.sign_in_lost)} | {each.cure} |\n"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    write()
