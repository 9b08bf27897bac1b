"""Why Azure Key Vault gives or takes no secret: what each code means, and what an admin does about it.

https://learn.microsoft.com/en-us/azure/key-vault/general/rest-error-codes
"""

from __future__ import annotations

from shared.errors import DeskbridgeError, Later
from shared.explanations import Explanation, by_code

ERRORS_PAGE = "https://learn.microsoft.com/en-us/azure/key-vault/general/rest-error-codes"
_ROLES_PAGE = "https://learn.microsoft.com/en-us/azure/key-vault/general/rbac-guide"
_NETWORK_PAGE = "https://learn.microsoft.com/en-us/azure/key-vault/general/network-security"
_SOFT_DELETE_PAGE = "https://learn.microsoft.com/en-us/azure/key-vault/general/key-vault-recovery"
_IDENTITY_PAGE = "https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity"

LONGEST_MESSAGE = 300
"""Characters of Key Vault's own words that are repeated in a cause."""
AWAY_DELAY = 60.0
"""Seconds until a vault is asked again that did not say when."""
BUSY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


def _needs_person(*codes: str, title: str, cause: str, cure: str, source: str = ERRORS_PAGE) -> Explanation:
    """The secret cannot be had, and so no token, until somebody has mended it."""
    return Explanation(codes, title, cause, cure, source, sign_in_lost=True)


_ROLE = _needs_person(
    "ForbiddenByRbac",
    "ForbiddenByPolicy",
    title="The app has no role on the key vault",
    cause="The managed identity of the app may not do this with the secrets of the vault.",
    cure="Under Access control (IAM) of the vault give the app's managed identity the role Key Vault Secrets Officer "
    "(Key Vault Secrets User, if it is only to read certificates of the vault). It takes up to ten minutes to work. "
    "A vault with access policies needs the secret permissions Get and Set instead.",
    source=_ROLES_PAGE,
)
_MISSING = _needs_person(
    "SecretNotFound",
    title="The secret is not in the key vault",
    cause="The vault has no secret of this name and version: it was deleted, or KEY_VAULT_URL names another vault.",
    cure="Look under Manage deleted secrets of the vault and recover it, or check KEY_VAULT_URL, or enter the secret "
    "of the connection again. A certificate has to be there under the name that was given.",
    source=_SOFT_DELETE_PAGE,
)
_THROTTLED = Explanation(
    ("Throttled",),
    "The key vault asks for a pause",
    "More was asked of the vault than Azure allows in so short a time.",
    "Nothing to do: it is tried again by itself. If it never ends, see who else uses the vault.",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/overview-throttling",
    transient=True,
)
_AWAY = Explanation(
    ("vaultUnavailable",),
    "The key vault does not answer",
    "The vault could not be reached, or was out of order. It says nothing about the connection.",
    "Nothing to do if it passes: it is tried again by itself. If it lasts, check that KEY_VAULT_URL is right, and that "
    "the app's network reaches the vault (private endpoint, name resolution).",
    _NETWORK_PAGE,
    transient=True,
)
_UNKNOWN = _needs_person(
    "vaultRefused",
    title="The key vault refuses the request",
    cause="The vault does not do what was asked, for a reason that Deskbridge does not know.",
    cure="Look the vault's words up; if they make no sense, report this as a fault of Deskbridge.",
)

VAULT_ERRORS = (
    _ROLE,
    _needs_person(
        "ForbiddenByFirewall",
        "ForbiddenByConnection",
        title="The key vault's firewall keeps the app out",
        cause="The vault lets in only some networks, and the app comes from another one.",
        cure="Under Networking of the vault let in the app's subnet or its private endpoint. The exception for "
        "trusted Microsoft services does not cover it.",
        source=_NETWORK_PAGE,
    ),
    _needs_person(
        "SecretDisabled",
        title="The secret is switched off in the key vault",
        cause="The version of the secret that the connection uses was disabled in the vault.",
        cure="Enable it again in the vault, or enter the secret of the connection again.",
        source="https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets",
    ),
    _MISSING,
    _needs_person(
        "ObjectIsDeletedButRecoverable",
        "ObjectIsBeingDeleted",
        title="The secret lies among the deleted ones",
        cause="A secret of this name was deleted in the vault, which keeps the name occupied.",
        cure="Recover or purge it under Manage deleted secrets of the vault, and do again what failed.",
        source=_SOFT_DELETE_PAGE,
    ),
    _needs_person(
        "Unauthorized",
        title="The key vault does not know the app",
        cause="The vault does not accept the token of the app's managed identity; most often it belongs to another "
        "tenant than the app.",
        cure="Use a vault in the tenant (and the cloud) of the subscription that the app runs in.",
    ),
    _needs_person(
        "vaultNoIdentity",
        title="The app has no managed identity to open the key vault with",
        cause="The app asked for a token for the vault, and the platform has no identity for it.",
        cure="Assign a managed identity to the app (its id in AZURE_CLIENT_ID if it is a user-assigned one), and give "
        "it the role Key Vault Secrets Officer on the vault.",
        source=_IDENTITY_PAGE,
    ),
    _THROTTLED,
    _AWAY,
    _UNKNOWN,
)
_BY_CODE = by_code(VAULT_ERRORS)
_BY_STATUS = {401: _BY_CODE["unauthorized"], 403: _ROLE, 404: _MISSING, 429: _THROTTLED}


class VaultRefused(DeskbridgeError):
    """The vault understood and refused; a person has to mend it. ``code``: Key Vault's, or one of ours."""

    def __init__(self, code: str, cause: str, cure: str) -> None:
        super().__init__(cause, cure)
        self.code = code


class VaultAway(Later):
    """The vault does not do its work at the moment. ``code``: Key Vault's, or ``vaultUnavailable``."""

    def __init__(self, code: str, cause: str, delay: float, cure: str) -> None:
        super().__init__(cause, delay, cure)
        self.code = code


def vault_failure(status: int, code: str, words: str, retry_after: float = AWAY_DELAY) -> VaultRefused | VaultAway:
    """The error that a failed answer stands for; status 0: there was none. ``words``: Key Vault's own, or none."""
    known = _explain(status, code)
    cause = f"Key Vault: {known.cause}"
    told = words.strip().splitlines()
    cause += f" It says: {told[0][:LONGEST_MESSAGE]}" if told else ""
    named = code if code.lower() in _BY_CODE else known.codes[0]
    if known.transient:
        return VaultAway(named, cause, retry_after, known.cure)
    return VaultRefused(named, cause, known.cure)


def _explain(status: int, code: str) -> Explanation:
    if status == 0 or status in BUSY_STATUSES - {429}:
        return _BY_CODE.get(code.lower(), _AWAY)
    return _BY_CODE.get(code.lower()) or _BY_STATUS.get(status, _UNKNOWN)
