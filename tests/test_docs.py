"""What the documents say is what the code does."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from dev import directory_reason_page, error_page, verdict_page
from dev.__main__ import COMMANDS
from shared.settings import Settings
from tests.world import ROOT, World, mail

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
NOT_OURS = {"FUNCTIONS_WORKER_RUNTIME", "MALLOC_ARENA_MAX", "PYTHON_THREADPOOL_THREAD_COUNT"}
"""Read by the host or by Microsoft's worker."""


def section(title: str) -> str:
    """The part of the README below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title!r}"
    return found[1]


def documented_settings() -> dict[str, str]:
    """Settings in the README's table, with their defaults."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ?(.*?) ?\|$", section("Settings"), re.MULTILINE)
    return dict(rows)


def read_settings() -> set[str]:
    """What the app reads: fields of Settings, and names between % in its triggers."""
    aliases = {str(field.alias) for field in Settings.model_fields.values()}
    return aliases | set(re.findall(r"%(\w+)%", (ROOT / "function_app.py").read_text()))


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    assert documented_settings().keys() == read_settings() | NOT_OURS


def test_defaults_in_the_readme_are_those_of_the_code() -> None:
    documented = documented_settings()
    for field in Settings.model_fields.values():
        told = documented[str(field.alias)]
        if isinstance(field.default, str | int | float) and field.default != "" and told:
            assert told == f"`{field.default}`", field.alias


def test_the_example_settings_are_documented_and_hold_what_is_required() -> None:
    values = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    documented = documented_settings()
    assert values.keys() <= documented.keys()
    assert {name for name, default in documented.items() if default == "required"} <= values.keys()
    assert not values["SECRET_KEY"], "a key that is published is no key"
    assert not values["ADMIN_KEY"], "a key that is published is no key"


def test_the_page_of_verdicts_is_current() -> None:
    assert verdict_page.PAGE.read_text(encoding="utf-8") == verdict_page.page(), "run python -m dev.verdict_page"


@pytest.mark.requirement("CONN-8")
def test_the_page_of_errors_is_current() -> None:
    assert error_page.PAGE.read_text(encoding="utf-8") == error_page.page(), "run python -m dev.error_page"


@pytest.mark.requirement("DIR-11")
def test_the_page_of_the_directorys_reasons_is_current() -> None:
    expected = directory_reason_page.page()
    assert directory_reason_page.PAGE.read_text(encoding="utf-8") == expected, "run python -m dev.directory_reason_page"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_paths_in_prose_exist(page: Path) -> None:
    for named in re.findall(r"`((?:shared|dev|tests|docs|bench)/[\w./]+)`", page.read_text(encoding="utf-8")):
        made_on_demand = named.startswith("dev/node_modules")
        assert made_on_demand or (ROOT / named).exists(), named


@pytest.mark.requirement("DIR-1")
def test_each_promise_of_the_directory_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "directory-promises.md").read_text(encoding="utf-8")
    rows = [row for row in re.findall(r"^\| (.+) \|$", text, re.MULTILINE) if not row.startswith("what |")]
    assert len(rows) > 80
    for row in rows:
        what, _, proven = row.split(" | ")
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", proven)
        assert len(named) == proven.count("`") / 2 > 0, what
        for path, test in named:
            assert re.search(rf"^def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for command, rest in re.findall(r"python3\.13 -m dev ([a-z]+)([^`#\n]*)", text):
        assert command in COMMANDS, command
        source = (ROOT / f"{COMMANDS[command][0].replace('.', '/')}.py").read_text()
        for option in (each for each in shlex.split(rest) if each.startswith("--")):
            assert f'"{option}"' in source, f"{command} {option}"
        for path in (each for each in rest.split() if each.startswith("tests/")):
            assert (ROOT / path).exists(), path
    for module in re.findall(r"python -m (dev\.\w+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists() or (
            ROOT / module.replace(".", "/") / "__main__.py"
        ).exists(), module


def test_routes_in_the_readme_are_those_of_the_api(world: World) -> None:
    templates = [re.sub(r"\{\w+\}", "[^/]+", path) for path in world.get("/openapi.json")["paths"]]
    routes = re.findall(r"\$api(/[^\s\"?]+)", section("The API"))
    assert len(routes) > 8
    for route in routes:
        assert any(re.fullmatch(template, f"/api/v1{route}") for template in templates), route


def test_the_map_names_every_package() -> None:
    named = set(re.findall(r"^  (\w+)/", section("Map of the code"), re.MULTILINE))
    assert named == {path.parent.name for path in (ROOT / "shared").glob("*/__init__.py")}


def test_words_of_the_glossary_are_in_order_and_said_once() -> None:
    words = re.findall(r"^\| ([A-Za-z -]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)[1:]
    assert words == sorted(set(words), key=str.lower)


def test_decisions_are_numbered_and_fit_on_a_screen() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        lines = page.read_text(encoding="utf-8").splitlines()
        assert page.name.startswith(f"{number:04}-")
        assert lines[0].startswith(f"# {number}. ")
        assert len(lines) <= 50, page.name
        assert any("would change our mind" in line for line in lines), page.name


def test_the_requests_of_one_mail_are_those_documented(world: World) -> None:
    """The table in docs/requests.md, compared with what is sent."""
    world.connect()
    mailbox = world.add_mailbox()
    world.emulator.deliver("support@contoso.com", mail("first"))
    world.settle()
    world.advance(10)
    world.meter.start()
    world.emulator.deliver("support@contoso.com", mail("second"))
    world.settle()
    sent = [brief(call) for call in world.meter.calls]
    first_table = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8").split("What comes on top")[0]
    assert sent == re.findall(r"^\| `(.*?)` \|", first_table, re.MULTILINE), mailbox


def brief(call: str) -> str:
    """A request as the page names it: service, method, and what it is about."""
    kind, method, path = call.split(" ", 2)
    if path.endswith("$batch"):
        return f"{kind} {method} batch"
    if kind == "table":
        return f"{kind} {method} {re.sub(r'^t[0-9a-f]{12}', '', path.split('/')[2].split('(')[0])}"
    if kind == "blob":
        return f"{kind} {method} {path.split('/')[3]}"
    parts = path.split("/")
    return f"{kind} {method} {parts[2] if kind == 'queue' else parts[-1]}"


def test_every_module_says_what_it_is() -> None:
    """The map of the code in full is what the modules say of themselves."""
    for folder in ("shared", "dev", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" not in path.parts:
                assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
