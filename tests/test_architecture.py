"""The shape of the code: which way imports point, who may touch what, and how large things get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = sorted((ROOT / "shared").rglob("*.py"))

LAYERS = (
    ("shared.console",),
    ("shared.api",),
    ("shared.upkeep",),
    ("shared.mail", "shared.sending", "shared.calendars", "shared.directory"),
    ("shared.subscriptions",),
    ("shared.connections", "shared.desk"),
    ("shared.runtime",),
    ("shared.graph", "shared.storage"),
    ("shared.sealing", "shared.work", "shared.settings", "shared.log", "shared.clock", "shared.errors"),
)
"""From the top down: a module imports what is below it, what is in its own package, and nothing else of ours."""

SDK_HOMES = {
    "azure.data": "shared.storage",
    "azure.storage": "shared.storage",
    "azure.core": "shared.storage",
    "azure.identity": "shared.storage",
    "requests": "shared.graph",
    "msal": "shared.graph",
    "azure.functions": "shared.api",
    "fastapi": "shared.api",
    "starlette": "shared.api",
}
FORBIDDEN_NAMES = {"utils", "helpers", "service", "services", "manager", "common", "misc"}
LONGEST_MODULE = 400


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
        for sdk, home in SDK_HOMES.items():
            if imported == sdk or imported.startswith(sdk + "."):
                assert module.startswith(home), f"{module} imports {imported}, which belongs in {home}"


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
