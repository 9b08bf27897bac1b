"""What ``azd up`` would deploy, as far as it can be proven without Azure; each check is shown a fault that it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.arm import unknown_properties
from tests.infra.bicep import (
    INFRA,
    Files,
    Source,
    Unreadable,
    find,
    first,
    parse,
    properties,
    read_files,
    strings,
    text_of,
    walk,
)
from tests.infra.symbols import misused_modules, required, undefined, undescribed, unused
from tests.test_docs import NOT_OURS, read_settings
from tests.world import ROOT

ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles"""
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SET_BY_AZURE = {
    "WEBSITE_AUTH_ENABLED", "WEBSITE_HOSTNAME", "WEBSITE_INSTANCE_ID", "WEBSITE_SKU", "WEBSITE_POD_NAME",
}  # fmt: skip
SET_BY_AZD = {"AZURE_SUBSCRIPTION_ID"}
"""https://learn.microsoft.com/en-us/azure/developer/azure-developer-cli/manage-environment-variables"""
LOCAL_ONLY = {
    "AzureWebJobsStorage", "AzureWebJobsStorage__accountName", "FUNCTIONS_WORKER_RUNTIME", "LOCAL_CLOUD_URL",
}  # fmt: skip
"""A connection string, a name that the addresses spare, what the plan knows without being told, and the emulator."""
PLATFORM = {
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
"""Read by the host in Azure."""
REFUSED_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD",
    "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_CONTENTSHARE", "WEBSITE_TIME_ZONE", "FUNCTIONS_WORKER_PROCESS_COUNT",
}  # fmt: skip
"""https://learn.microsoft.com/en-us/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations"""


def faults(files: Files, parameters: str) -> list[str]:
    """Everything that is wrong, one line each."""
    try:
        sources = {path: parse(path, text) for path, text in files.items()}
    except Unreadable as error:
        return [str(error)]
    found: list[str] = []
    for source in sources.values():
        for check in (undefined, unused, undescribed, unknown_properties):
            found += check(source)
        found += misused_modules(source, sources)
    found += wrong_parameters(sources["main.bicep"], json.loads(parameters)["parameters"])
    found += wrong_roles(files)
    found += wrong_settings(sources["app/functions.bicep"])
    found += wrong_paths(sources["app/functions.bicep"])
    found += unheard_events(files["app/alerts.bicep"])
    found += insecure(sources)
    return found


def wrong_parameters(main: Source, given: dict[str, object]) -> Iterator[str]:
    """Parameters that the file gives and ``main.bicep`` has not, and the other way round."""
    known = set(main.names("parameter"))
    yield from (f"main.parameters.json: {name} is no parameter" for name in sorted(set(given) - known))
    yield from (f"main.parameters.json: {name} is missing" for name in sorted(known - set(given)))
    yield from (f"main.parameters.json: {name} is required" for name in sorted(required(main) - set(given)))


def wrong_roles(files: Files) -> Iterator[str]:
    """Ids that are no role's, or another role's than the name beside them says."""
    for path, text in files.items():
        for name, guid in re.findall(rf"(\w+)\W+({GUID.pattern})", text):
            if ROLES.get(name) != guid:
                yield f"{path}: {name} is not {guid}"


def wrong_settings(functions: Source) -> Iterator[str]:
    """Settings that the app does not read, settings that it is not given, and those that the plan refuses."""
    given = set(properties(find(functions.get("resource", "settings"), "properties")))
    needed = (read_settings() | NOT_OURS) - SET_BY_AZURE - LOCAL_ONLY
    yield from (f"functions.bicep: {name} is read by nobody" for name in sorted(given - needed - PLATFORM))
    yield from (f"functions.bicep: {name} is not given" for name in sorted((needed | PLATFORM) - given))
    yield from (f"functions.bicep: {name} is refused by the plan" for name in sorted(given & REFUSED_ON_FLEX))


def wrong_paths(functions: Source) -> Iterator[str]:
    """Sign-in must leave alone what checks its callers in another way, and nothing else."""
    excluded = set(strings(first(functions.get("variable", "anonymousPaths"), "array")))
    routes = set(re.findall(r'@app\.route\("([^"]+)"', (ROOT / "function_app.py").read_text(encoding="utf-8")))
    anonymous = {f"/{route}" for route in routes if not route.startswith("api/v1/")}
    yield from (f"functions.bicep: {path} is open and no route" for path in sorted(excluded - anonymous))
    yield from (f"functions.bicep: {path} is closed to its callers" for path in sorted(anonymous - excluded))


