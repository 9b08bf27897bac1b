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
from datetime import date
from pathlib import Path
from typing import Any

from dev.desk_api import ApiError, DeskApi, Refused
from dev.stack import ADDRESS_FILE, Addresses
from dev.tenant import CLIENT, CLIENT_SECRET, TENANT
from shared.connections.permissions import PERMISSIONS, Kind, Permission, to_delegate

NO_APP = "No app runs here. Start one (python3.13 -m dev run), or name one: --url https://... --key-file FILE"
SIGN_IN_SECONDS = 600
"""As long as the app remembers that a sign-in was begun."""
_GUID_FORM = "an id like 11111111-2222-3333-4444-555555555555"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MARKS = {"granted": "yes", "missing": "MISSING", "undecided": "see mailboxes", "not-needed": "not needed"}

REGISTER = """\
1. Register the app. Open https://entra.microsoft.com as an administrator of the tenant:
   Entra ID > App registrations > New registration
   Name: Deskbridge.  Accounts: this organizational directory only.  Redirect URI: leave it empty.
   The page that follows shows two ids; they are asked for below.
"""
CONSENT = """\
2. Let it in. In the same app: API permissions > Add a permission > Microsoft Graph. Add those of one of these ways,
   remove User.Read unless it is among them, and press "Grant admin consent":
"""
WAYS: tuple[tuple[Kind, frozenset[str], str], ...] = (
    ("application", frozenset({"mail"}), "application: the app acts for itself. Application permissions:"),
    ("delegated", frozenset({"mail"}), "delegated: it acts in the name of one account. Delegated permissions:"),
    (
        "delegated",
        frozenset({"calendar", "own-account"}),
        "agents: each signs in for their calendar. Delegated permissions:",
    ),
)
PROOF = """\
   For the last two also: Authentication > Add a platform > Web, with the redirect URI that is shown below.

3. Let it prove itself. In the same app: Certificates & secrets.
   secret: New client secret. Copy its Value at once (not its Secret ID): it is never shown again.
   certificate: upload the public part; the PEM file with private key and certificate is asked for below.
   vault: a certificate that lives in the app's key vault; its name is asked for below.
   identity: no secret at all. Federated credentials > Add > Managed identity: choose the identity of this app.
"""
EMULATED = f"""\
   This app runs beside an emulator of Microsoft 365. To try it without a tenant of your own, answer: tenant {TENANT},
   client {CLIENT}, cloud local, secret {CLIENT_SECRET}
"""


def main(argv: list[str]) -> int:
    """Ask, connect, test and report; 0 if everything works, 1 if something must be mended, 2 without an app."""
    given = _parse(argv)
    desk = _find_app(given)
    if desk is None:
        print(NO_APP, file=sys.stderr)
        return 2
    try:
        return _connect(desk, emulated=given.url is None)
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
    given = parser.parse_args(argv)
    if (given.url is None) != (given.key_file is None):
        parser.error("--url and --key-file need each other")
    if given.key_file and not given.key_file.is_file():
        parser.error(f"there is no file {given.key_file}")
    return given


def _find_app(given: argparse.Namespace) -> DeskApi | None:
    if given.url and given.key_file:
        return DeskApi(given.url.rstrip("/"), given.key_file.read_text(encoding="utf-8").strip())
    found = Addresses.find(given.stack)
    return DeskApi(found.app_url, found.admin_key) if found else None


def _connect(desk: DeskApi, *, emulated: bool) -> int:
    print(REGISTER)
    print(CONSENT)
    _print_needed()
    print(PROOF)
    if emulated:
        print(EMULATED)
    made = _make(desk)
    print(f"\nKept as connection {made['connection_id']}. No secret of it is ever shown again.\n")
    connection = f"/connections/{made['connection_id']}"
    if made["method"] == "agents":
        return _connect_agents(desk, connection)
    if made["method"] == "delegated" and not _sign_in(desk, connection, "the account whose mailboxes are meant"):
        return 1
    print("4. Which mailboxes become tickets? One address a line, an empty line when that is all.")
    while address := _ask("mailbox", _may_be_address, "an address, or nothing"):
        mailbox = {"connection_id": made["connection_id"], "address": address}
        _accepted(desk.post, "/mailboxes", mailbox)
    print("\n5. Name a mailbox that the app must NOT reach, to see that it is refused; or nothing.")
    outside = _ask("outside", _may_be_address, "an address, or nothing")
    ended = _test(desk, connection, {"outside_address": outside} if outside else {})
    if ended == 0 and made["method"] == "application":
        print(f"To limit the app to these mailboxes: GET /api/v1{connection}/scoping")
    return ended


