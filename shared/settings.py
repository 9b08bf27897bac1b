"""Every setting of the app, read from the environment in this one place."""

import base64
import binascii
import hashlib
import os
import re
from functools import lru_cache
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.errors import Misconfigured

SECRET_KEY_BYTES = 32
SHORTEST_ADMIN_KEY = 24

_Guid = Annotated[
    str, StringConstraints(to_lower=True, pattern="^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$")
]
"""An id of Entra, or nothing."""
_VAULT_URL = re.compile(r"https://[a-zA-Z0-9-]{3,24}\.vault\.(azure\.net|usgovcloudapi\.net|azure\.cn)/?")
"""Only Key Vault itself is ever given a secret and a token.
https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-base-url"""
_ACCOUNT_NAME = re.compile(r"(?:^|;)AccountName=([a-z0-9]+)")


_ADDRESS = r"[^\s/@,;<>()\"\\]{1,64}@[a-zA-Z0-9.-]{1,255}"
"""A mail address as people write one, without what would end it in a list or a header."""


class Settings(BaseModel):
    """The app's settings; an alias is the name of the environment variable (an *app setting* in Azure)."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    storage_connection: Annotated[SecretStr, Field(alias="AzureWebJobsStorage")] = SecretStr("")
    """Connection string of the storage account; empty where a managed identity is used."""
    storage_account: Annotated[str, Field(alias="AzureWebJobsStorage__accountName")] = ""
    """Name of the storage account, reached with the app's managed identity."""
    blob_uri: Annotated[str, Field(alias="AzureWebJobsStorage__blobServiceUri")] = ""
    queue_uri: Annotated[str, Field(alias="AzureWebJobsStorage__queueServiceUri")] = ""
    table_uri: Annotated[str, Field(alias="AzureWebJobsStorage__tableServiceUri")] = ""
    """Where its services answer, if that does not follow from the name: other clouds, private names, emulators."""
    identity_client_id: Annotated[str, Field(alias="AZURE_CLIENT_ID")] = ""
    """Client id of the user-assigned managed identity; empty for the system-assigned one."""
    storage_prefix: Annotated[str, Field(alias="STORAGE_PREFIX", pattern=r"^([a-z][a-z0-9]{0,15})?$")] = ""
    """Put before the name of each table and container, so that two installations can share an account."""
    secret_key: Annotated[SecretStr, Field(alias="SECRET_KEY")]
    """32 random bytes in base64: seals stored secrets, signs ticket tags and the clientState of subscriptions."""
    former_secret_key: Annotated[SecretStr, Field(alias="FORMER_SECRET_KEY")] = SecretStr("")
    """The SECRET_KEY before this one: opens and proves what was made with it; empty where there is none."""
    key_vault_url: Annotated[str, Field(alias="KEY_VAULT_URL")] = ""
    """Address of the key vault that client secrets and certificates live in; empty: they lie sealed in storage."""
    admin_auth: Annotated[Literal["key", "bearer", "easyauth", "dev"], Field(alias="ADMIN_AUTH")] = "key"
    """How callers of the admin API prove themselves; ``dev`` lets everybody in and is refused in Azure."""
    admin_key: Annotated[SecretStr, Field(alias="ADMIN_KEY")] = SecretStr("")
    """What callers of the admin API send as ``X-API-Key``, 24 characters or more; without one nobody gets in."""
    admin_tenant_id: Annotated[_Guid, Field(alias="ADMIN_TENANT_ID")] = ""
    """The tenant whose people and apps may use the admin API (``bearer``, ``easyauth``); without one nobody gets in."""
    admin_client_id: Annotated[_Guid, Field(alias="ADMIN_CLIENT_ID")] = ""
    """The app registration that tokens for the admin API are issued for (``bearer``); without one nobody gets in."""
    admin_cloud: Annotated[Literal["global", "usgov", "dod", "china", "local"], Field(alias="ADMIN_CLOUD")] = "global"
    """The Microsoft cloud that this tenant is in (``bearer``); ``local`` is the emulator."""
    auth_enabled: Annotated[str, Field(alias="WEBSITE_AUTH_ENABLED")] = ""
    """Set by Azure: ``True`` where App Service Authentication stands in front of the app."""
    public_url: Annotated[str, Field(alias="PUBLIC_URL")] = ""
    """Where Microsoft Graph reaches this app; in Azure derived from ``WEBSITE_HOSTNAME``."""
    hostname: Annotated[str, Field(alias="WEBSITE_HOSTNAME")] = ""
    """Set by Azure (and by the local host): the app's own host name."""
    instance_id: Annotated[str, Field(alias="WEBSITE_INSTANCE_ID")] = ""
    """Set by Azure on plans with instances of their own (Premium, App Service); Flex Consumption does not set it."""
    sku: Annotated[str, Field(alias="WEBSITE_SKU")] = ""
    """Set by Azure: the kind of plan, such as ``FlexConsumption``."""
    pod_name: Annotated[str, Field(alias="WEBSITE_POD_NAME")] = ""
    """Set by Azure on Flex Consumption, where it names the instance."""
    environment: Annotated[str, Field(alias="ENVIRONMENT", pattern=r"^[a-z0-9-]{1,30}$")] = "production"
    """Which environment this installation is; a connection that is meant for another one rests here."""
    alert_url: Annotated[SecretStr, Field(alias="ALERT_WEBHOOK_URL")] = SecretStr("")
    """Where alerts are posted as JSON, https; empty for the log alone. A secret: the address may hold a key."""
    alert_mail_to: Annotated[str, Field(alias="ALERT_MAIL_TO", max_length=2_000)] = ""
    """Addresses that alerts are mailed to, with commas between them; empty for nobody."""
    alert_mail_from: Annotated[
        str,
        StringConstraints(to_lower=True),
        Field(alias="ALERT_MAIL_FROM", pattern=f"^([a-z0-9-]{{1,64}}/{_ADDRESS})?$"),
    ] = ""
    """From which mailbox: the id of a connection, a slash, and the mailbox's address."""
    slice_seconds: Annotated[float, Field(alias="SLICE_SECONDS", gt=0, le=500)] = 240
    """How long one round over a mailbox may work before it puts itself on the queue again."""
    audit_days: Annotated[int, Field(alias="AUDIT_DAYS", ge=30, le=36_500)] = 400
    """How long it is kept who changed what."""
    alert_days: Annotated[int, Field(alias="ALERT_DAYS", ge=31, le=36_500)] = 90
    """How long alerts are kept: longer than the longest warning of theirs holds, or it would be given twice."""
    set_aside_days: Annotated[int, Field(alias="SET_ASIDE_DAYS", ge=1, le=36_500)] = 90
    """How long work that was set aside is kept once it was replayed."""
    local_cloud_url: Annotated[str, Field(alias="LOCAL_CLOUD_URL")] = ""
    """Address of a Microsoft Graph emulator: makes the cloud ``local`` available; refused in Azure."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(alias="LOG_LEVEL")] = "INFO"
    """The least important level of our own log lines that is written."""

    @model_validator(mode="before")
    @classmethod
    def _is_resolved(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Azure hands on a reference that it could not look up as it stands: a key that anybody could guess."""
        found = sorted(name for name in cls._names() if str(values.get(name, "")).startswith("@Microsoft.KeyVault("))
        if found:
            raise ValueError(f"Key Vault did not tell {', '.join(found)}: is the secret there, may the app read it?")
        return values

    @classmethod
    def _names(cls) -> list[str]:
        return [str(field.alias) for field in cls.model_fields.values()]

    @field_validator("former_secret_key")
    @classmethod
    def _is_a_key_or_nothing(cls, value: SecretStr) -> SecretStr:
        return cls._is_a_key(value) if value.get_secret_value() else value

    @field_validator("secret_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            length = len(base64.b64decode(value.get_secret_value(), validate=True))
        except binascii.Error as error:
            raise ValueError("must be base64") from error
        if length != SECRET_KEY_BYTES:
            raise ValueError(f"must be {SECRET_KEY_BYTES} bytes in base64, this is {length}")
        return value

    @field_validator("alert_url")
    @classmethod
    def _is_https(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("https://", "http://127.0.0.1:")):
            raise ValueError("must begin with https://")
        return value

    @field_validator("alert_mail_to")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        if not all(re.fullmatch(_ADDRESS, each) for each in _split(value)):
            raise ValueError("must be mail addresses with commas between them")
        return value

    @field_validator("key_vault_url")
    @classmethod
    def _is_a_vault(cls, value: str) -> str:
        if value and not _VAULT_URL.fullmatch(value):
            raise ValueError("must be the Vault URI that the vault shows, such as https://desk.vault.azure.net/")
        return value.rstrip("/")

    @field_validator("admin_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_ADMIN_KEY:
            raise ValueError(f"must have at least {SHORTEST_ADMIN_KEY} characters")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.admin_cloud == "local" and not self.local_cloud_url:
            raise ValueError("ADMIN_CLOUD is the emulator, and LOCAL_CLOUD_URL is not set")
        if bool(self.alert_mail_to) != bool(self.alert_mail_from):
            raise ValueError("ALERT_MAIL_TO and ALERT_MAIL_FROM need each other")
        if not self.in_azure:
            return self
        if self.admin_auth == "dev":
            raise ValueError("ADMIN_AUTH=dev opens the admin API to everybody and is refused in Azure")
        if self.local_cloud_url:
            raise ValueError("LOCAL_CLOUD_URL sends credentials to an emulator and is refused in Azure")
        return self

    @property
    def in_azure(self) -> bool:
        """Whether the app runs in Azure and not on a developer's machine, whichever plan it is on.

        The host tells its plans apart by the same variables:
        https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Environment/EnvironmentExtensions.cs
        """
        return bool(self.instance_id or self.sku or self.pod_name)

    @property
    def alert_mail_recipients(self) -> list[str]:
        """The addresses of ALERT_MAIL_TO."""
        return _split(self.alert_mail_to)

    @property
    def installation(self) -> str:
        """Eight characters that tell this installation from others that share a vault: where its data lie."""
        named = _ACCOUNT_NAME.search(self.storage_connection.get_secret_value())
        host = (urlsplit(self.table_uri).hostname or "").partition(".")[0]
        account = self.storage_account or (named[1] if named else host)
        return hashlib.sha256(f"{account}/{self.storage_prefix}".encode()).hexdigest()[:8]

    @property
    def behind_easyauth(self) -> bool:
        """Whether App Service Authentication has seen every request before us, and set its headers itself."""
        return self.in_azure and self.auth_enabled.lower() == "true"

    @property
    def origins(self) -> frozenset[str]:
        """What a browser calls the pages of this app (scheme and host), by each name that the app has."""
        known = (urlsplit(self.public_url), urlsplit(f"https://{self.hostname}"))
        return frozenset(f"{each.scheme}://{each.netloc}" for each in known if each.netloc)

    @property
    def base_url(self) -> str:
        """Where the outside reaches us, without a trailing slash; raises Misconfigured where it is not known."""
        url = self.public_url or (f"https://{self.hostname}" if self.hostname else "")
        if not url:
            raise Misconfigured("PUBLIC_URL is not set.", "Set it to the https address where Graph reaches us.")
        return url.rstrip("/")


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def from_environment(environment: dict[str, str] | None = None) -> Settings:
    """Read the settings; raises Misconfigured, naming each setting that is wrong, never its value."""
    try:
        return Settings.model_validate(dict(os.environ) if environment is None else environment)
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'settings'}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise Misconfigured(f"Settings are wrong: {found}.", "Mend these app settings and restart.") from None


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read once."""
    return from_environment()
