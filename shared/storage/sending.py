"""How requests to Azure Storage leave that we write ourselves: tried again, signed and counted like the SDK's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core import PipelineClient

from shared.storage.counted import Counted
from shared.storage.signing import signing

if TYPE_CHECKING:
    from azure.core.pipeline.policies import RetryPolicy
    from azure.core.rest import HttpRequest, HttpResponse

    Sender = PipelineClient[HttpRequest, HttpResponse]


def sender(url: str, credential: Any, retry: RetryPolicy[Any, Any], transport: Any = None, **patience: float) -> Sender:
    """What sends requests to one service. ``transport``: the connections, where they are shared with an SDK's client;
    else new ones with this ``patience``, in seconds.
    """
    options: dict[str, Any] = patience if transport is None else {"transport": transport}
    return PipelineClient(url, policies=[retry, signing(credential), Counted()], **options)
