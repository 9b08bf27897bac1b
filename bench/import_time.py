"""python3.13 -m dev bench import-time: the webhook's cold path against the three imports that it cannot do without.

Each start is a fresh interpreter; the two kinds alternate, so that whatever else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
from collections import Counter

from dev.bootstrap import ROOT

STARTS = 15
MOST_RATIO = 1.5

BARE = "import azure.functions, pydantic, azure.storage.queue"
COLD_PATH = """
import asyncio
import function_app
from shared import runtime
from shared.subscriptions import notifications
rt = runtime.current()
rt.queues  # the client that the first knock goes through
reply = asyncio.run(notifications.receive(rt, {}, b'{"value": [{"clientState": "forged"}]}'))
assert reply.status == 202
echo = asyncio.run(notifications.receive(rt, {"validationToken": "hello"}, b""))
assert echo.body == "hello"
"""
_TIMED = """
import json, sys, time
before, started = set(sys.modules), time.perf_counter()
{code}
seconds = time.perf_counter() - started
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""
_PACKAGES_WITH_PARTS = ("azure", "shared")


def main(argv: list[str]) -> int:
    """Measure and print; 1 if the cold path takes more than its share."""
    parser = argparse.ArgumentParser(prog="python3.13 -m dev bench import-time", description="The webhook's cold path.")
    parser.add_argument("--starts", type=int, default=STARTS, help="how many of each kind")
    starts = parser.parse_args(argv).starts
    bare, cold = [], []
    for _ in range(starts):
        bare.append(measure(BARE)[0])
        cold.append(measure(COLD_PATH)[0])
    ratio = statistics.median(cold) / statistics.median(bare)
    print(f"medians of {starts} fresh starts each, in turn")
    print(f"  azure.functions + pydantic + azure.storage.queue: {statistics.median(bare) * 1000:.0f} ms")
    print(f"  function_app and its first notification:          {statistics.median(cold) * 1000:.0f} ms")
    print(f"  ratio {ratio:.2f} (target: at most {MOST_RATIO})")
    _print_loaded()
    return 0 if ratio <= MOST_RATIO else 1


def _print_loaded() -> None:
    loaded, known = set(measure(COLD_PATH)[1]), set(measure(BARE)[1])
    print(f"it loads {len(loaded)} modules, {len(loaded - known)} of them beside those of the three imports:")
    for package, count in Counter(map(_package, loaded - known)).most_common():
        print(f"  {count:4} {package}")
    print("  not loaded: " + ", ".join(each for each in HEAVY if each not in loaded))


HEAVY = (
    "azure.data.tables",
    "azure.storage.blob",
    "azure.identity",
    "azure.keyvault",
    "msal",
    "fastapi",
    "nh3",
    "cryptography",
)


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in _PACKAGES_WITH_PARTS else parts[0]


def measure(code: str) -> tuple[float, list[str]]:
    """Run this in a fresh interpreter: its seconds, and the modules that it loaded."""
    environment = {
        **os.environ,
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "SECRET_KEY": base64.b64encode(b"b" * 32).decode(),
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", _TIMED.format(code=code)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    seconds, modules = json.loads(ended.stdout.splitlines()[-1])
    return float(seconds), list(modules)
