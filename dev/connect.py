"""python3.13 -m dev connect: connect a tenant step by step, from the clicks in Entra to a test of every door.

It talks to a running app through the admin API, and keeps nothing itself: the one that runs here, or any other by
`--url` and `--key-file`.
"""

import argparse
import getpass
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.desk_api import ApiError, DeskApi
from dev.stack import ADDRESS_FILE, Addresses
from shared.connections.permissions import PERMISSIONS

NO_APP = "No app runs here. Start one (python3.13 -m dev run), or name one: --url https://... --key-file FILE"
SIGN_IN_SECONDS = 600
"""As long as the app remembers that a sign-in was begun."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MARKS = {"granted": "yes", "missing": "MISSING", "undecided": "see mailboxes", "not-needed": "not needed"}

REGISTER = """\
1. Register the app. Open https://entra.microsoft.com as an administrator of the tenant:
   Entra ID > App registrations > New registration
   Name: Deskbridge.  Accounts: this organizational directory only.  Redirect URI: leave it empty.
   The page that follows shows two ids; they are asked for below.
"""
CONSENT = """\
2. Let it in. In the same app: API permissions > Add a permission > Microsoft Graph > Application permissions.
   Add these, remove User.Read, and press "Grant admin consent":
"""
PROOF = """\
   To act in the name of one account instead: the delegated permissions Mail.ReadWrite and Mail.ReadWrite.Shared, and
   under Authentication > Add a platform > Web the redirect URI that is shown below. For calendars, to which each agent
   signs in for themselves: likewise, with the delegated permissions Calendars.ReadWrite and User.Read.

3. Let it prove itself. In the same app: Certificates & secrets.
   secret: New client secret. Copy its Value at once (not its Secret ID): it is never shown again.
   certificate: upload the public part; the PEM file with private key and certificate is asked for below.
   identity: no secret at all. Federated credentials > Add > Managed identity: choose the identity of this app.
