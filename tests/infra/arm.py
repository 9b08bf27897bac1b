"""Property names as Azure knows them: from the models of Microsoft's own management libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from azure.mgmt.applicationinsights import models as insights
from azure.mgmt.keyvault import models as vault
from azure.mgmt.loganalytics import models as logs
from azure.mgmt.monitor import models as monitor
from azure.mgmt.msi import models as identity
from azure.mgmt.storage import models as storage
from azure.mgmt.web import models as web
from tree_sitter import Node

from tests.infra.bicep import Source, body_of, first, properties, text_of

FREE = None
"""A resource whose properties are names of our own."""
MODELS: dict[str, tuple[ModuleType, str] | None] = {
    "Microsoft.ManagedIdentity/userAssignedIdentities": (identity, "Identity"),
    "Microsoft.Storage/storageAccounts": (storage, "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": (storage, "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (storage, "BlobContainer"),
    "Microsoft.KeyVault/vaults": (vault, "Vault"),
    "Microsoft.OperationalInsights/workspaces": (logs, "Workspace"),
    "Microsoft.Insights/components": (insights, "ApplicationInsightsComponent"),
    "Microsoft.Insights/workbooks": (insights, "Workbook"),
    "Microsoft.Insights/actionGroups": (monitor, "ActionGroupResource"),
    "Microsoft.Insights/scheduledQueryRules": (monitor, "ScheduledQueryRuleResource"),
    "Microsoft.Web/serverfarms": (web, "AppServicePlan"),
    "Microsoft.Web/sites": (web, "Site"),
    "Microsoft.Web/sites/config authsettingsV2": (web, "SiteAuthSettingsV2"),
    "Microsoft.Web/sites/config appsettings": FREE,
}
SMALL: dict[str, set[str]] = {
    "Microsoft.Resources/resourceGroups": {"name", "location", "tags"},
    "Microsoft.Authorization/roleAssignments": {
        "name", "scope", "properties", "properties.principalId", "properties.principalType",
        "properties.roleDefinitionId",
    },
    "Microsoft.Insights/diagnosticSettings": {
        "name", "scope", "properties", "properties.workspaceId", "properties.logs", "properties.logs.category",
        "properties.logs.categoryGroup", "properties.logs.enabled", "properties.metrics", "properties.metrics.category",
        "properties.metrics.enabled",
    },
}  # fmt: skip
"""Small ones that no library of a bearable size describes, from their reference pages.
https://learn.microsoft.com/en-us/azure/templates/microsoft.authorization/2022-04-01/roleassignments
https://learn.microsoft.com/en-us/azure/templates/microsoft.insights/2021-05-01-preview/diagnosticsettings"""
_BICEP_OWN = {"name", "parent", "scope", "dependsOn"}


def unknown_properties(source: Source) -> Iterator[str]:
    """Properties that Azure does not know, and resources that this check does not."""
    for node in source.declarations("resource"):
        kind = text_of(first(node, "string")).split("@")[0]
        kind = f"{kind} {_config_name(node)}" if kind == "Microsoft.Web/sites/config" else kind
        yield from (f"{source.path}: {kind} has no {path}" for path in _unknown_paths(kind, body_of(node)))


def _unknown_paths(kind: str, body: Node) -> Iterator[str]:
    if kind in SMALL:
        return (path for path, _ in _paths(body) if path not in SMALL[kind])
    if kind not in MODELS:
        return iter(["entry in this check"])
    known = MODELS[kind]
    return iter(()) if known is FREE else _unknown(body, getattr(*known), known[0])


def _config_name(declaration: Node) -> str:
    return text_of(properties(body_of(declaration))["name"])


def _unknown(value: Node, model: Any, module: ModuleType, prefix: str = "") -> Iterator[str]:
    """Paths in an object that a model has no field for."""
    fields = fields_of(model, module)
    for name, inner in properties(value).items():
        if not prefix and name in _BICEP_OWN:
            continue
        if name not in fields:
            yield f"{prefix}{name}"
            continue
        kind = fields[name]
        for each in _objects(inner):
            if isinstance(kind, dict):
                yield from _unknown_in(each, kind, module, f"{prefix}{name}.")
            elif kind is not None:
                yield from _unknown(each, kind, module, f"{prefix}{name}.")


def _unknown_in(value: Node, fields: dict[str, Any], module: ModuleType, prefix: str) -> Iterator[str]:
    for name, inner in properties(value).items():
        if name not in fields:
            yield f"{prefix}{name}"
        elif fields[name] is not None:
            for each in _objects(inner):
                yield from _unknown(each, fields[name], module, f"{prefix}{name}.")


def _objects(value: Node) -> Iterator[Node]:
    """An object, or those in a list; nothing of an expression."""
    if value.type == "object":
        yield value
    elif value.type == "array":
        yield from (child for child in value.named_children if child.type == "object")


@cache
def fields_of(model: Any, module: ModuleType) -> dict[str, Any]:
    """The names on the wire of a model's fields, each with the model of its value, where it has one.

    Two generations of libraries: one maps flattened paths (``properties.scopes``), one annotates its fields.
    """
    if hasattr(model, "_attribute_map"):
        return _from_map(model, module)
    found: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        for attribute, annotation in vars(base).get("__annotations__", {}).items():
            field = vars(base).get(attribute)
            if type(field).__name__ == "_RestField":
                found[field._rest_name_input or attribute] = _model_named(str(annotation), module)
    return found


def _from_map(model: Any, module: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in model._attribute_map.values():
        name, _, rest = each["key"].partition(".")
        inner = _model_named(each["type"], module)
        if rest:
            found.setdefault(name, {})[rest] = inner
        else:
            found[name] = inner
    return found


def _model_named(annotation: str, module: ModuleType) -> Any:
    """The model that an annotation names; None for plain values, and for maps, whose names are free."""
    if annotation.startswith("{") or "Dict[" in annotation or "dict[" in annotation:
        return None
    for name in re.findall(r"[A-Za-z]\w+", annotation):
        if name not in ("Optional", "Union", "List", "list", "models", "_models") and hasattr(module, name):
            found = getattr(module, name)
            return found if hasattr(found, "_attribute_map") or hasattr(found, "_is_model") else None
    return None


def _paths(value: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    for name, inner in properties(value).items():
        yield prefix + name, inner
        for each in _objects(inner):
            yield from _paths(each, f"{prefix}{name}.")
