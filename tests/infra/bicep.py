"""Bicep files as trees, read by two parsers, for there is no compiler here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pycep
import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from tests.world import ROOT

INFRA = ROOT / "infra"
_PARSER = Parser(Language(tree_sitter_bicep.language()))

type Files = dict[str, str]
"""The text of each Bicep file, by its path below ``infra``."""


class Unreadable(Exception):
    """A parser does not accept a file."""


def read_files() -> Files:
    """All Bicep files as they are."""
    return {path.relative_to(INFRA).as_posix(): path.read_text(encoding="utf-8") for path in INFRA.rglob("*.bicep")}


@dataclass(frozen=True)
class Source:
    """One file and its tree."""

    path: str
    root: Node

    def declarations(self, *kinds: str) -> Iterator[Node]:
        """What is declared: ``parameter``, ``variable``, ``resource``, ``module``, ``output``."""
        wanted = {f"{kind}_declaration" for kind in kinds}
        return (node for node in self.root.children if node.type in wanted)

    def names(self, *kinds: str) -> list[str]:
        """The symbols that are declared."""
        return [text_of(first(node, "identifier")) for node in self.declarations(*kinds)]

    def get(self, kind: str, name: str) -> Node:
        """What is declared under this name."""
        return next(node for node in self.declarations(kind) if text_of(first(node, "identifier")) == name)


@cache
def parse(path: str, text: str) -> Source:
    """One file, accepted by both parsers; raises Unreadable."""
    root = _PARSER.parse(text.encode()).root_node
    if root.has_error:
        raise Unreadable(f"{path}: tree-sitter")
    try:
        pycep.BicepParser().parse(text=text)
    except Exception as error:  # noqa: BLE001 - whatever its grammar raises
        raise Unreadable(f"{path}: pycep: {error}") from None
    return Source(path, root)


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in node.named_children:
        yield from walk(child)


def text_of(node: Node) -> str:
    """A node's text, a string's without its quotes."""
    text = (node.text or b"").decode()
    return text[1:-1] if node.type == "string" else text


def first(node: Node, kind: str) -> Node:
    """The first child of this kind."""
    return next(child for child in node.named_children if child.type == kind)


def body_of(declaration: Node) -> Node:
    """The object that a resource or module is made of, through loops and conditions."""
    return next(node for node in walk(declaration) if node.type == "object")


def properties(value: Node) -> dict[str, Node]:
    """The members of an object, by name; a name that is computed stands as it is written."""
    pairs = [node.named_children for node in value.named_children if node.type == "object_property"]
    return {text_of(pair[0]): pair[-1] for pair in pairs}


def find(declaration: Node, path: str) -> Node:
    """What stands at a dotted path in a resource."""
    node = body_of(declaration)
    for name in path.split("."):
        node = properties(node)[name]
    return node


def strings(node: Node) -> list[str]:
    """The strings in a list."""
    return [text_of(child) for child in node.named_children if child.type == "string"]


def sibling(path: str, target: str) -> str:
    """The path of a module's file, as seen from below ``infra``."""
    return (Path(path).parent / target).as_posix()
