"""python3.13 -m dev test: all tests, as many at a time as this machine has processors."""

import os
import subprocess
import sys

from dev.bootstrap import ROOT


def main(argv: list[str]) -> int:
    """Run pytest with `argv` added; return its exit status.

    Tests are handed out one by one: what takes long stands first and is begun by all processes, not all of it by one.
    """
    workers = [] if any(argument.startswith("-n") for argument in argv) else ["-n", str(os.cpu_count() or 2)]
    command = [sys.executable, "-m", "pytest", *workers, "--dist", "load", "--maxschedchunk", "1", *argv]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
