"""How the requests to Azure Storage that we write ourselves prove who sends them, as the SDK's own do."""

from __future__ import annotations

from base64 import b64decode, b64encode
from email.utils import formatdate
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, SansIOHTTPPolicy

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest

SCOPE = "https://storage.azure.com/.default"
"""https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-azure-active-directory"""


def signing(credential: Any) -> Any:
    """The policy that signs requests with what an SDK's client was given: an account key, a policy, or a credential
    that brings tokens.
    """
    if isinstance(credential, AzureNamedKeyCredential):
        return _TableKey(credential)
    if hasattr(credential, "on_request"):  # the queues' SDK has made a policy of the account key already
        return credential
    return BearerTokenCredentialPolicy(credential, SCOPE)


class _TableKey(SansIOHTTPPolicy[Any, Any]):
    """Signs requests to tables with the account's key.

    https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key
    """

    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        self._credential = credential

    def on_request(self, request: PipelineRequest[Any]) -> None:
        sent, (name, key) = request.http_request, self._credential.named_key
        date = formatdate(usegmt=True)  # the service compares it with its own clock: no moved clock here
        text = "\n".join((sent.method, "", sent.headers["Content-Type"], date, f"/{name}{urlsplit(sent.url).path}"))
        signature = b64encode(digest(b64decode(key), text.encode(), sha256)).decode()
        sent.headers.update({"x-ms-date": date, "Authorization": f"SharedKey {name}:{signature}"})
