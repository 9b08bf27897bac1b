"""local.settings.json: made on the first start from the example, with keys of its own that never leave this machine."""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.bootstrap import ROOT

FILE = ROOT / "local.settings.json"
EXAMPLE = ROOT / "local.settings.example.json"
MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "ADMIN_KEY": lambda: secrets.token_urlsafe(32),
}
"""Settings that must be random, and how each is made."""


def ensure(path: Path = FILE) -> list[str]:
    """Make the file if it is missing and fill in what must be random; return the names of what was filled in.

    A value that somebody has set is never changed; settings that a newer version brought are added as the example has
    them.
    """
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else _example()
    values = document["Values"]
    missing = [name for name in MAKERS if not values.get(name)]
    values.update({name: MAKERS[name]() for name in missing})
    new = {name: value for name, value in _example()["Values"].items() if name not in values}
    values.update(new)
    if missing or new or not path.exists():
        write_private(path, json.dumps(document, indent=2) + "\n")
    return missing


def _example() -> Any:
    return json.loads(EXAMPLE.read_text(encoding="utf-8"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; whoever reads it meanwhile sees the old or the new one, whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
