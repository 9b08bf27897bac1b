"""Azure Key Vault, as far as secrets go: its challenge, its roles, its operations and its refusals.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dev.graph.hosts import VAULT_DOMAINS
from dev.graph.vault_secrets import Vault, VaultRefusal, Version
from dev.graph.wire import GraphError, Json, NotEmulated, Request, Response

if TYPE_CHECKING:
    from dev.graph.client_proofs import ClientProofs
    from dev.graph.clock import Clock
    from dev.graph.faults import Faults

API_VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01")
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_VERSION = re.compile(r"[0-9a-f]{32}")
_MOST_BYTES = 25 * 1024
_MOST_TAGS, _LONGEST_TAG = 15, 256
_ACTIONS = {"GET": "getSecret", "PUT": "setSecret", "PATCH": "setSecret"}
_JSON = "application/json; charset=utf-8"
_TROUBLE = {429: ("Throttled", "Request was not processed because too many requests were received.")}


class KeyVaults:
    """The vaults that there are, by their hosts."""

    def __init__(self, clock: Clock, proofs: ClientProofs, faults: Faults) -> None:
        self._clock, self._proofs, self._faults = clock, proofs, faults
        self._vaults: dict[str, Vault] = {}

    def add(self, host: str, tenant_id: str) -> Vault:
        """A new vault; a host that has one keeps it."""
        assert any(host.endswith(domain) for domain in VAULT_DOMAINS), host  # noqa: S101 - a slip of whoever writes a test
        return self._vaults.setdefault(host, Vault(tenant_id, self._clock))

    def clear(self) -> None:
        """No vault is left."""
        self._vaults.clear()

    def handles(self, host: str) -> bool:
        """Whether there is a vault of this name; of one that there is not, not even the name is known."""
        return host in self._vaults

    def answer(self, request: Request) -> Response:
        """Answer one request; ConnectionLost if there is to be no answer."""
        try:
            found = self._faults.around(request, "", lambda: self._route(request, self._vaults[request.host]))
        except GraphError as trouble:
            found = _refused(_in_our_words(trouble))
        except VaultRefusal as refusal:
            found = _refused(refusal)
        found.headers |= {"x-ms-request-id": request.id, "x-ms-keyvault-service-version": "2.0.0.0"}
        return found

    def _route(self, request: Request, vault: Vault) -> Response:
        self._authorize(request, vault)
        _check_api_version(request)
        match [unquote(part) for part in request.path.strip("/").split("/")], request.method:
            case ["secrets", name], "PUT":
                made = vault.put(_checked(name), *_given(request))
                return _answered(request, made, with_value=True)
            case ["secrets", name], "GET":
                return _answered(request, vault.read(_checked(name)), with_value=True)
            case ["secrets", name, version], "GET":
                return _answered(request, vault.read(_checked(name), _checked_version(version)), with_value=True)
            case ["secrets", name, version], "PATCH":
                enabled = _body(request).get("attributes", {}).get("enabled")
                changed = vault.change(_checked(name), _checked_version(version), enabled=enabled)
                return _answered(request, changed, with_value=False)
        raise NotEmulated(f"{request.method} {request.path} of Key Vault")

    def _authorize(self, request: Request, vault: Vault) -> None:
        """A token of the vault's tenant, for Key Vault, of an identity with a role that allows this.

        https://learn.microsoft.com/en-us/azure/key-vault/general/authentication-requests-and-responses
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._challenge(request, vault, "AKV10000: Request is missing a Bearer or PoP token.")
        caller = self._proofs.find_bearer(token)
        resource = _cloud(request.host)[0]
        if caller is None or caller.audience.rstrip("/") != resource:
            raise self._challenge(request, vault, "AKV10022: Invalid audience.")
        if f"/{vault.tenant_id}/" not in caller.issuer:
            raise self._challenge(request, vault, "AKV10032: Invalid issuer.")
        role, action = vault.roles.get(caller.subject), _ACTIONS.get(request.method, "deleteSecret")
        if role is None or (role == "Key Vault Secrets User" and action != "getSecret"):
            words = (
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                "role definitions were changed recently, please observe propagation time.\r\n"
                f"Action: 'Microsoft.KeyVault/vaults/secrets/{action}/action'"
            )
            raise VaultRefusal(403, "Forbidden", words, "ForbiddenByRbac")

    def _challenge(self, request: Request, vault: Vault, words: str) -> VaultRefusal:
        resource, authority = _cloud(request.host)
        refusal = VaultRefusal(401, "Unauthorized", words)
        told = f'Bearer authorization="{authority}/{vault.tenant_id}", resource="{resource}"'
        refusal.headers = {"WWW-Authenticate": told}
        return refusal


def _cloud(host: str) -> tuple[str, str]:
    """What a token must be for in the cloud of this host, and who issues it."""
    return next(known for domain, known in VAULT_DOMAINS.items() if host.endswith(domain))


def _check_api_version(request: Request) -> None:
    given = request.options.get("api-version", "")
    if given not in API_VERSIONS:
        words = f"The specified version ({given}) is not recognized." if given else "api-version must be specified"
        raise VaultRefusal(400, "BadParameter", words)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        words = f"The request URI contains an invalid name: {name}"
        raise VaultRefusal(400, "BadParameter", words)
    return name


def _checked_version(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise VaultRefusal(400, "BadParameter", f"Invalid version: {version}")
    return version


def _body(request: Request) -> Json:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise VaultRefusal(415, "BadParameter", "The content type must be application/json.")
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise VaultRefusal(400, "BadParameter", "The body is no JSON object.")
    return found


def _given(request: Request) -> tuple[str, str, dict[str, str]]:
    """Value, content type and tags of a new version."""
    body = _body(request)
    value, content_type, tags = body.get("value"), body.get("contentType") or "", body.get("tags") or {}
    if not isinstance(value, str) or not value:
        raise VaultRefusal(400, "BadParameter", "Property value is missing or empty.")
    if len(value.encode()) > _MOST_BYTES:
        raise VaultRefusal(400, "BadParameter", f"The value is larger than {_MOST_BYTES} bytes.")
    texts = [content_type, *tags, *tags.values()]
    if len(tags) > _MOST_TAGS or any(not isinstance(each, str) or len(each) > _LONGEST_TAG for each in texts):
        raise VaultRefusal(400, "BadParameter", "Property tags or contentType is not valid.")
    return value, content_type, tags


def _answered(request: Request, version: Version, *, with_value: bool) -> Response:
    return Response(200, version.bundle(request.origin, with_value=with_value), content_type=_JSON)


def _in_our_words(trouble: GraphError) -> VaultRefusal:
    """Trouble that was set to strike, as Key Vault words it."""
    usual = (trouble.code, trouble.message) if trouble.status < 500 else ("InternalServerError", "Try again later.")
    code, words = _TROUBLE.get(trouble.status, usual)
    inner = code if trouble.status == 403 else ""
    refusal = VaultRefusal(trouble.status, "Forbidden" if inner else code, words, inner)
    refusal.headers = dict(trouble.headers)
    return refusal


def _refused(refusal: VaultRefusal) -> Response:
    """https://learn.microsoft.com/en-us/azure/key-vault/general/authentication-requests-and-responses#error-responses."""
    error: Json = {"code": refusal.code, "message": refusal.message}
    if refusal.inner:
        error["innererror"] = {"code": refusal.inner}
    return Response(refusal.status, {"error": error}, content_type=_JSON, headers=dict(refusal.headers))
