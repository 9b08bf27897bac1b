"""Requests that we write ourselves: who sends them is said as the SDKs say it."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest

from shared.storage.signing import SCOPE, signing


class Identity:
    """A managed identity, as azure-identity has it. ``asked``: for which scopes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked += scopes
        return AccessToken("a-token", 4_000_000_000)


def signed(credential: Any) -> str | None:
    request = HttpRequest("POST", "https://desk.table.core.windows.net/$batch", headers={"Content-Type": "x/y"})
    policy = signing(credential)
    policy.on_request(PipelineRequest(request, PipelineContext(None)))
    return request.headers.get("Authorization")


@pytest.mark.requirement("OPS-8")
def test_an_identity_is_asked_for_a_token_for_storage() -> None:
    identity = Identity()
    assert signed(identity) == "Bearer a-token"
    assert identity.asked == [SCOPE]


def test_an_account_key_signs_and_does_not_show() -> None:
    found = signed(AzureNamedKeyCredential("desk", "a2V5IG9mIHRoZSBhY2NvdW50"))
    assert found is not None
    assert found.startswith("SharedKey desk:")
    assert "a2V5" not in found


def test_a_policy_is_used_as_it_is() -> None:
    policy: SansIOHTTPPolicy[Any, Any] = SansIOHTTPPolicy()
    assert signing(policy) is policy
