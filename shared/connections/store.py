"""What is kept of a connection, and the Graph client that it stands for.

A connection is *connected*; or it *needs_sign_in*, because Entra gave no token and a person must do something about it;
or it was *disconnected* by a person. Unless it is connected, and meant for the environment that this app runs in, it
rests: no work of it begins, whatever knocks, and what arrives meanwhile waits where it is.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict, cast

from shared import log
from shared.clock import to_text
from shared.connections import safekeeping
from shared.connections.permissions import to_delegate
from shared.connections.safekeeping import Credential
from shared.errors import Conflict, NotFound
from shared.graph.clouds import Lack, lacks_of
from shared.graph.errors import SignInFailed, nobody_signed_in, sign_in_changed
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowChanged, RowExists

if TYPE_CHECKING:
    from shared.graph.authorization import Authorization
    from shared.graph.client import Delegation, GraphClient
    from shared.graph.proofs import Kind

TABLE = "Connections"
PRODUCTION = "production"
PARTITION = "connections"
AGENTS = "agents"
"""The method of a connection for which each agent signs in for themselves."""
REMEMBERED_SECONDS = 60
"""How old what is known of a connection may be, where nothing else is said."""


type ConnectionState = Literal["connected", "needs_sign_in", "disconnected"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant and an app registration. ``sealed_secret`` opens only with the app's key and for this connection.

    Where the secret lies in Key Vault instead, ``vault_secret`` and ``vault_version`` say as what, and in place of the
    former ``vault_certificate`` where it is the vault's own; ``vault_stale``: versions still to be switched off.
    ``credential``: what the app proves itself with, a *secret*, a *certificate* or the app's managed *identity*.
    ``used_for``: features, with spaces between them.
    ``method``: *application*, *delegated* (in the name of one account) or *agents* (each signs in for themselves).
    ``ends_at``: when that ends, empty where it is not known. ``signed_in_at``: when its account did so last.
    ``environment``: where it works, ``*`` for everywhere. ``trouble``, ``trouble_code``, ``cure``: why it is not
    connected. ``found_lacks``: of what its cloud may lack, what was tried, as JSON. All times are ISO 8601 in UTC.
    """

    connection_id: str
    name: str
    tenant_id: str
    client_id: str
    cloud: str
    sealed_secret: str
    created_at: str
    used_for: str = "mail"
    method: str = "application"
    credential: str = "secret"
    thumbprint: str = ""
    ends_at: str = ""
    environment: str = PRODUCTION
    state: str = "connected"
    state_since: str = ""
    signed_in_at: str = ""
    found_lacks: str = ""
    trouble: str = ""
    trouble_code: str = ""
    cure: str = ""
    vault_secret: str = ""
    vault_certificate: str = ""
    vault_version: str = ""
    vault_stale: str = ""

    @property
    def features(self) -> frozenset[str]:
        """What it is used for, by the names of ``permissions.Feature``."""
        return frozenset(re.findall(r"[a-z-]+", self.used_for))

    @property
    def lacks(self) -> frozenset[Lack]:
        """What Graph cannot do in its cloud."""
        return lacks_of(self.cloud, json.loads(self.found_lacks or "{}"))

    def __repr__(self) -> str:
        """Everything but the secret, sealed as it is."""
        return f"Connection({self.connection_id}, {self.tenant_id}, {self.client_id}, {self.cloud}, {self.state})"


class _App(TypedDict):
    """An app registration, its proof opened."""

    tenant_id: str
    client_id: str
    secret: str
    cloud: str
    kind: Kind


def create(rt: Runtime, *, name: str, credential: Credential, **about: str) -> Connection:
    """Keep a new connection; the id is made from its name. ``about``: tenant_id, client_id, cloud, and what differs.

    Raises VaultRefused, VaultAway.
    """
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "connection"
    now = to_text(rt.clock.now())
    values = {**about, **_beginning(about.get("method", "")), "created_at": now, "state_since": now}
    for connection_id in (stem, f"{stem}-{secrets.token_hex(3)}"):
        if rt.tables[TABLE].find(PARTITION, connection_id):  # or the vault would hold two secrets under one name
            continue
        kept = safekeeping.keep(rt, connection_id, credential)
        connection = Connection(connection_id=connection_id, name=name, **values, **kept)
        try:
            rt.tables[TABLE].insert(Row(PARTITION, connection_id, asdict(connection)))
        except RowExists:
            continue
        return connection
    raise AssertionError("unreachable: two random ids were both taken")


