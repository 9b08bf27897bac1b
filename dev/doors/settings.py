"""App settings, as they reach a function app: environment variables, all of them strings."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from dev.doors.errors import HostError

STORAGE = "AzureWebJobsStorage"
# Identity-based connections: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
_IDENTITY_SUFFIXES = ("__queueServiceUri", "__blobServiceUri", "__serviceUri", "__accountName")


def read_local_settings(path: Path) -> dict[str, str]:
    """Return `Values` of a local.settings.json; as with Core Tools, a variable of the environment wins."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        message = f"{path} is missing: copy local.settings.example.json to local.settings.json and fill it in."
        raise HostError(message) from None
    except ValueError as error:
        message = f"{path} is not JSON: {error}"
        raise HostError(message) from error
    values = document.get("Values") if isinstance(document, dict) else None
    if not isinstance(values, dict):
        raise HostError(f'{path} has no object "Values": the settings go in there, each a string.')
    if document.get("IsEncrypted"):
        raise HostError(f'{path} is encrypted, which only Core Tools can read: set "IsEncrypted" to false.')
    return {name: os.environ.get(name, value) for name, value in check_strings(values, str(path)).items()}


def check_strings(values: Mapping[str, object], where: str) -> dict[str, str]:
    """Return `values` if all are strings; the Functions tools take no other settings."""
    checked = {name: value for name, value in values.items() if isinstance(value, str)}
    wrong = sorted(values.keys() - checked.keys())
    if wrong:
        raise HostError(f"{where}: {', '.join(wrong)}: settings must be strings. Put the value in quotes.")
    return checked


def resolve_names(text: str, settings: Mapping[str, str]) -> str:
    """Replace every %NAME% by that setting. Raises KeyError with the name of one that does not exist."""
    return re.sub(r"%([^%]+)%", lambda match: settings[match[1]], text)


def find_connection(name: str, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings of a storage connection by what follows its name: "" for a connection string.

    Empty where the connection does not exist. The host looks for AzureWebJobsNAME first, then for NAME:
    https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#connections
    """
    for prefix in (f"AzureWebJobs{name}", name or STORAGE):
        found = {
            suffix: settings[prefix + suffix] for suffix in ("", *_IDENTITY_SUFFIXES) if prefix + suffix in settings
        }
        if any(found.values()):
            return found
    return {}
