"""The part of the control plane that works on a tenant's directory, as JSON under `/_control`; all take `?tenant=`.

POST   users                 {"userPrincipalName", ...properties}
PATCH  users?key=            {...properties}
DELETE users?key=            into the bin; DELETE bin?key= for good
POST   restore?key=
POST   groups                {"displayName", "members": [keys], ...properties}
PATCH  groups?key=           {...properties}       DELETE groups?key=
POST   members?key=          {"add": [keys], "remove": [keys]}
POST   manager?key=          {"manager": key | null}
POST   skus                  {"skuPartNumber", "units", "plans": [names]}
POST   licenses?key=         {"skuPartNumber", "disabledPlans": [ids]}, of a user or a group
DELETE licenses?key=         {"skuPartNumber"}
POST   roles                 {"client_id", "roles": [...]}: what the app is granted from now on
POST   populate              {"seed", "users", "groups"}

A key is an object id, a user principal name or the display name of a group.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dev.graph.directory.entries import Entry
from dev.graph.directory.licensing import Sku
from dev.graph.directory.state import Directory
from dev.graph.wire import Json

if TYPE_CHECKING:
    from dev.graph.emulator import Emulator

type _Deed = Callable[[Directory, str, Json], Entry | None]


def _add_user(directory: Directory, _key: str, body: Json) -> Entry:
    return directory.add_user(body.pop("userPrincipalName"), **body)


def _add_group(directory: Directory, _key: str, body: Json) -> Entry:
    return directory.add_group(body.pop("displayName"), body.pop("members", ()), **body)


def _change(directory: Directory, key: str, body: Json) -> Entry:
    return directory.change(key, **body)


def _delete(directory: Directory, key: str, _body: Json) -> Entry:
    return directory.delete(key)


def _restore(directory: Directory, key: str, _body: Json) -> Entry:
    return directory.restore(key)


def _purge(directory: Directory, key: str, _body: Json) -> None:
    directory.purge(key)


def _members(directory: Directory, key: str, body: Json) -> None:
    directory.add_members(key, *body.get("add", ()))
    directory.remove_members(key, *body.get("remove", ()))


def _manager(directory: Directory, key: str, body: Json) -> None:
    directory.set_manager(key, body["manager"])


def _buy(directory: Directory, _key: str, body: Json) -> None:
    directory.licensing.buy(body["skuPartNumber"], int(body["units"]), body.get("plans", ()))


def _assign(directory: Directory, key: str, body: Json) -> None:
    entry, sku = directory.get(key), _sku(directory, body)
    licensing = directory.licensing
    give = licensing.assign if entry.kind.name == "user" else licensing.assign_to_group
    give(entry, sku, body.get("disabledPlans", ()))


def _take_away(directory: Directory, key: str, body: Json) -> None:
    entry, licensing = directory.get(key), directory.licensing
    take = licensing.remove if entry.kind.name == "user" else licensing.remove_from_group
    take(entry, _sku(directory, body))


def _sku(directory: Directory, body: Json) -> Sku:
    return directory.licensing.named(body["skuPartNumber"])


def _on_directory(deed: _Deed) -> Callable[["Emulator", dict[str, str], bytes], Json]:
    def act(emulator: "Emulator", options: dict[str, str], body: bytes) -> Json:
        directory = emulator.directory(options["tenant"])
        with directory.lock:
            entry = deed(directory, options.get("key", ""), json.loads(body or b"{}"))
        return {"id": entry.id} if entry else {}

    return act


def _roles(emulator: "Emulator", options: dict[str, str], body: bytes) -> None:
    wanted = json.loads(body)
    emulator.change_roles(options["tenant"], wanted["client_id"], *wanted["roles"])


def _populate(emulator: "Emulator", options: dict[str, str], body: bytes) -> Json:
    wanted = json.loads(body)
    found = emulator.populate(options["tenant"], int(wanted["seed"]), int(wanted["users"]), int(wanted["groups"]))
    return {"users": len(found.users), "groups": len(found.groups)}


ACTIONS: dict[tuple[str, str], Callable[["Emulator", dict[str, str], bytes], Any]] = {
    ("POST", "users"): _on_directory(_add_user),
    ("PATCH", "users"): _on_directory(_change),
    ("DELETE", "users"): _on_directory(_delete),
    ("DELETE", "bin"): _on_directory(_purge),
    ("POST", "restore"): _on_directory(_restore),
    ("POST", "groups"): _on_directory(_add_group),
    ("PATCH", "groups"): _on_directory(_change),
    ("DELETE", "groups"): _on_directory(_delete),
    ("POST", "members"): _on_directory(_members),
    ("POST", "manager"): _on_directory(_manager),
    ("POST", "skus"): _on_directory(_buy),
    ("POST", "licenses"): _on_directory(_assign),
    ("DELETE", "licenses"): _on_directory(_take_away),
    ("POST", "roles"): _roles,
    ("POST", "populate"): _populate,
}
