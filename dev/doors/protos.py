"""Plain Python stand-ins for the protobuf messages between the Functions host and the Python worker.

Microsoft's runtime takes the module of these messages as a parameter. As protobuf does, a message refuses unknown
fields and values of the wrong type, gives an empty value for what was not set, and tells which member of a one-of is
set.
The originals: https://github.com/Azure/azure-functions-language-worker-protobuf/blob/dev/src/proto/FunctionRpc.proto
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from enum import IntEnum
from functools import cached_property
from types import GenericAlias, UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

# TypedData has fields of these names, which hide the types inside its body.
_Bytes = bytes
_Int = int


@dataclass(frozen=True)
class _Kind:
    """What a field takes: values of certain types, and for a map or a repeated field what is in it."""

    accepts: tuple[type, ...]
    members: tuple["_Kind", ...] = ()

    @cached_property
    def simple(self) -> frozenset[type]:
        """Types whose values need no look inside."""
        return frozenset(self.accepts) - {str, dict, list}

    def fits(self, value: object) -> bool:
        if not isinstance(value, self.accepts):
            return False
        if isinstance(value, str):
            value.isascii() or value.encode()  # protobuf refuses lone surrogates, too
        elif isinstance(value, dict):
            return all(self.members[0].fits(key) and self.members[1].fits(item) for key, item in value.items())
        elif isinstance(value, list):
            return all(self.members[0].fits(item) for item in value)
        return True


def _kind(annotation: Any) -> _Kind:
    if isinstance(annotation, UnionType):
        return _Kind(get_args(annotation))
    if isinstance(annotation, GenericAlias):
        return _Kind((get_origin(annotation),), tuple(_kind(member) for member in get_args(annotation)))
    return _Kind((int, float) if annotation is float else (annotation,))


_FIELDS: dict[type, list[tuple[str, _Kind, Callable[[], object]]]] = {}


def _fields(message: type) -> list[tuple[str, _Kind, Callable[[], object]]]:
    """Return name, kind and maker of the empty value of every field."""
    if message not in _FIELDS:
        hints = get_type_hints(message)
        _FIELDS[message] = [(f.name, _kind(hints[f.name]), _maker_of_empty(f)) for f in fields(message)]
    return _FIELDS[message]


def _maker_of_empty(declared: Field[Any]) -> Callable[[], object]:
    return (lambda: declared.default) if declared.default_factory is MISSING else declared.default_factory


@dataclass
class Message:
    """What all messages do: check their fields, and answer `WhichOneof`."""

    ONE_OF: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        values = self.__dict__  # ten messages for each call of a function: setattr and getattr would be seen
        for name, kind, empty in _fields(type(self)):
            value = values[name]
            if value is None:
                values[name] = empty()
            elif type(value) not in kind.simple and not kind.fits(value):
                types = " or ".join(accepted.__name__ for accepted in kind.accepts)
                message = f"{type(self).__name__}.{name} takes {types}, not {value!r:.80}"
                raise TypeError(message)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802  # protobuf's name
        """Return the name of the member that is set, or None."""
        return next((name for name in self.ONE_OF if getattr(self, name) is not None), None)


@dataclass
class RpcException(Message):
    """What a function raised."""

    source: str = ""
    stack_trace: str = ""
    message: str = ""
    is_user_exception: bool = False
    type: str = ""


@dataclass
class StatusResult(Message):
    """How a request to the worker ended."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    Cancelled: ClassVar[int] = 2

    status: int = 0
    result: str = ""
    exception: RpcException = field(default_factory=RpcException)


@dataclass
class NullableString(Message):
    """A string or nothing."""

    value: str = ""


@dataclass
class NullableBool(Message):
    """A truth value or nothing."""

    value: bool = False


@dataclass
class NullableDouble(Message):
    """A number or nothing."""

    value: float = 0.0


@dataclass
class Timestamp(Message):
    """A moment, in seconds since 1970-01-01T00:00:00Z."""

    seconds: int = 0
    nanos: int = 0