def _beginning(method: str) -> dict[str, str]:
    """A connection that needs an account rests until one has signed in; that of agents is for their calendars."""
    if method != "delegated":
        return {"used_for": "calendar"} if method == AGENTS else {}
    nobody = nobody_signed_in()
    return {"state": "needs_sign_in", "trouble": nobody.cause, "trouble_code": nobody.code, "cure": nobody.cure}


def list_all(rt: Runtime) -> list[Connection]:
    """Every connection, by id."""
    return [fill(Connection, row) for row in rt.tables[TABLE].range(PARTITION)]


def get(rt: Runtime, connection_id: str, within: float = REMEMBERED_SECONDS) -> Connection:
    """The connection of this id, as it was at some moment ``within`` the last seconds; raises NotFound."""
    memory: dict[str, tuple[Connection, float]] = rt.memory.setdefault("connections", {})
    known = memory.get(connection_id)
    if known and rt.clock.steady() - known[1] < within:
        return known[0]
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    if row is None:
        raise missing(connection_id)
    memory[connection_id] = fill(Connection, row), rt.clock.steady()
    return memory[connection_id][0]


def missing(connection_id: str) -> NotFound:
    """What is said of a connection that is not there, and to who may not know that it is."""
    return NotFound(f"There is no connection {connection_id[:64]!r}.", "Look it up in the list of connections.")


def read(rt: Runtime, connection_id: str) -> tuple[Connection, Row]:
    """The connection as it is at this moment, with its row; raises NotFound."""
    forget(rt)
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    if row is None:
        raise missing(connection_id)
    return fill(Connection, row), row


def change(rt: Runtime, connection_id: str, **values: str) -> Connection:
    """Keep other values for a connection; raises NotFound."""
    read(rt, connection_id)
    rt.tables[TABLE].merge(Row(PARTITION, connection_id, dict(values)))
    return read(rt, connection_id)[0]


def change_credential(rt: Runtime, connection_id: str, credential: Credential) -> Connection:
    """Keep another credential for a connection; raises NotFound, VaultRefused, VaultAway."""
    read(rt, connection_id)
    columns = safekeeping.keep(rt, connection_id, credential)
    while True:
        before, row = read(rt, connection_id)
        stale = safekeeping.left_behind(before, columns)
        try:
            rt.tables[TABLE].merge(Row(PARTITION, connection_id, {**columns, "vault_stale": stale}, row.etag))
        except RowChanged:
            continue
        switch_off_stale(rt, connection_id)
        return read(rt, connection_id)[0]


def switch_off_stale(rt: Runtime, connection_id: str) -> None:
    """Switch off the versions of a secret that the connection has left behind, as far as the vault lets us."""
    found, row = read(rt, connection_id)
    if found.vault_stale and safekeeping.switch_off(rt, found.vault_stale):
        try:
            rt.tables[TABLE].merge(Row(PARTITION, connection_id, {"vault_stale": ""}, row.etag))
        except RowChanged:
            log.debug("connection.changed_meanwhile", connection_id=connection_id)


def follow_vault(rt: Runtime, before: Connection, renewed: Credential) -> None:
    """Let a connection go on with a version of its certificate that the vault has made, unless it was changed since."""
    found, row = read(rt, before.connection_id)
    if (found.vault_certificate, found.vault_version) == (before.vault_certificate, before.vault_version):
        columns = safekeeping.keep(rt, before.connection_id, renewed)
        rt.tables[TABLE].merge(Row(PARTITION, before.connection_id, columns, row.etag))
        forget(rt)


def note_lack(rt: Runtime, connection_id: str, lack: Lack, *, lacking: bool) -> None:
    """Keep whether its cloud turned out to lack something, if that is news; raises NotFound."""
    found = read(rt, connection_id)[0]
    if (lack in found.lacks) is not lacking:
        known = json.loads(found.found_lacks or "{}")
        change(rt, connection_id, found_lacks=json.dumps({**known, lack: lacking}))


def forget(rt: Runtime) -> None:
    """Read connections anew when they are needed next."""
    rt.memory.pop("connections", None)


def rests(rt: Runtime, connection_id: str, within: float = REMEMBERED_SECONDS) -> bool:
    """Whether no work of this connection may begin now, by what is known ``within`` seconds; raises NotFound."""
    found = get(rt, connection_id, within)
    return found.state != "connected" or is_elsewhere(rt, found)


