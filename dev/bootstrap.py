"""Makes the developer's environment: `.venv` with everything from PyPI, `dev/node_modules` with Azurite.

Runs on Python 3.13 with nothing but its standard library. What is installed is remembered by a hash of the files that
say what to install, so that a second start only compares hashes.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from dev.node import WHEEL, find_node, npm_command

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "dev" / "node_modules"
REQUIREMENTS = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]
LOCK_FILES = [ROOT / "dev" / "package.json", ROOT / "dev" / "package-lock.json"]
NEEDED = (3, 13)  # the worker runtime's oldest: azure-functions-runtime on PyPI


class InstallError(RuntimeError):
    """Something could not be installed; the message says what to do about it."""


def enter(argv: list[str]) -> None:
    """Install what is missing, then start this command again inside the environment, unless it already runs there."""
    if sys.version_info[:2] != NEEDED:
        raise InstallError(f"Deskbridge needs Python {NEEDED[0]}.{NEEDED[1]}, this is {sys.version.split()[0]}.")
    install()
    if Path(sys.prefix).resolve() != VENV:
        sys.stdout.flush()
        os.execv(PYTHON, [str(PYTHON), "-m", "dev", *argv])  # noqa: S606  # our own interpreter, no shell wanted


def install() -> None:
    """Install what the files name and is not installed yet. Two commands started at once wait for each other."""
    if _is_current("python", REQUIREMENTS) and _is_current("node", LOCK_FILES):
        return
    VENV.mkdir(exist_ok=True)
    with _alone():
        if not _is_current("python", REQUIREMENTS):
            _install_python()
            _remember("python", REQUIREMENTS)
        if not _is_current("node", LOCK_FILES):
            _install_azurite()
            _remember("node", LOCK_FILES)


def _install_python() -> None:
    if not (PYTHON.exists() and (VENV / "pyvenv.cfg").exists()):
        _say(f"making {VENV.name}")
        venv.create(VENV, with_pip=True, symlinks=True)
    _say("installing Python packages (the first time: a minute or two)")
    files = [part for path in REQUIREMENTS for part in ("--requirement", str(path))]
    _run([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *files], "the Python packages")


def _install_azurite() -> None:
    node = find_node()
    if node is None:
        _say("no Node.js 20 or newer on the PATH: installing one from PyPI")
        _run([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", WHEEL], "Node.js")
        node = find_node()
    if node is None:
        raise InstallError("There is no usable Node.js: install version 20 or newer from https://nodejs.org.")
    _say("installing Azurite, the storage emulator")
    # Its packages need no install scripts of their own; without them nothing is built or fetched besides.
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # npm starts "node" from the PATH: let it find this one first.
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    _run([*npm_command(node), "ci", *quiet], "Azurite", cwd=NODE_MODULES.parent, environment={"PATH": path})


def _run(command: list[str], what: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    # Standard output belongs to the command that comes after: some of it is read by programs.
    ended = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, stdout=sys.stderr.fileno(), check=False
    )
    if ended.returncode:
        message = f"Installing {what} failed (see above). Check the connection to the package registry and try again."
        raise InstallError(message)


def _say(text: str) -> None:
    print(f"[setup] {text}", file=sys.stderr, flush=True)


def _stamp(kind: str) -> Path:
    return VENV / f"installed-{kind}.sha256"


def _is_current(kind: str, files: list[Path]) -> bool:
    stamp, made = _stamp(kind), PYTHON if kind == "python" else NODE_MODULES / "azurite" / "package.json"
    return made.exists() and stamp.exists() and stamp.read_text() == _fingerprint(files)


def _remember(kind: str, files: list[Path]) -> None:
    _stamp(kind).write_text(_fingerprint(files))


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with (VENV / "installing.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