"""


def main(argv: list[str]) -> int:
    """Ask, connect, test and report; 0 if everything works, 1 if something must be mended, 2 without an app."""
    given = _parse(argv)
    desk = _find_app(given)
    if desk is None:
        print(NO_APP, file=sys.stderr)
        return 2
    try:
        return _connect(desk)
    except ApiError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("\nStopped. What was connected so far is kept; see GET /api/v1/connections.", file=sys.stderr)
        return 130


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3.13 -m dev connect", description="Connect a tenant, step by step.")
    parser.add_argument("--url", help="where the app is; without it the one that runs here")
    parser.add_argument("--key-file", type=Path, help="a file that holds its ADMIN_KEY")
    parser.add_argument("--stack", type=Path, default=ADDRESS_FILE, help="where a running stack told its addresses")
    return parser.parse_args(argv)


def _find_app(given: argparse.Namespace) -> DeskApi | None:
    if given.url and given.key_file:
        return DeskApi(given.url.rstrip("/"), given.key_file.read_text(encoding="utf-8").strip())
    found = Addresses.find(given.stack)
    return DeskApi(found.app_url, found.admin_key) if found else None


def _connect(desk: DeskApi) -> int:
    print(REGISTER)
    print(CONSENT)
    _print_needed()
    print(PROOF)
    made = desk.post("/connections", _ask_connection())
    print(f"\nKept as connection {made['connection_id']}. Its secret is sealed, and is never shown again.\n")
    connection = f"/connections/{made['connection_id']}"
    if made["method"] == "agents":
        return _connect_agents(desk, connection)
    if made["method"] == "delegated" and not _sign_in(desk, connection, "the account whose mailboxes are meant"):
        return 1
    print("4. Which mailboxes become tickets? One address a line, an empty line when that is all.")
    while address := _ask("mailbox", lambda text: not text or "@" in text, "an address, or nothing"):
        desk.post("/mailboxes", {"connection_id": made["connection_id"], "address": address})
    print("\n5. Name a mailbox that the app must NOT reach, to see that it is refused; or nothing.")
    outside = _ask("outside", lambda text: not text or "@" in text, "an address, or nothing")
    wishes = {"outside_address": outside} if outside else {}
    ended = _report(connection, desk.post(f"{connection}/test", wishes))
    if ended == 0:
        print(f"To limit the app to these mailboxes: GET /api/v1{connection}/scoping")
    return ended


def _connect_agents(desk: DeskApi, connection: str) -> int:
    """Let agents sign in one after the other; who does not is left out."""
    print("4. Which agents? One address a line, an empty line when that is all.")
    while address := _ask("agent", lambda text: not text or "@" in text, "an address, or nothing"):
        _sign_in(desk, f"{connection}/agents/{address}", address)
    return _report(connection, desk.post(f"{connection}/test"))


def _sign_in(desk: DeskApi, path: str, account: str) -> bool:
    """Let a person sign in by browser; whether they did in time. ``path``: of whom they sign in for."""
    begun = desk.post(f"{path}/sign-in")
    print(f"   Redirect URI, to be entered in Entra letter by letter:  {begun['redirect_uri']}")
    print(f"   Then open this address and sign in as {account}:")
    print(f"   {begun['url']}\n   waiting...", flush=True)
    until = time.monotonic() + SIGN_IN_SECONDS
    while time.monotonic() < until:
        if desk.get(path)["state"] == "connected":
            print("   signed in\n")
            return True
        time.sleep(1)
    print(f"   Nobody has signed in. Begin again: POST /api/v1{path}/sign-in")
    return False


def _ask_connection() -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": _ask("name of the customer", bool, "a name"),
        "tenant_id": _ask("Directory (tenant) ID", _is_guid, "an id like 11111111-2222-3333-4444-555555555555"),
        "client_id": _ask("Application (client) ID", _is_guid, "an id like 11111111-2222-3333-4444-555555555555"),
        "cloud": _ask("cloud (global, usgov, dod, china)", _is_cloud, "one of these", "global"),
    }
    body["method"] = _ask("permissions (application, delegated, agents)", _is_method, "one of these", "application")
    kind = _ask("proof (secret, certificate, vault, identity)", _is_kind, "one of these", "secret")
    if kind == "secret":
        body["client_secret"] = _ask("Value of the client secret", bool, "the value", hidden=True)
        if ends := _ask("it ends on (2027-12-31, or nothing)", _is_day, "a day, or nothing"):
            body["secret_ends_on"] = ends
    elif kind == "certificate":
        path = _ask("PEM file with private key and certificate", lambda text: Path(text).is_file(), "an existing file")
        body["certificate"] = Path(path).read_text(encoding="utf-8")
    elif kind == "vault":
        body["vault_certificate"] = _ask("name of the certificate in the app's key vault", bool, "a name")
    else:
        body["managed_identity"] = True
    return body


def _ask(what: str, fits: Callable[[str], object], form: str, usual: str = "", *, hidden: bool = False) -> str:
    """Ask until the answer fits; what is typed hidden is not shown, where there is a terminal."""
    prompt = f"   {what}{f' [{usual}]' if usual else ''}: "
    while True:
        typed = getpass.getpass(prompt) if hidden and sys.stdin.isatty() else input(prompt)
        answer = typed.strip() or usual
        if fits(answer):
            return answer
        print(f"   That should be {form}.")


def _is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


def _is_cloud(text: str) -> bool:
    return text in ("global", "usgov", "dod", "china", "local")


def _is_method(text: str) -> bool:
    return text in ("application", "delegated", "agents")


def _is_kind(text: str) -> bool:
    return text in ("secret", "certificate", "vault", "identity")


def _is_day(text: str) -> bool:
    return not text or re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def _print_needed() -> None:
    for each in PERMISSIONS:
        if each.feature == "mail" and "application" in each.kinds:
            print(f"   {each.name:<24}{'needed' if each.mandatory else 'optional':<10}{each.purpose}")
    print()


def _report(connection: str, trial: dict[str, Any]) -> int:
    print("\nWhat was tried:")
    for probe in trial["probes"]:
        print(f"   {'OK  ' if probe['ok'] else 'FAIL'} {probe['name']:<14}{probe['target']}")
        if not probe["ok"]:
            print(f"        {probe['cause']}\n        -> {probe['cure']}")
    print("\nWhat was granted:")
    for line in trial["permissions"]:
        print(f"   {line['permission']:<24}{_MARKS.get(line['standing'], line['standing']):<15}{line['purpose']}")
    if not trial["ok"]:
        print(f"\nNot yet. First: {trial['cause']}\n-> {trial['cure']}\nThen: POST /api/v1{connection}/test")
        return 1
    print("\nIt works.")
    return 0