def is_elsewhere(rt: Runtime, connection: Connection) -> bool:
    """Whether a connection is meant for another environment than this one."""
    return connection.environment not in ("*", rt.settings.environment)


def describe_elsewhere(rt: Runtime, connection: Connection) -> tuple[str, str]:
    """The cause and the cure where a connection is meant for another environment."""
    here, there = rt.settings.environment, connection.environment
    cause = f"It is meant for the environment {there!r}, and this one is {here!r}: nothing is done for it here."
    cure = (
        "In a copy of the data leave it so. If this is where it is to work, set its environment to this one's name, or "
        "mend the setting ENVIRONMENT."
    )
    return cause, cure


def graph_client(rt: Runtime, connection_id: str, within: float = REMEMBERED_SECONDS) -> GraphClient:
    """Microsoft Graph as this connection; raises NotFound, Misconfigured; SignInFailed or Conflict where it rests."""
    found = get(rt, connection_id, within)
    check_awake(found, f"The connection {connection_id}")
    return open_client(rt, found)


class _Resting(Protocol):
    """What may rest: a connection, or an agent of one."""

    @property
    def state(self) -> str: ...
    @property
    def trouble(self) -> str: ...
    @property
    def trouble_code(self) -> str: ...
    @property
    def cure(self) -> str: ...


def check_awake(found: _Resting, name: str) -> None:
    """Raise SignInFailed, in the words of then, where its sign-in is lost; Conflict where a person disconnected it."""
    if found.state == "needs_sign_in":
        failure = SignInFailed(found.trouble_code, found.trouble, found.cure)
        failure.cause = found.trouble
        raise failure
    if found.state == "disconnected":
        raise Conflict(f"{name} is disconnected.", "Connect it again.")


def open_client(rt: Runtime, connection: Connection) -> GraphClient:
    """Microsoft Graph as this connection, in whatever state it is; raises what ``client_for`` does."""
    client = client_for(rt, connection, _delegation(rt, connection))
    client.when_lost(connection.connection_id, partial(_lost, rt, connection))
    return client


def client_for(rt: Runtime, connection: Connection, delegation: Delegation | None) -> GraphClient:
    """Microsoft Graph as the app of this connection, or in the name of an account.

    Raises Misconfigured, VaultAway; SignInFailed where the vault refuses the secret, GraphBusy if it has another one.
    """
    try:
        app = _app_of(rt, connection)
    except SignInFailed as failure:
        raise (failure if _lost(rt, connection, failure) else sign_in_changed()) from failure
    return rt.graph.get(**app, delegation=delegation)


def newly_signed_in(rt: Runtime, connection: Connection, access_token: str) -> GraphClient:
    """Microsoft Graph as who has just signed in, before anything is kept of it; raises what ``authorization`` does."""
    return rt.graph.newly_signed_in(access_token, **_app_of(rt, connection))


def authorization(rt: Runtime, connection: Connection) -> Authorization:
    """What signs people in for this connection; raises Misconfigured, SignInFailed, VaultAway."""
    return rt.graph.authorization(**_app_of(rt, connection))


def _app_of(rt: Runtime, connection: Connection) -> _App:
    return {
        "tenant_id": connection.tenant_id,
        "client_id": connection.client_id,
        "secret": safekeeping.secret_of(rt, connection),
        "cloud": connection.cloud,
        "kind": cast("Kind", connection.credential),
    }


def _delegation(rt: Runtime, connection: Connection) -> Delegation | None:
    if connection.method != "delegated":
        return None
    from shared.connections.tokens import SealedTokens  # noqa: PLC0415 - it loads msal, which the webhook does not need
    from shared.graph.client import Delegation  # noqa: PLC0415 - the same

    name = connection.connection_id
    return Delegation(f"{name}/{connection.signed_in_at}", SealedTokens(rt, name), to_delegate(connection.features))


def signs_in_alike(rt: Runtime, one: Connection, other: Connection) -> bool:
    """Whether both sign in with the same proof, and in the name of the same sign-in of an account."""
    return (
        one.signed_in_at == other.signed_in_at
        and (one.tenant_id, one.client_id, one.credential) == (other.tenant_id, other.client_id, other.credential)
        and safekeeping.is_same(rt, one, other)
    )


def _lost(rt: Runtime, used: Connection, failure: SignInFailed) -> bool:
    from shared.connections import states  # noqa: PLC0415 - it works on what is kept here

    return states.lose(rt, used, failure)
