"""Apps that Microsoft's worker refuses: the local host says so and does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.apps import ROOT, write_app

FUNCTION = "@app.route()\ndef one(req: func.HttpRequest) -> func.HttpResponse:\n    return func.HttpResponse('x')\n"


def refusal(folder: Path) -> str:
    settings = folder / "local.settings.json"
    settings.write_text('{"Values": {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}}')
    command = [sys.executable, "-m", "dev.host", "--port", "0", "--app", str(folder), "--settings", str(settings)]
    ended = subprocess.run(  # noqa: S603  # our own program
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout
    assert "ready" not in ended.stdout
    return ended.stderr


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (f"{FUNCTION}\nalias = app\n", "More than one"),
        ("app = None\n", "Could not find top level function app"),
        ("import no_such_module\n", "no_such_module"),
        ("import os\nos.environ['NO_SUCH_SETTING']\n", "NO_SUCH_SETTING"),
        ("@app.route()\ndef one(request: func.HttpRequest) -> func.HttpResponse: ...\n", "request"),
        ("@app.route()\ndef one(req: func.HttpRequest, more: int = 3) -> func.HttpResponse: ...\n", "more"),
        ("@app.route()\ndef one(req: func.HttpRequest) -> dict: ...\n", "dict"),
        ("@app.route()\ndef one(req: func.HttpRequest | None) -> func.HttpResponse: ...\n", "non-type annotation"),
        (f"{FUNCTION}\n{FUNCTION}", "unique function name"),
        (FUNCTION.replace("route()", "route('admin/x')"), 'begins with "admin"'),
    ],
)
def test_the_app_is_refused(tmp_path: Path, source: str, cause: str) -> None:
    assert cause in refusal(write_app(tmp_path, source))


def test_a_folder_without_an_app(tmp_path: Path) -> None:
    folder = write_app(tmp_path, "")
    (folder / "function_app.py").unlink()
    assert "There is no function_app.py" in refusal(folder)
