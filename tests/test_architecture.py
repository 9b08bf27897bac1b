"""The shape of the code: which way imports point, who may touch what, and how large things get."""

from __future__ import annotations

import ast
import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends
from starlette.types import ASGIApp, Message

from bench import import_time
from shared.api import application
from shared.api.authentication import SCOPE_NAME, admitted
from shared.api.roles import Caller, Role

ROOT = Path(__file__).parent.parent
SHARED = sorted((ROOT / "shared").rglob("*.py"))

LAYERS = (
    ("shared.console",),
    ("shared.api",),
    ("shared.upkeep",),
    ("shared.upgrades",),
    ("shared.mail", "shared.sending", "shared.calendars", "shared.directory"),
    ("shared.subscriptions",),
    ("shared.connections", "shared.desk"),
    ("shared.runtime",),
    ("shared.graph", "shared.storage", "shared.outgoing"),
    (
        *("shared.sealing", "shared.work", "shared.settings", "shared.log", "shared.tally", "shared.clock"),
        *("shared.errors", "shared.explanations", "shared.side_by_side"),
    ),
)
"""From the top down: a module imports what is below it, what is in its own package, and nothing else of ours."""

SDK_HOMES = {
    "azure.data": ("shared.storage",),
    "azure.storage": ("shared.storage",),
    "azure.core": ("shared.storage",),
    "azure.identity": ("shared.storage",),
    "azure.keyvault": ("shared.storage",),
    "requests": ("shared.graph", "shared.outgoing"),
    "msal": ("shared.graph",),
    "jwt": ("shared.graph",),
    "azure.functions": ("shared.api",),
    "fastapi": ("shared.api",),
    "starlette": ("shared.api",),
    "re2": ("shared.directory",),
}
FORBIDDEN_NAMES = {"utils", "helpers", "service", "services", "manager", "common", "misc"}
LONGEST_MODULE = 400
LONGEST_FUNCTION, LONG_FUNCTION, SHORT_FUNCTION = 30, 25, 10
OURS = ("function_app.py", "shared", "dev", "bench", "tests")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file; what is only for type checkers does not count."""
    for node in _outside_type_checking(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _outside_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from _outside_type_checking(child)


def layer_of(module: str) -> int | None:
    for depth, packages in enumerate(LAYERS):
        if any(module == package or module.startswith(package + ".") for package in packages):
            return depth
    return None


def feature_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("path", SHARED, ids=module_of)
def test_imports_point_downwards(path: Path) -> None:
    module = module_of(path)
    here = layer_of(module)
    assert here is not None or module == "shared", f"{module} has no place in the layers"
    for imported in imports_of(path):
        if not imported.startswith("shared."):
            assert not imported.startswith(("dev.", "tests.", "bench.")), f"{module} imports {imported}"
            continue
        there = layer_of(imported)
        same_feature = feature_of(imported) == feature_of(module)
        foundations = here == there == len(LAYERS) - 1
        assert same_feature or foundations or (there is not None and here is not None and there > here), (
            f"{module} imports {imported}, which is not below it"
        )


@pytest.mark.parametrize("path", SHARED, ids=module_of)
def test_an_sdk_is_used_only_in_its_foundation(path: Path) -> None:
    module = module_of(path)
    for imported in imports_of(path):
        for sdk, homes in SDK_HOMES.items():
            if imported == sdk or imported.startswith(sdk + "."):
                assert module.startswith(homes), f"{module} imports {imported}, which belongs in {homes}"


def test_the_webhook_loads_no_sdk_but_that_of_queues() -> None:
    _, loaded = import_time.measure(import_time.COLD_PATH)
    assert "azure.storage.queue" in loaded
    others = ("azure.data", "azure.storage.blob", "azure.identity", "azure.keyvault", "msal", "shared.storage.vault")
    assert [each for each in loaded if each.startswith(others)] == []


def test_only_settings_reads_the_environment_and_only_clock_asks_the_time() -> None:
    for path in SHARED:
        text, name = path.read_text(), module_of(path)
        if name != "shared.settings":
            assert "os.environ" not in text, name
            assert "os.getenv" not in text, name
        if name != "shared.clock":
            for asked in ("datetime.now(", "time.time(", "time.monotonic(", "datetime.utcnow(", "time.sleep("):
                assert asked not in text, f"{name} uses {asked}"


def test_the_emulator_knows_nothing_of_the_app() -> None:
    for path in sorted((ROOT / "dev" / "graph").rglob("*.py")):
        for imported in imports_of(path):
            assert not imported.startswith(("shared", "function_app")), f"{path.name} imports {imported}"


@pytest.mark.parametrize("folder", ["shared", "dev", "bench"])
def test_modules_are_small_and_named_for_what_they_decide(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        assert path.stem not in FORBIDDEN_NAMES, path
        assert path.stem not in sys.stdlib_module_names, f"{path} is named like a module of the standard library"
        assert len(path.read_text().splitlines()) <= LONGEST_MODULE, path


def test_every_function_trigger_is_short() -> None:
    tree = ast.parse((ROOT / "function_app.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert len(node.body) <= 4, f"{node.name} does more than say what wakes it"


def test_there_is_an_index_of_layers_for_every_package() -> None:
    packages = {f"shared.{path.name}" for path in (ROOT / "shared").iterdir() if (path / "__init__.py").exists()}
    named = {package for layer in LAYERS for package in layer}
    assert packages <= named


def lengths() -> Iterator[tuple[int, str]]:
    """The lines of each function, its docstring not counted, and where it is."""
    for path in SHARED:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                told = node.body[0] if ast.get_docstring(node) else None
                docstring = (told.end_lineno or 0) - told.lineno + 1 if told else 0
                yield (node.end_lineno or 0) - node.lineno + 1 - docstring, f"{module_of(path)}.{node.name}"


def test_functions_are_short() -> None:
    found = sorted(lengths(), reverse=True)
    assert found[0][0] <= LONGEST_FUNCTION, found[:5]
    assert sum(1 for length, _ in found if length > LONG_FUNCTION) <= 3, found[:5]
    assert sum(1 for length, _ in found if length <= SHORT_FUNCTION) >= 0.7 * len(found)


def test_every_exception_from_a_check_has_its_reason_beside_it() -> None:
    excepted = re.compile(r"#\s*(?:noqa|type: ignore)\b(?P<rest>.*)$")
    explained = re.compile(r"^(?:: [A-Z0-9, ]+|\[[a-z, -]+\])\s+(?:-|#)\s*\S")
    files = [path for name in OURS for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))]
    for path in files:
        if {"node_modules", "corpus"} & set(path.parts) or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            found = excepted.search(line)
            assert not found or explained.match(found["rest"]), f"{path}:{number} does not say why"


def test_every_route_of_the_api_refuses_a_caller_whom_nobody_let_in() -> None:
    app = application.build()
    operations = [(method, path) for path, found in app.openapi()["paths"].items() for method in found]
    assert len(operations) > 15
    for method, path in operations:
        status = asyncio.run(_status_without_gate(app, method.upper(), path))
        assert status == 401, f"{method} {path} answers {status} to anybody"


def test_every_route_of_the_api_names_the_least_role_that_may_use_it() -> None:
    claims = {role.claim for role in Role}
    for path, operations in application.build().openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("x-role") in claims, f"{method} {path} names no role: openapi_extra=needs(Role...)"


def test_a_route_that_names_no_role_is_for_nobody() -> None:
    app = application.build()
    app.get("/nameless", dependencies=[Depends(admitted)])(lambda: "secret")
    assert asyncio.run(_status_without_gate(app, "GET", "/nameless", Caller("key", Role.ADMIN))) == 403


async def _status_without_gate(app: ASGIApp, method: str, path: str, caller: Caller | None = None) -> int:
    found: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        found.append(message.get("status", 0))

    scope: dict[str, object] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [],
        SCOPE_NAME: caller,
    }
    await app(scope, receive, send)
    return found[0]
