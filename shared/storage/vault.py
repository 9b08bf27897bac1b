"""Secrets in Azure Key Vault: read, written as another version, and switched off; failures by their names.

https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ServiceResponseError
from azure.identity import CredentialUnavailableError

from shared.storage.vault_errors import AWAY_DELAY, BUSY_STATUSES, VaultAway, VaultRefused, vault_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.rest import HttpResponse
    from azure.keyvault.secrets import SecretClient

API_VERSION = "7.4"
"""Known in every cloud, and all that we need; the library's own choice moves with its releases.
https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups"""
PATIENCE: dict[str, float] = {
    "connection_timeout": 4,
    "read_timeout": 10,
    "retry_total": 1,
    "retry_status": 0,
    "retry_backoff_factor": 0.2,
}
"""Seconds, and tries. A pause that the vault asks for is not slept inside a function: whoever asks comes again."""


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """One version of a secret. ``content_type``: what its value is; of a certificate, how it is written."""

    value: str = field(repr=False)
    version: str
    content_type: str = ""


class Vault:
    """One key vault, as the app's managed identity. Everything raises VaultRefused, and VaultAway (a Later)."""

    def __init__(self, client: SecretClient) -> None:
        self._client = client

    @property
    def url(self) -> str:
        """Where it is."""
        return self._client.vault_url

    def get(self, name: str, version: str = "") -> VaultSecret:
        """A version of a secret, or the newest."""
        with _asking():
            found = self._client.get_secret(name, version or None)
        return VaultSecret(found.value or "", found.properties.version or "", found.properties.content_type or "")

    def put(self, name: str, value: str, *, content_type: str, tags: Mapping[str, str]) -> str:
        """Keep a value as another version of a secret; what this version is called."""
        with _asking():
            made = self._client.set_secret(name, value, content_type=content_type, tags=dict(tags))
        return made.properties.version or ""

    def disable(self, name: str, version: str) -> None:
        """Let nobody read this version any more; no matter if it is gone."""
        try:
            with _asking():
                self._client.update_secret_properties(name, version, enabled=False)
        except VaultRefused as refused:
            if refused.code != "SecretNotFound":
                raise


@contextmanager
def _asking() -> Iterator[None]:
    """Call by its name what keeps us from an answer. None of the library's words are passed on but Key Vault's own."""
    try:
        yield
    except CredentialUnavailableError:
        raise vault_failure(400, "vaultNoIdentity", "") from None
    except HttpResponseError as error:
        raise _meaning(error) from None
    except (AzureError, json.JSONDecodeError) as error:  # the latter: a page of some gateway
        raise vault_failure(0, "vaultUnavailable", type(error).__name__) from None
    except ValueError:  # the library's word for a challenge that leads to another cloud than the address
        raise vault_failure(401, "Unauthorized", "") from None


def see_outage(answer: Any) -> None:
    """Raise where whoever gives tokens is out of order: the library takes every failure for a missing identity."""
    response = answer.http_response
    if response.status_code in BUSY_STATUSES - {500}:  # which is what a missing identity may get, too
        raise ServiceResponseError(f"status {response.status_code}")


def _meaning(error: HttpResponseError) -> VaultRefused | VaultAway:
    """Key Vault's answer; or that of whoever gives tokens, which is no answer of the vault."""
    status = error.status_code or 0
    if isinstance(error, ClientAuthenticationError) and status != 401 and status < 500:
        return vault_failure(400, "vaultNoIdentity", "")
    if error.response is None:
        return vault_failure(0, "", type(error).__name__)
    response = cast("HttpResponse", error.response)
    code, words = _read(response.text())
    told = response.headers.get("Retry-After", "")
    return vault_failure(status, code, words, float(told) if told.isdecimal() else AWAY_DELAY)


def _read(body: str) -> tuple[str, str]:
    """The code of an error, the more exact one where there are two, and its words."""
    try:
        error = json.loads(body)["error"]
        inner = error.get("innererror") or {}
        return str(inner.get("code") or error["code"]), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""
