"""python3.13 -m dev COMMAND: the developer's commands. Needs nothing but Python 3.13; installs the rest itself."""

import importlib
import sys

from dev import bootstrap

COMMANDS = {
    "run": ("dev.run", "start storage, Graph emulator and app on this machine (--once: show it all and exit)"),
    "test": ("dev.suite", "run all tests; further arguments go to pytest"),
    "check": ("dev.check", "ruff, formatting and mypy --strict"),
    "deliver": ("dev.deliver", "put MIME files into a mailbox of the running emulator and wait for their verdicts"),
    "connect": ("dev.connect", "connect a tenant step by step, and test every door"),
    "backup": ("dev.backup", "keep all that an installation knows in a folder (--restore: put it back)"),
    "bench": ("bench.__main__", "measure: mail, webhook, import-time"),
    "requirements": ("dev.requirements_table", "print the requirements, each with its tests"),
}


def main(argv: list[str]) -> int:
    """Run a command; return its exit status."""
    if not argv or argv[0] not in COMMANDS:
        print(usage(), file=sys.stderr)
        return 0 if argv[:1] in (["help"], ["-h"], ["--help"]) else 2
    try:
        bootstrap.enter(argv)
    except bootstrap.InstallError as error:
        print(error, file=sys.stderr)
        return 1
    module, _about = COMMANDS[argv[0]]
    status: int = importlib.import_module(module).main(argv[1:])
    return status


def usage() -> str:
    """Return what the commands are."""
    lines = [f"  {name:<13}{about}" for name, (_module, about) in COMMANDS.items()]
    return "usage: python3.13 -m dev COMMAND [ARGUMENTS]\n\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
