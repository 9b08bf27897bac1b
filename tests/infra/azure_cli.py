"""A stand-in for the Azure CLI: keeps what the scripts in ``infra`` make, in a JSON file, and answers as they ask.

What it does not know it refuses, so that a misspelt command or option of a script fails here as it would there.
https://learn.microsoft.com/en-us/cli/azure/reference-index
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

APP = "11111111-1111-4111-8111-111111111111"
ROLES = {
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
"""https://learn.microsoft.com/en-us/graph/permissions-reference"""

type State = dict[str, Any]
type Options = dict[str, str]


class Refused(Exception):
    """The command ends with a status that is not 0."""


def install(folder: Path, **state: Any) -> dict[str, str]:
    """Put it, and a ``sleep`` that does not, into a folder; the environment in which scripts find them."""
    folder.mkdir(exist_ok=True)
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    script(folder / "az", f'exec "{sys.executable}" "{__file__}" "$@"')
    script(folder / "sleep", f'echo "$1" >>"{folder}/slept"')
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "AZ_STATE": str(folder / "state.json")}


def script(path: Path, line: str) -> None:
    """A program of one line."""
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def list_secrets(state: State, _given: Options) -> list[str]:
    if state.get("refusals", 0) > 0:
        state["refusals"] -= 1
        raise Refused("(Forbidden) Caller is not authorized to perform action on resource.")
    return sorted(state.get("secrets", {}))


def set_secret(state: State, given: Options) -> list[str]:
    state.setdefault("secrets", {})[given["--name"]] = Path(given["--file"]).read_text(encoding="utf-8")
    return []


def restart(state: State, given: Options) -> list[str]:
    state["restarted"] = given
    return []


def list_apps(state: State, given: Options) -> list[str]:
    wanted = re.fullmatch(r"displayName eq '((?:[^']|'')*)'", given["--filter"])
    if wanted is None:
        raise Refused("Invalid filter clause")
    return [APP] if state.get("name") == wanted[1].replace("''", "'") else []


def create_app(state: State, given: Options) -> list[str]:
    state["name"] = given["--display-name"]
    return [APP]


def show_principal(state: State, given: Options) -> list[str]:
    named = re.search(r"value=='([\w.]+)'", given.get("--query", ""))
    if named:
        return [ROLES[named[1]]] if named[1] in ROLES else []
    if not state.get("principal"):
        raise Refused("Resource does not exist")
    return []


def create_principal(state: State, _given: Options) -> list[str]:
    state["principal"] = True
    return []


def list_permissions(state: State, _given: Options) -> list[str]:
    return list(state.get("permissions", []))


def add_permission(state: State, given: Options) -> list[str]:
    role, _, kind = given["--api-permissions"].partition("=")
    if kind != "Role" or role in state.setdefault("permissions", []):
        raise Refused("The resource access is there already, or is no role")
    state["permissions"].append(role)
    return []


def show_trust(state: State, _given: Options) -> list[str]:
    if "trust" not in state:
        raise Refused("Resource does not exist")
    return []


def create_trust(state: State, given: Options) -> list[str]:
    if "trust" in state:
        raise Refused("FederatedIdentityCredential with name deskbridge already exists")
    return update_trust(state, given)


def update_trust(state: State, given: Options) -> list[str]:
    state["trust"] = json.loads(Path(given["--parameters"].removeprefix("@")).read_text(encoding="utf-8"))
    return []


def consent(state: State, _given: Options) -> list[str]:
    state["consented"] = list(state.get("permissions", []))
    return []


def show_account(_state: State, _given: Options) -> list[str]:
    return ["22222222-2222-4222-8222-222222222222"]


_COMMANDS: dict[str, tuple[Callable[[State, Options], list[str]], set[str]]] = {
    "keyvault secret list": (list_secrets, {"--vault-name", "--query"}),
    "keyvault secret set": (set_secret, {"--vault-name", "--name", "--file", "--encoding"}),
    "functionapp restart": (restart, {"--name", "--resource-group", "--subscription"}),
    "ad app list": (list_apps, {"--filter", "--query"}),
    "ad app create": (create_app, {"--display-name", "--sign-in-audience", "--query"}),
    "ad sp show": (show_principal, {"--id", "--query"}),
    "ad sp create": (create_principal, {"--id"}),
    "ad app permission list": (list_permissions, {"--id", "--query"}),
    "ad app permission add": (add_permission, {"--id", "--api", "--api-permissions"}),
    "ad app permission admin-consent": (consent, {"--id"}),
    "ad app federated-credential show": (show_trust, {"--id", "--federated-credential-id"}),
    "ad app federated-credential create": (create_trust, {"--id", "--parameters"}),
    "ad app federated-credential update": (update_trust, {"--id", "--federated-credential-id", "--parameters"}),
    "account show": (show_account, {"--query"}),
}


def run(state: State, words: list[str]) -> list[str]:
    """Carry out one command; its lines. Raises Refused."""
    first = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    name, rest = " ".join(words[:first]), [word for word in words[first:] if word != "--only-show-errors"]
    if name not in _COMMANDS:
        raise Refused(f"'{name}' is misspelled or not recognized by the system.")
    action, known = _COMMANDS[name]
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    if unknown := given.keys() - known - {"--output"}:
        raise Refused(f"unrecognized arguments: {sorted(unknown)}")
    state.setdefault("calls", []).append(name)
    return action(state, given)


def main() -> int:
    """Answer one command; the exit status."""
    file = Path(os.environ["AZ_STATE"])
    state: State = json.loads(file.read_text(encoding="utf-8"))
    try:
        lines, status = run(state, sys.argv[1:]), 0
    except Refused as refusal:
        lines, status = [], 1
        print(f"ERROR: {refusal}", file=sys.stderr)  # noqa: T201 - it is a program
    file.write_text(json.dumps(state), encoding="utf-8")
    print("\n".join(lines))  # noqa: T201 - the same
    return status


if __name__ == "__main__":
    sys.exit(main())
