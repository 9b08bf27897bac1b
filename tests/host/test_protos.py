"""The stand-ins are as strict as protobuf: what would fail in Azure must fail here."""

from collections.abc import Callable

import pytest

from dev.doors import protos


@pytest.mark.parametrize(
    ("message", "field", "value"),
    [
        (protos.RpcHttp, "headers", {"x-count": 1}),
        (protos.RpcHttp, "headers", {1: "x"}),
        (protos.RpcHttp, "status_code", 200),
        (protos.RpcHttp, "cookies", ["a=b"]),
        (protos.RpcHttp, "verb", "GET"),
        (protos.TypedData, "string", b"x"),
        (protos.TypedData, "bytes", "x"),
        (protos.StatusResult, "status", "ok"),
        (protos.NullableDouble, "value", "3"),
    ],
)
def test_wrong_types_and_unknown_fields_are_refused(message: Callable[..., object], field: str, value: object) -> None:
    with pytest.raises(TypeError):
        message(**{field: value})


def test_text_must_be_encodable() -> None:
    with pytest.raises(UnicodeEncodeError):
        protos.TypedData(string="\ud800")


def test_none_means_not_set() -> None:
    assert protos.RpcHttp(cookies=None, url=None).cookies == []  # type: ignore[arg-type]  # as Microsoft's code calls it
    assert protos.BindingInfo(data_type=None).data_type == protos.BindingInfo.undefined  # type: ignore[arg-type]  # ditto


def test_one_of_tells_what_is_set_even_if_it_is_empty() -> None:
    assert protos.TypedData().WhichOneof("data") is None
    assert protos.TypedData(bytes=b"").WhichOneof("data") == "bytes"
    assert protos.TypedData(string="").WhichOneof("data") == "string"
    assert protos.ParameterBinding(name="x", data=protos.TypedData()).WhichOneof("rpc_data") == "data"
