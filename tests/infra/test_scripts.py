"""The scripts that are run beside Bicep, by a shell, against a stand-in for the Azure CLI."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.azure_cli import APP, ROLES, install
from tests.world import ROOT

INFRA = ROOT / "infra"
SHELL_SCRIPTS = sorted(INFRA.rglob("*.sh"))
MADE = {
    "AZURE_KEY_VAULT_NAME": "kv-desk",
    "AZURE_FUNCTION_APP_NAME": "func-desk",
    "AZURE_RESOURCE_GROUP": "rg-desk",
    "AZURE_SUBSCRIPTION_ID": "33333333-3333-4333-8333-333333333333",
}
OLD, NEW, TENANT = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "456")


def run(folder: Path, environment: dict[str, str], script: str, *words: str) -> tuple[int, str, dict[str, Any]]:
    """The status of a script, all that it said, and what it left in Azure."""
    shell = shutil.which("dash") or "sh"
    command = [shell, str(INFRA / script), *words]
    ended = subprocess.run(  # noqa: S603 - our own script
        command, env={**environment, **MADE}, capture_output=True, text=True, check=False, timeout=60
    )
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return ended.returncode, ended.stdout + ended.stderr, state


@pytest.mark.parametrize("path", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_a_shell_reads_it(path: Path) -> None:
    shell = shutil.which("dash") or "sh"
    subprocess.run([shell, "-n", str(path)], check=True)  # noqa: S603 - our own script


@pytest.mark.requirement("OPS-8")
def test_the_secrets_are_made_once_the_new_role_is_known(tmp_path: Path) -> None:
    environment = install(tmp_path, refusals=3)
    status, said, left = run(tmp_path, environment, "hooks/make-secrets.sh")
    assert status == 0, said
    made: dict[str, str] = left["secrets"]
    assert made.keys() == {"secret-key", "admin-key"}
    assert {len(base64.b64decode(value, validate=True)) for value in made.values()} == {32}
    assert len(set(made.values())) == 2
    assert not any(value in said for value in made.values())
    assert left["restarted"]["--subscription"] == MADE["AZURE_SUBSCRIPTION_ID"]
    assert run(tmp_path, environment, "hooks/make-secrets.sh")[2]["secrets"] == made


@pytest.mark.requirement("OPS-8")
def test_a_vault_that_does_not_answer_loses_no_secret_key(tmp_path: Path) -> None:
    """Whoever took its silence for "there is none" would write another one over it."""
    status, said, left = run(
        tmp_path, install(tmp_path, refusals=99, secrets={"secret-key": "kept"}), "hooks/make-secrets.sh"
    )
    assert status != 0
    assert "azd hooks run postprovision" in said
    assert left["secrets"] == {"secret-key": "kept"}
    assert "keyvault secret set" not in left["calls"]
    waited = sum(map(int, (tmp_path / "slept").read_text(encoding="utf-8").split()))
    assert waited >= 9 * 60, "a new role takes up to ten minutes"


@pytest.mark.requirement("OPS-8", "CONN-12")
def test_an_app_is_registered_that_trusts_the_identity(tmp_path: Path) -> None:
    environment = install(tmp_path)
    status, said, left = run(tmp_path, environment, "register-app.sh", 'O\'Brien "desk"', NEW, TENANT)
    assert status == 0, said
    assert left["trust"]["subject"] == NEW
    assert left["trust"]["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert sorted(left["consented"]) == sorted(ROLES.values())
    told = json.loads(next(line for line in said.splitlines() if "client_id" in line))
    assert (told["name"], told["client_id"], told["managed_identity"]) == ('O\'Brien "desk"', APP, True)
    again, said, after = run(tmp_path, environment, "register-app.sh", 'O\'Brien "desk"', NEW, TENANT)
    assert again == 0, said
    assert {**after, "calls": ()} == {**left, "calls": ()}
    assert after["calls"].count("ad app create") == 1


@pytest.mark.requirement("OPS-8", "CONN-12")
def test_a_trust_in_another_identity_is_put_right(tmp_path: Path) -> None:
    """As docs/deploy.md promises for AADSTS700213."""
    environment = install(tmp_path)
    run(tmp_path, environment, "register-app.sh", "Desk", OLD, TENANT)
    status, said, left = run(tmp_path, environment, "register-app.sh", "Desk", NEW, TENANT)
    assert status == 0, said
    assert left["trust"]["subject"] == NEW


def test_a_permission_that_graph_has_not_ends_it_with_its_name(tmp_path: Path) -> None:
    status, said, left = run(tmp_path, install(tmp_path), "register-app.sh", "Desk", NEW, TENANT, "Mail.Everything")
    assert status != 0
    assert "Mail.Everything" in said
    assert "consented" not in left


@pytest.mark.requirement("OPS-8")
def test_both_shells_are_told_the_same() -> None:
    """PowerShell cannot be run here: what its scripts ask of Azure is compared with their twins."""
    for stem in ("register-app", "hooks/make-secrets"):
        shell, power = ((INFRA / f"{stem}.{kind}").read_text(encoding="utf-8") for kind in ("sh", "ps1"))
        assert ("api://AzureADTokenExchange" in shell) == ("api://AzureADTokenExchange" in power)
        for word in ("keyvault secret list", "keyvault secret set", "functionapp restart", "--subscription"):
            assert (word in shell) == (word in power), word
    power = (INFRA / "register-app.ps1").read_text(encoding="utf-8")
    assert "Update-MgApplicationFederatedIdentityCredential" in power
