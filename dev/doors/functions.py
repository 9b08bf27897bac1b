"""The functions of an app as Microsoft's worker reported them, their bindings decoded."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dev.doors.errors import HostError
from dev.doors.protos import RpcFunctionMetadata


@dataclass(frozen=True)
class Function:
    """One function. A binding is the object that function.json had in earlier models: name, type, direction, ..."""

    name: str
    function_id: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    has_retry_policy: bool = False

    @property
    def kind(self) -> str:
        """The type of the trigger: httpTrigger, queueTrigger, timerTrigger, ..."""
        return str(self.trigger["type"])

    @property
    def parameter(self) -> str:
        """The name of the trigger's binding, which is the function's parameter."""
        return str(self.trigger["name"])


def read_functions(found: Iterable[RpcFunctionMetadata]) -> list[Function]:
    """Decode the worker's list, in the order of names that the host tries routes in (case does not count)."""
    return sorted((_read(metadata) for metadata in found), key=lambda function: function.name.lower())


def _read(metadata: RpcFunctionMetadata) -> Function:
    bindings = tuple(json.loads(raw) for raw in metadata.raw_bindings)
    triggers = [binding for binding in bindings if str(binding["type"]).lower().endswith("trigger")]
    if len(triggers) != 1:
        raise HostError(f"function {metadata.name}: it has {len(triggers)} triggers, and a function has exactly one.")
    return Function(metadata.name, metadata.function_id, triggers[0], bindings, metadata.retry_options is not None)
