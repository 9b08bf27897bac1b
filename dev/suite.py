"""python3.13 -m dev test: all tests, as many at a time as this machine has processors."""

import os
import subprocess
import sys

from dev.bootstrap import ROOT


def main(argv: list[str]) -> int:
    """Run pytest with `argv` added; return its exit status."""
    workers = [] if any(argument.startswith("-n") for argument in argv) else ["-n", str(os.cpu_count() or 2)]
    command = [sys.executable, "-m", "pytest", *workers, "--dist", "worksteal", *argv]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
