"""What is kept of a connection, and the Graph client that it stands for. Its secret is sealed at rest.

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

from shared.clock import to_text
from shared.errors import Conflict, NotFound
from shared.graph.clouds import Lack, lacks_of
from shared.graph.errors import SignInFailed, nobody_signed_in
from shared.runtime import Runtime
from shared.storage.rows import Row, fill
from shared.storage.tables import RowExists

if TYPE_CHECKING:
    from shared.graph.authorization import Authorization
    from shared.graph.client import Delegation, GraphClient
    from shared.graph.proofs import Kind

TABLE = "Connections"
PRODUCTION = "production"
PARTITION = "connections"
PERMISSIONS = ("Mail.ReadWrite", "Mail.ReadWrite.Shared")
"""What an account is asked to delegate: its own mailbox, and those that it was given access to.
https://learn.microsoft.com/en-us/graph/permissions-reference"""
AGENTS = "agents"
"""The method of a connection for which each agent signs in for themselves."""
_REMEMBERED_SECONDS = 60


type ConnectionState = Literal["connected", "needs_sign_in", "disconnected"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant and an app registration. ``sealed_secret`` opens only with the app's key and for this connection.

    ``credential``: what the app proves itself with, a *secret*, a *certificate* or the app's managed *identity*.
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

    @property
    def lacks(self) -> frozenset[Lack]:
        """What Graph cannot do in its cloud."""
        return lacks_of(self.cloud, json.loads(self.found_lacks or "{}"))

    def __repr__(self) -> str:
        """Everything but the secret, sealed as it is."""
        return f"Connection({self.connection_id}, {self.tenant_id}, {self.client_id}, {self.cloud}, {self.state})"


def context_of(connection_id: str) -> str:
    """The context that the secret of a connection is sealed in."""
    return f"connection/{connection_id}"


class _App(TypedDict):
    """An app registration, its proof opened."""

    tenant_id: str
    client_id: str
    secret: str
    cloud: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Credential:
    """What an app proves itself with. ``secret``: the client secret, or key and certificate as one PEM text."""

    kind: Kind
    secret: str = ""
    thumbprint: str = ""
    ends_at: str = ""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Credential({self.kind}, {self.thumbprint}, {self.ends_at})"


def create(rt: Runtime, *, name: str, credential: Credential, **about: str) -> Connection:
    """Keep a new connection; the id is made from its name. ``about``: tenant_id, client_id, cloud, and what differs."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "connection"
    now = to_text(rt.clock.now())
    values = {**about, **_beginning(about.get("method", "")), "created_at": now, "state_since": now}
    for connection_id in (stem, f"{stem}-{secrets.token_hex(3)}"):
        kept = _kept(rt, connection_id, credential)
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


def _kept(rt: Runtime, connection_id: str, credential: Credential) -> dict[str, str]:
    """A credential as it is stored."""
    return {
        "credential": credential.kind,
        "sealed_secret": rt.keys.seal(credential.secret, context=context_of(connection_id)),
        "thumbprint": credential.thumbprint,
        "ends_at": credential.ends_at,
    }


def list_all(rt: Runtime) -> list[Connection]:
    """Every connection, by id."""
    return [fill(Connection, row) for row in rt.tables[TABLE].range(PARTITION)]


def get(rt: Runtime, connection_id: str) -> Connection:
    """The connection of this id, remembered for a minute; raises NotFound."""
    memory: dict[str, tuple[Connection, float]] = rt.memory.setdefault("connections", {})
    known = memory.get(connection_id)
    if known and known[1] > rt.clock.steady():
        return known[0]
    row = rt.tables[TABLE].find(PARTITION, connection_id)
    if row is None:
        raise missing(connection_id)
    memory[connection_id] = fill(Connection, row), rt.clock.steady() + _REMEMBERED_SECONDS
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
    """Keep another credential for a connection; raises NotFound."""
    return change(rt, connection_id, **_kept(rt, connection_id, credential))


def note_lack(rt: Runtime, connection_id: str, lack: Lack, *, lacking: bool) -> None:
    """Keep whether its cloud turned out to lack something, if that is news; raises NotFound."""
    found = read(rt, connection_id)[0]
    if (lack in found.lacks) is not lacking:
        known = json.loads(found.found_lacks or "{}")
        change(rt, connection_id, found_lacks=json.dumps({**known, lack: lacking}))


def forget(rt: Runtime) -> None:
    """Read connections anew when they are needed next."""
    rt.memory.pop("connections", None)


def rests(rt: Runtime, connection_id: str) -> bool:
    """Whether no work of this connection may begin now; raises NotFound."""
    found = get(rt, connection_id)
    return found.state != "connected" or found.environment not in ("*", rt.settings.environment)


def graph_client(rt: Runtime, connection_id: str) -> GraphClient:
    """Microsoft Graph as this connection; raises NotFound, Misconfigured; SignInFailed or Conflict where it rests."""
    found = get(rt, connection_id)
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
    """Microsoft Graph as this connection, in whatever state it is; raises Misconfigured."""
    client = client_for(rt, connection, _delegation(rt, connection))
    client.when_lost(connection.connection_id, partial(_lost, rt, connection))
    return client


def client_for(rt: Runtime, connection: Connection, delegation: Delegation | None) -> GraphClient:
    """Microsoft Graph as the app of this connection, or in the name of an account; raises Misconfigured."""
    return rt.graph.get(**_app_of(rt, connection), delegation=delegation)


def newly_signed_in(rt: Runtime, connection: Connection, access_token: str) -> GraphClient:
    """Microsoft Graph as who has just signed in, before anything is kept of it; raises Misconfigured."""
    return rt.graph.newly_signed_in(access_token, **_app_of(rt, connection))


def authorization(rt: Runtime, connection: Connection) -> Authorization:
    """What signs people in for this connection; raises Misconfigured."""
    return rt.graph.authorization(**_app_of(rt, connection))


def _app_of(rt: Runtime, connection: Connection) -> _App:
    secret = rt.keys.unseal(connection.sealed_secret, context=context_of(connection.connection_id))
    return {
        "tenant_id": connection.tenant_id,
        "client_id": connection.client_id,
        "secret": secret,
        "cloud": connection.cloud,
        "kind": cast("Kind", connection.credential),
    }


def _delegation(rt: Runtime, connection: Connection) -> Delegation | None:
    if connection.method != "delegated":
        return None
    from shared.connections.tokens import SealedTokens  # noqa: PLC0415 - it loads msal, which the webhook does not need
    from shared.graph.client import Delegation  # noqa: PLC0415 - the same

    name = connection.connection_id
    return Delegation(f"{name}/{connection.signed_in_at}", SealedTokens(rt, name), PERMISSIONS)


def signs_in_alike(rt: Runtime, one: Connection, other: Connection) -> bool:
    """Whether both sign in with the same proof, and in the name of the same sign-in of an account."""
    return one.signed_in_at == other.signed_in_at and _app_of(rt, one) == _app_of(rt, other)


def _lost(rt: Runtime, used: Connection, failure: SignInFailed) -> bool:
    from shared.connections import states  # noqa: PLC0415 - it works on what is kept here

    return states.lose(rt, used, failure)