def _make(desk: DeskApi) -> Any:
    """Ask until the app takes the connection; what was typed before is proposed again, but for what is secret."""
    about: dict[str, str] = {}
    while True:
        about = _ask_about(about)
        if made := _accepted(desk.post, "/connections", {**about, **_ask_proof()}):
            return made
        print("   Once more: an empty line leaves what stands in brackets as it is.")


def _accepted(ask: Callable[..., Any], *given: object) -> Any:
    """What the app answers; None, once its reason was shown, where a value was wrong."""
    try:
        return ask(*given)
    except Refused as refusal:
        print(f"   That was refused. {refusal}")
        return None


def _test(desk: DeskApi, connection: str, wishes: dict[str, str]) -> int:
    """Test, and let people mend what is wrong and test again, until all is well or they stop."""
    while True:
        found = _accepted(desk.post, f"{connection}/test", wishes)
        if found is None:
            wishes = {}
        elif _report(connection, found) == 0:
            return 0
        elif not _mended(desk, connection):
            return 1


def _mended(desk: DeskApi, connection: str) -> bool:
    """Whether to test again; another proof is asked for where somebody has one."""
    try:
        said = _ask("\n   again, proof (enter another one), or stop", _is_next, "one of these", "again")
        if said == "proof":
            _accepted(desk.put, f"{connection}/secret", _ask_proof())
    except EOFError:
        return False
    return said != "stop"


def _connect_agents(desk: DeskApi, connection: str) -> int:
    """Let agents sign in one after the other; who does not is left out."""
    print("4. Which agents? One address a line, an empty line when that is all.")
    while address := _ask("agent", _may_be_address, "an address, or nothing"):
        _accepted(_sign_in, desk, f"{connection}/agents/{address}", address)
    return _test(desk, connection, {})


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


def _ask_about(known: dict[str, str]) -> dict[str, str]:
    """What a connection is, but for its proof. ``known``: what was answered before."""
    questions: tuple[tuple[str, str, Callable[[str], object], str, str], ...] = (
        ("name", "name of the customer", bool, "a name", ""),
        ("tenant_id", "Directory (tenant) ID", _is_guid, _GUID_FORM, ""),
        ("client_id", "Application (client) ID", _is_guid, _GUID_FORM, ""),
        ("cloud", "cloud (global, usgov, dod, china)", _is_cloud, "one of these", "global"),
        ("method", "permissions (application, delegated, agents)", _is_method, "one of these", "application"),
    )
    return {key: _ask(what, fits, form, known.get(key, usual)) for key, what, fits, form, usual in questions}


def _ask_proof() -> dict[str, Any]:
    """What the app proves itself with."""
    match _ask("proof (secret, certificate, vault, identity)", _is_kind, "one of these", "secret"):
        case "secret":
            value = _ask("Value of the client secret", bool, "the value", hidden=True)
            ends = _ask("it ends on (2027-12-31, or nothing)", _is_day, "a day, or nothing")
            return {"client_secret": value} | ({"secret_ends_on": ends} if ends else {})
        case "certificate":
            path = _ask("PEM file with private key and certificate", _is_text_file, "an existing text file")
            return {"certificate": Path(path).read_text(encoding="utf-8")}
        case "vault":
            return {"vault_certificate": _ask("name of the certificate in the app's key vault", bool, "a name")}
        case _:
            return {"managed_identity": True}


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


def _is_next(text: str) -> bool:
    return text in ("again", "proof", "stop")


def _may_be_address(text: str) -> bool:
    return not text or "@" in text


def _is_text_file(text: str) -> bool:
    try:
        return bool(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _is_day(text: str) -> bool:
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _print_needed() -> None:
    for kind, features, title in WAYS:
        print(f"   {title}")
        for each in PERMISSIONS:
            if each.feature in features and kind in each.kinds and (kind == "application" or _is_asked(each, features)):
                print(f"      {each.name:<24}{'needed' if each.mandatory else 'optional':<10}{each.purpose}")
        print()


def _is_asked(permission: Permission, features: frozenset[str]) -> bool:
    """Whether an account that signs in is asked for it."""
    return permission.name in to_delegate(features)


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
