"""The package that is deployed: this folder without what ``.funcignore`` names, as the Azure Developer CLI zips it.

https://learn.microsoft.com/azure/azure-functions/functions-develop-local#funcignore
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pathspec import GitIgnoreSpec

from dev.bootstrap import ROOT

IGNORED = ROOT / ".funcignore"


def files() -> list[Path]:
    """What belongs into it, relative to this folder."""
    spec = GitIgnoreSpec.from_lines(IGNORED.read_text(encoding="utf-8").splitlines())
    return [Path(name) for name in sorted(spec.match_tree_files(ROOT, negate=True))]


def build(folder: Path) -> None:
    """Put it into an empty folder."""
    for name in files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
