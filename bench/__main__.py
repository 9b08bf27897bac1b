"""python3.13 -m dev bench NAME: measure here, and check that what was done is right."""

from __future__ import annotations

import importlib
import os
import platform
import sys

from bench.process_figures import Taken

MEASUREMENTS = {
    "mail": ("bench.mail", "1,000 mails through the whole chain, against django-helpdesk on the same mails"),
    "directory": ("bench.directory", "50,000 people of a tenant come in, against the bare writing of their rows"),
    "webhook": ("bench.webhook", "1,000 notifications within one second, one in ten forged"),
    "import-time": ("bench.import_time", "the webhook's cold path against the imports it cannot do without"),
}


def main(argv: list[str]) -> int:
    """Run a measurement; 0 if what it did was right, and for what has a target, whether that is met is printed."""
    if not argv or argv[0] not in MEASUREMENTS:
        lines = [f"  {name:<13}{about}" for name, (_module, about) in MEASUREMENTS.items()]
        print("usage: python3.13 -m dev bench MEASUREMENT [--help]\n\n" + "\n".join(lines), file=sys.stderr)
        return 2
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {_load()}", flush=True
    )
    before = Taken.so_far()
    status: int = importlib.import_module(MEASUREMENTS[argv[0]][0]).main(argv[1:])
    print(f"in all, {Taken.so_far().since(before)}")
    return status


def _load() -> str:
    """How busy others kept the machine in the last minute: a figure taken on a busy one means less."""
    return f"load {os.getloadavg()[0]:.1f} before the start"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