@dataclass
class NullableTimestamp(Message):
    """A moment or nothing."""

    value: Timestamp = field(default_factory=Timestamp)


class SameSite(IntEnum):
    """The SameSite attribute of a cookie; the member called None in protobuf is set below: it is a keyword here."""

    Unset = 0
    Lax = 1
    Strict = 2
    ExplicitNone = 3


class _SameSiteNames:
    Lax = SameSite.Lax
    Strict = SameSite.Strict
    ExplicitNone = SameSite.ExplicitNone


setattr(_SameSiteNames, "None", SameSite.Unset)


@dataclass
class RpcHttpCookie(Message):
    """A cookie that a function sets."""

    SameSite: ClassVar[type[_SameSiteNames]] = _SameSiteNames

    name: str = ""
    value: str = ""
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: int = 0
    max_age: NullableDouble | None = None


@dataclass
class TypedData(Message):
    """A value on its way into or out of a function."""

    ONE_OF: ClassVar[tuple[str, ...]] = ("string", "json", "bytes", "http", "int", "double")

    string: str | None = None
    json: str | None = None
    bytes: _Bytes | None = None
    http: "RpcHttp | None" = None
    int: _Int | None = None
    double: float | None = None


@dataclass
class RpcHttp(Message):
    """An HTTP request or response. Headers are a map: of a repeated response header only the last is left."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    params: dict[str, str] = field(default_factory=dict)
    status_code: str = ""
    query: dict[str, str] = field(default_factory=dict)
    enable_content_negotiation: bool = False
    cookies: list[RpcHttpCookie] = field(default_factory=list)


@dataclass
class ParameterBinding(Message):
    """A value for a named binding."""

    ONE_OF: ClassVar[tuple[str, ...]] = ("data",)  # the one-of is called rpc_data

    name: str = ""
    data: TypedData | None = None


@dataclass
class BindingInfo(Message):
    """Direction and type of a binding."""

    # Direction
    inout: ClassVar[int] = 2
    out: ClassVar[int] = 1
    # DataType
    undefined: ClassVar[int] = 0

    type: str = ""
    direction: int = 0
    data_type: int = 0
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class RpcRetryOptions(Message):
    """The retry policy of a function."""

    max_retry_count: int = 0
    delay_interval: timedelta | None = None
    minimum_interval: timedelta | None = None
    maximum_interval: timedelta | None = None
    retry_strategy: str = ""


@dataclass
class RpcFunctionMetadata(Message):
    """What the worker found out about a function when it indexed the app."""

    name: str = ""
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    bindings: dict[str, BindingInfo] = field(default_factory=dict)
    is_proxy: bool = False
    status: StatusResult = field(default_factory=StatusResult)
    language: str = ""
    raw_bindings: list[str] = field(default_factory=list)
    function_id: str = ""
    managed_dependency_enabled: bool = False
    retry_options: RpcRetryOptions | None = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerMetadata(Message):
    """The worker about itself."""

    runtime_name: str = ""
    runtime_version: str = ""
    worker_version: str = ""
    worker_bitness: str = ""
    custom_properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerInitResponse(Message):
    """The answer to the start of the worker, the index included."""

    capabilities: dict[str, str] = field(default_factory=dict)
    worker_metadata: WorkerMetadata = field(default_factory=WorkerMetadata)
    result: StatusResult = field(default_factory=StatusResult)


@dataclass
class FunctionMetadataResponse(Message):
    """All functions of the app."""

    function_metadata_results: list[RpcFunctionMetadata] = field(default_factory=list)
    result: StatusResult = field(default_factory=StatusResult)
    use_default_metadata_indexing: bool = False


@dataclass
class FunctionLoadResponse(Message):
    """The answer to the wish that a function be made ready."""

    function_id: str = ""
    result: StatusResult = field(default_factory=StatusResult)


@dataclass
class InvocationResponse(Message):
    """How an invocation ended, and what the function returned."""

    invocation_id: str = ""
    output_data: list[ParameterBinding] = field(default_factory=list)
    return_value: TypedData | None = None
    result: StatusResult = field(default_factory=StatusResult)
