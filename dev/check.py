"""python3.13 -m dev check: everything that is checked without running the app."""

import subprocess
import sys
import time

from dev.bootstrap import ROOT

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("mypy --strict", ["-m", "mypy"]),
)


def main(argv: list[str]) -> int:
    """Run every check, also after one has failed; return 1 if any did."""
    if argv:
        print("check takes no arguments", file=sys.stderr)
        return 2
    return 1 if sum(not _passes(name, arguments) for name, arguments in CHECKS) else 0


def _passes(name: str, arguments: list[str]) -> bool:
    started = time.monotonic()
    print(f"[check] {name} ...", flush=True)
    status = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
    print(f"[check] {name}: {'FAILED' if status else 'ok'} in {time.monotonic() - started:.1f} s", flush=True)
    return status == 0
