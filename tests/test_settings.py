"""Settings: what is refused, and in which words."""

from __future__ import annotations

import base64

import pytest

from shared.errors import Misconfigured
from shared.settings import from_environment

GOOD = {"SECRET_KEY": base64.b64encode(b"k" * 32).decode(), "AzureWebJobsStorage": "UseDevelopmentStorage=true"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "not base64!"}, "base64"),
        ({"SECRET_KEY": base64.b64encode(b"short").decode()}, "32 bytes"),
        ({"FORMER_SECRET_KEY": base64.b64encode(b"short").decode()}, "32 bytes"),
        ({"ADMIN_KEY": "too-short"}, "24 characters"),
        ({"ADMIN_KEY": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/admin-key)"}, "ADMIN_KEY"),
        ({"KEY_VAULT_URL": "http://desk.vault.azure.net"}, "KEY_VAULT_URL"),
        ({"KEY_VAULT_URL": "https://desk.vault.azure.net.example.com/"}, "KEY_VAULT_URL"),
        ({"KEY_VAULT_URL": "https://desk.vault.azure.net/secrets/one"}, "KEY_VAULT_URL"),
        ({"ADMIN_AUTH": "open"}, "ADMIN_AUTH"),
        ({"ADMIN_TENANT_ID": "contoso.com"}, "ADMIN_TENANT_ID"),
        ({"ADMIN_CLIENT_ID": "api://desk"}, "ADMIN_CLIENT_ID"),
        ({"ADMIN_CLOUD": "mars"}, "ADMIN_CLOUD"),
        ({"ADMIN_CLOUD": "local"}, "LOCAL_CLOUD_URL"),
        ({"SLICE_SECONDS": "-1"}, "SLICE_SECONDS"),
        ({"AUDIT_DAYS": "0"}, "AUDIT_DAYS"),
        ({"ALERT_DAYS": "30"}, "ALERT_DAYS"),
        ({"SET_ASIDE_DAYS": "-1"}, "SET_ASIDE_DAYS"),
        ({"ALERT_MAIL_TO": "ops@contoso.com"}, "ALERT_MAIL_FROM"),
        ({"ALERT_MAIL_FROM": "contoso/desk@contoso.com"}, "ALERT_MAIL_TO"),
        ({"ALERT_MAIL_TO": "ops", "ALERT_MAIL_FROM": "contoso/desk@contoso.com"}, "ALERT_MAIL_TO"),
        ({"ALERT_MAIL_TO": "ops@contoso.com", "ALERT_MAIL_FROM": "desk@contoso.com"}, "ALERT_MAIL_FROM"),
        ({"ALERT_MAIL_TO": "ops@contoso.com", "ALERT_MAIL_FROM": "c/o,brien@contoso.com"}, "ALERT_MAIL_FROM"),
        ({"STORAGE_PREFIX": "../x"}, "STORAGE_PREFIX"),
        ({"ADMIN_AUTH": "dev", "WEBSITE_INSTANCE_ID": "abc"}, "refused in Azure"),
        ({"LOCAL_CLOUD_URL": "https://localhost:1", "WEBSITE_INSTANCE_ID": "abc"}, "refused in Azure"),
        ({"ADMIN_AUTH": "dev", "WEBSITE_SKU": "FlexConsumption"}, "refused in Azure"),
        ({"LOCAL_CLOUD_URL": "https://localhost:1", "WEBSITE_POD_NAME": "pod-1"}, "refused in Azure"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        from_environment({**GOOD, **wrong})
    assert said in raised.value.cause
    assert raised.value.cure
    for value in wrong.values():
        assert len(value) < 5 or value not in raised.value.cause


def test_a_missing_secret_key_is_named() -> None:
    with pytest.raises(Misconfigured, match="SECRET_KEY"):
        from_environment({})


def test_secrets_do_not_show() -> None:
    settings = from_environment({**GOOD, "ADMIN_KEY": "k" * 30})
    assert "k" * 30 not in repr(settings)
    assert GOOD["SECRET_KEY"] not in repr(settings)


def test_the_public_address_is_the_set_one_else_the_host_name() -> None:
    assert from_environment({**GOOD, "PUBLIC_URL": "https://a.example/"}).base_url == "https://a.example"
    assert from_environment({**GOOD, "WEBSITE_HOSTNAME": "b.example"}).base_url == "https://b.example"
    with pytest.raises(Misconfigured, match="PUBLIC_URL"):
        _ = from_environment(GOOD).base_url


@pytest.mark.requirement("CONN-3")
def test_installations_that_share_a_vault_have_names_of_their_own() -> None:
    one, other = "AccountName=desk;AccountKey=k", "DefaultEndpointsProtocol=https;AccountName=desks;AccountKey=k"
    told = [
        from_environment({**GOOD, **each}).installation
        for each in (
            {"AzureWebJobsStorage": one},
            {"AzureWebJobsStorage": one, "STORAGE_PREFIX": "b"},
            {"AzureWebJobsStorage": other},
        )
    ]
    assert len(set(told)) == 3
    by_name = {"AzureWebJobsStorage__accountName": "desk"}
    by_address = {"AzureWebJobsStorage__tableServiceUri": "https://desk.table.core.windows.net/"}
    for reached in (by_name, by_address):
        assert from_environment({**GOOD, "AzureWebJobsStorage": "", **reached}).installation == told[0], reached
    assert all(len(each) == 8 for each in told)
