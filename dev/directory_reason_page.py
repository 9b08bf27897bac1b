"""python -m dev.directory_reason_page: write docs/directory-reasons.md anew, from the list that the code goes by."""

from pathlib import Path

from dev.bootstrap import ROOT
from shared.directory.reasons import MEANINGS

PAGE = ROOT / "docs" / "directory-reasons.md"
HEAD = """# Reasons of the directory

Whatever a directory run does about a person, or does not, has one of these reasons. There are no others. The person's
steps say more: which mapping was looked at, and at what it failed. This page is made by
`python -m dev.directory_reason_page` from `shared/directory/reasons.py`.

| reason | what was found | what to do if that is not what you want |
|---|---|---|
"""


def page() -> str:
    """The page as it should be."""
    return HEAD + "".join(f"| `{reason}` | {each.text} | {each.cure} |\n" for reason, each in MEANINGS.items())


def write(path: Path = PAGE) -> None:
    """Write it."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
