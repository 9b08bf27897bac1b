"""`python -m dev.graph --port 0 --folder .run`: serve the emulator, print where, go on until stopped."""

import argparse
import signal
import threading
from pathlib import Path

from dev.graph.emulator import Emulator
from dev.graph.server import Server


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m dev.graph", description="Emulates Microsoft Graph and Entra.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, default=Path(".run"), help="where ca.pem is written")
    given = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server = Server(Emulator(), given.folder, given.port).start()
    print(f"ready {server.url}", flush=True)
    stopped.wait()
    server.stop()


if __name__ == "__main__":
    main()
