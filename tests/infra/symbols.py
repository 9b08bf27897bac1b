"""Names in Bicep files: declared and never used, used and never declared, given to a module and not known there."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep import Source, body_of, first, properties, sibling, text_of, walk

BUILT_IN = frozenset(
    [
        "allowed",
        "base64",
        "deployer",
        "description",
        "empty",
        "environment",
        "format",
        "guid",
        "items",
        "length",
        "loadTextContent",
        "maxLength",
        "maxValue",
        "minLength",
        "minValue",
        "resourceGroup",
        "resourceId",
        "secure",
        "subscription",
        "subscriptionResourceId",
        "take",
        "tenant",
        "toLower",
        "concat",
        "union",
        "uniqueString",
    ]
)
"""https://learn.microsoft.com/en-us/azure/azure-resource-manager/bicep/bicep-functions, those in use here"""


def undefined(source: Source) -> Iterator[str]:
    """Names that nothing declares."""
    known = {*source.names("parameter", "variable", "resource", "module"), *_loop_variables(source), *BUILT_IN}
    yield from (f"{source.path}: {name} is not declared" for name in sorted(set(_used(source)) - known))


def unused(source: Source) -> Iterator[str]:
    """Parameters and variables that nothing uses."""
    idle = {*source.names("parameter", "variable")} - set(_used(source))
    yield from (f"{source.path}: {name} is not used" for name in sorted(idle))


def undescribed(source: Source) -> Iterator[str]:
    """Parameters that nothing explains."""
    explained = ""
    for node in source.root.named_children:
        if node.type == "decorators":
            explained = text_of(node)
        elif node.type == "parameter_declaration" and "@description(" not in explained:
            yield f"{source.path}: {text_of(first(node, 'identifier'))} has no description"
        if node.type != "decorators":
            explained = ""


def misused_modules(source: Source, sources: dict[str, Source]) -> Iterator[str]:
    """Modules without a file, with parameters that the file has not, without ones that it needs; unknown outputs."""
    for node in source.declarations("module"):
        name, target = text_of(first(node, "identifier")), sibling(source.path, text_of(first(node, "string")))
        if target not in sources:
            yield f"{source.path}: {name} has no file {target}"
            continue
        module = sources[target]
        given = set(properties(properties(body_of(node))["params"]))
        known = set(module.names("parameter"))
        yield from (f"{source.path}: {target} has no parameter {each}" for each in sorted(given - known))
        yield from (f"{source.path}: {target} is not given {each}" for each in sorted(required(module) - given))
        asked = _outputs_asked(source, name)
        yield from (
            f"{source.path}: {target} has no output {each}" for each in sorted(asked - set(module.names("output")))
        )


def required(source: Source) -> set[str]:
    """Parameters without a default: nothing but a name and a type."""
    return {
        text_of(first(node, "identifier"))
        for node in source.declarations("parameter")
        if [child.type for child in node.named_children] == ["identifier", "type"]
    }


def _used(source: Source) -> Iterator[str]:
    """Every identifier that refers to something: neither a declared name nor a member's."""
    for node in walk(source.root):
        if node.type == "identifier" and node.parent is not None and not _names_itself(node, node.parent):
            yield text_of(node)


def _names_itself(node: Node, parent: Node) -> bool:
    declares = parent.type.endswith("_declaration") or parent.type in ("object_property", "for_statement")
    return declares and parent.named_children[0] == node


def _loop_variables(source: Source) -> Iterator[str]:
    return (text_of(node.named_children[0]) for node in walk(source.root) if node.type == "for_statement")


def _outputs_asked(source: Source, module: str) -> set[str]:
    """What is read of ``module.outputs``."""
    prefix = f"{module}.outputs."
    texts = (text_of(node) for node in walk(source.root) if node.type == "member_expression")
    return {text.removeprefix(prefix).split(".")[0] for text in texts if text.startswith(prefix)}
