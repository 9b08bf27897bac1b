"""Throw-away function apps, each in a process of its own: the worker runtime takes one app in a process, ever."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
QUEUES = {"batchSize": 4, "maxDequeueCount": 3, "visibilityTimeout": "00:00:30", "maxPollingInterval": "00:00:01"}
HOST_JSON = {
    "version": "2.0",
    "extensions": {"http": {"routePrefix": ""}, "queues": QUEUES},
    "extensionBundle": BUNDLE,
}


def write_app(folder: Path, source: str, host_json: object = HOST_JSON) -> Path:
    start = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
    (folder / "function_app.py").write_text(start + textwrap.dedent(source))
    (folder / "host.json").write_text(json.dumps(host_json))
    return folder


def run_script(folder: Path, settings: dict[str, str], script: str) -> Any:
    """Start a Host for the app in a new process, run `script` with it as `host`; return what it left in `result`."""
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom dev.host import Host, HostError, FunctionFailed\n"
        "host = Host(Path(sys.argv[1]), json.loads(sys.argv[2]))\n"
        f"{textwrap.dedent(script)}\nprint(json.dumps(result))\nhost.stop()\n"
    )
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program, str(folder), json.dumps(settings)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])