def unheard_events(alerts: str) -> Iterator[str]:
    """Alert rules that wait for a line that nobody logs."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py"))
    for event in re.findall(r"event: '([\w.]+)'", alerts):
        area, _, name = event.partition(".")
        if f'"{event}"' not in source and not (area == "alert" and f'"{name}"' in source):
            yield f"alerts.bicep: nothing logs {event}"


def insecure(sources: dict[str, Source]) -> Iterator[str]:
    """What must stay as it is for the installation to hold no key and nothing public."""
    wanted = {
        ("app/storage.bicep", "account", "properties.allowSharedKeyAccess"): "false",
        ("app/storage.bicep", "account", "properties.allowBlobPublicAccess"): "false",
        ("app/storage.bicep", "package", "properties.publicAccess"): "None",
        ("app/vault.bicep", "vault", "properties.enableRbacAuthorization"): "true",
        ("app/vault.bicep", "vault", "properties.enablePurgeProtection"): "true",
        ("app/monitoring.bicep", "insights", "properties.DisableLocalAuth"): "true",
        ("app/functions.bicep", "app", "properties.httpsOnly"): "true",
        ("app/functions.bicep", "app", "properties.siteConfig.ftpsState"): "Disabled",
    }
    for (path, name, where), value in wanted.items():
        try:
            found = text_of(find(sources[path].get("resource", name), where))
        except KeyError:
            found = "nothing"
        if found != value:
            yield f"{path}: {where} is {found}, not {value}"


PARAMETERS = (INFRA / "main.parameters.json").read_text(encoding="utf-8")


@pytest.mark.requirement("OPS-8")
def test_nothing_is_wrong() -> None:
    assert faults(read_files(), PARAMETERS) == []


SEEDED = [
    ("main.bicep", "tags: tags", "tags: tgas", "main.bicep: tgas is not declared"),
    ("main.bicep", "var token =", "var tokne =", "main.bicep: token is not declared"),
    ("app/vault.bicep", "param writerType string", "param writerType string =", "app/vault.bicep: tree-sitter"),
    (
        "app/storage.bicep",
        "param location string",
        "param location string\n@description('x')\nparam idle string",
        "app/storage.bicep: idle is not used",
    ),
    ("app/identity.bicep", "@description('Azure region.')\n", "", "app/identity.bicep: location has no description"),
    ("main.bicep", "ownerId: identity", "owner: identity", "main.bicep: app/storage.bicep has no parameter owner"),
    (
        "main.bicep",
        "    readerId: identity.outputs.principalId\n",
        "",
        "main.bicep: app/vault.bicep is not given readerId",
    ),
    ("main.bicep", "vault.outputs.url", "vault.outputs.uri", "main.bicep: app/vault.bicep has no output uri"),
    ("main.bicep", "'app/vault.bicep'", "'app/valut.bicep'", "main.bicep: vault has no file app/valut.bicep"),
    (
        "app/functions.bicep",
        "instanceMemoryMB",
        "instanceMemoryMb",
        "app/functions.bicep: Microsoft.Web/sites has no properties.functionAppConfig.scaleAndConcurrency.instanceM",
    ),
    (
        "app/functions.bicep",
        "excludedPaths:",
        "excludePaths:",
        "app/functions.bicep: Microsoft.Web/sites/config authsettingsV2 has no properties.globalValidation.exclude",
    ),
    (
        "app/alerts.bicep",
        "evaluationFrequency",
        "evaluationInterval",
        "app/alerts.bicep: Microsoft.Insights/scheduledQueryRules has no properties.evaluationInterval",
    ),
    (
        "app/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "app/storage.bicep: properties.allowSharedKeyAccess is true, not false",
    ),
    (
        "app/storage.bicep",
        "974c5e8b-45b9",
        "974c5e8c-45b9",
        "app/storage.bicep: storageQueueDataContributor is not 974c5e8c-45b9-4653-ba55-5f855dd0fb88",
    ),
    (
        "app/functions.bicep",
        "SLICE_SECONDS: '240'",
        "SLICE_SECOND: '240'",
        "functions.bicep: SLICE_SECONDS is not given",
    ),
    (
        "app/functions.bicep",
        "LOG_LEVEL: 'INFO'",
        "LOG_LEVEL: 'INFO'\n    WEBSITE_TIME_ZONE: 'UTC'",
        "functions.bicep: WEBSITE_TIME_ZONE is refused by the plan",
    ),
    ("app/functions.bicep", "'/auth/callback'\n", "'/api/v1'\n", "functions.bicep: /api/v1 is open and no route"),
    ("app/functions.bicep", "  '/graph/lifecycle'\n", "", "functions.bicep: /graph/lifecycle is closed to its callers"),
    ("app/alerts.bicep", "'work.poison'", "'work.poisoned'", "alerts.bicep: nothing logs work.poisoned"),
]


@pytest.mark.parametrize(("path", "right", "wrong", "fault"), SEEDED, ids=[each[3] for each in SEEDED])
def test_a_fault_is_found(path: str, right: str, wrong: str, fault: str) -> None:
    files = read_files()
    assert right in files[path]
    files[path] = files[path].replace(right, wrong, 1)
    assert any(found.startswith(fault) for found in faults(files, PARAMETERS)), faults(files, PARAMETERS)


def test_a_missing_parameter_is_found() -> None:
    fewer = json.loads(PARAMETERS)
    del fewer["parameters"]["location"]
    fewer["parameters"]["colour"] = {"value": "red"}
    found = faults(read_files(), json.dumps(fewer))
    assert "main.parameters.json: location is missing" in found
    assert "main.parameters.json: colour is no parameter" in found


def test_schedules_and_numbers_are_the_same_on_both_sides() -> None:
    """What a developer runs is what Azure runs, where the value is no question of the place."""
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    text = read_files()["app/functions.bicep"]
    for name in (each for each in example if each.endswith(("_SCHEDULE", "_SECONDS", "_DAYS", "_COUNT"))):
        assert f"{name}: '{example[name]}'" in text, name


@pytest.mark.requirement("OPS-8")
def test_only_the_silence_of_a_line_that_is_repeated_means_that_all_is_well() -> None:
    """Azure Monitor tells "resolved" when a rule finds nothing any more; what is logged once is found once."""
    text = read_files()["app/alerts.bicep"]
    repeated = dict(re.findall(r"event: '([\w.]+)'\n\s+severity: \d\n\s+repeats: (\w+)", text))
    assert len(repeated) == text.count("event: '")
    assert [event for event, value in repeated.items() if value == "true"] == ["mailbox.late"]
    rules = parse("app/alerts.bicep", text).get("resource", "queries")
    assert text_of(find(rules, "properties.autoMitigate")) == "rule.repeats"


@pytest.mark.requirement("OPS-8")
def test_sign_in_is_switched_off_again_where_it_is_not_wanted() -> None:
    """A resource with a condition stays as it was once the condition does not hold."""
    rules = parse("app/functions.bicep", read_files()["app/functions.bicep"]).get("resource", "signIn")
    assert not [node for node in rules.named_children if node.type == "if_statement"]
    assert text_of(find(rules, "properties.platform.enabled")) == "signsIn"


def test_what_is_kept_warm_is_a_function_of_ours() -> None:
    named = re.findall(r"'function:(\w+)'", read_files()["app/functions.bicep"])
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    assert named == ["sync_mailbox"]
    assert all(f'@app.function_name("{name}")' in source for name in named)


def test_the_scripts_of_azure_yaml_are_there() -> None:
    text = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    named = re.findall(r"run: (\S+)", text)
    assert named
    assert all((ROOT / Path(name)).is_file() for name in named)
    assert "azd-service-name': 'app'" in read_files()["app/functions.bicep"]
    assert re.search(r"^  app:", text, re.MULTILINE)


def test_what_the_scripts_use_is_an_output() -> None:
    outputs = set(parse("main.bicep", read_files()["main.bicep"]).names("output"))
    for script in (INFRA / "hooks").iterdir():
        used = set(re.findall(r"\$(?:env:)?((?:AZURE|DESKBRIDGE)_\w+)", script.read_text(encoding="utf-8")))
        assert used
        assert used <= outputs | SET_BY_AZD, script


def test_no_secret_leaves_as_an_output() -> None:
    for path, text in read_files().items():
        for node in parse(path, text).declarations("output"):
            words = text_of(node).lower()
            assert "listkeys" not in words and "alertwebhookurl" not in words, words
        assert not any(text_of(node).startswith("listKeys") for node in walk(parse(path, text).root))
