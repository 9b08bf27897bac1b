"""The same mails through django-helpdesk's `get_email`: SQLite, as it comes and tuned, in one process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import Sample
from dev.bootstrap import ROOT

REQUIREMENT = "django-helpdesk==2.6.1"
ENVIRONMENT = ROOT / ".run" / "bench" / "django-helpdesk"


@dataclass(frozen=True, slots=True)
class RivalFigures:
    """What one run took and made; its start and the making of its database are not in it."""

    seconds: float
    cpu_seconds: float
    tickets: int
    actions: int
    attachments: int


def measure_rival(samples: Sequence[Sample], *, tuned: bool) -> RivalFigures:
    """Take all mails in once, into an empty database. ``tuned``: WAL, fewer syncs, and no acknowledgements written."""
    python = _install()
    with tempfile.TemporaryDirectory(prefix="deskbridge-rival-") as scratch:
        mails = Path(scratch) / "mails"
        mails.mkdir()
        for sample in samples:
            (mails / f"{sample.index:06}.eml").write_bytes(sample.raw)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bench.django_helpdesk.settings",
            "HELPDESK_FOLDER": scratch,
            "HELPDESK_TUNED": "1" if tuned else "0",
        }
        command = [str(python), "-m", "bench.django_helpdesk.take_in", str(mails)]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"django-helpdesk failed:\n{ended.stderr[-3000:]}")
        return RivalFigures(**json.loads(ended.stdout.splitlines()[-1]))


def _install() -> Path:
    """An environment with django-helpdesk, made at the first run."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / REQUIREMENT
    if not stamp.exists():
        print(f"installing {REQUIREMENT} for the comparison (the first time)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), "-m", "pip", "install", *quiet, REQUIREMENT], check=True)
        stamp.touch()
    return python
