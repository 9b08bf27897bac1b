"""Connections: the tenants that this app signs in to, and the app registrations that it does so with."""

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.api import audit
from shared.api.credentials import GivenCredential, read_credential
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything
from shared.api.problems import documented
from shared.api.reach import Reach, Within
from shared.api.roles import Role, needs, sets_up
from shared.api.values import (
    Body,
    Environment,
    Guid,
    Input,
    Name,
    Output,
    SearchText,
    Slug,
    Time,
)
from shared.connections import store
from shared.connections.safekeeping import Credential
from shared.errors import BadInput, Forbidden
from shared.graph import directory, tenant_cloud
from shared.graph.clouds import LACKS, Lack, get_cloud
from shared.mail import mailboxes
from shared.runtime import Runtime
from shared.upkeep import watching

router = APIRouter(prefix="/connections", tags=["connections"])


UsedFor = Literal["mail", "mail-send", "directory", "licenses", "sign-ins", "followers"]
"""What a connection may be used for; which permissions that takes says `POST /connections/ID/test`. With `mail-send`
alone it only sends."""


class NewConnection(GivenCredential):
    """A tenant and an app registration, as Entra shows them."""

    name: Name
    tenant_id: Guid = Field(description="Directory (tenant) ID.")
    client_id: Guid = Field(description="Application (client) ID.")
    cloud: Literal["global", "usgov", "dod", "china", "local"] = "global"
    environment: Environment = Field(default=store.PRODUCTION, description="Where it works; * for everywhere.")
    method: Literal["application", "delegated", "agents"] = Field(
        default="application",
        description="`application`: the app acts for itself; `delegated`: in the name of one account that signs in; "
        "`agents`: for calendars, in the name of each agent, who signs in for themselves.",
    )
    used_for: list[UsedFor] = Field(
        default=["mail"],
        min_length=1,
        max_length=6,
        description="What its permissions are compared with, and what an account is asked to delegate; `mail-send` "
        "alone for one that only sends.",
    )

    @model_validator(mode="after")
    def _has_agents_for_calendars(self) -> "NewConnection":
        if self.method == "agents" and "used_for" in self.model_fields_set:
            raise PydanticCustomError("calendars", "Should be left out: agents sign in for their calendars")
        return self


class ConnectionChanges(Body):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    environment: Environment | None = None
    used_for: list[UsedFor] | None = Field(
        default=None, min_length=1, max_length=6, description="Of a connection with application permissions."
    )


def _in_words(lacks: Collection[Lack]) -> list[str]:
    return [LACKS[each] for each in sorted(lacks)]


class Connection(Output):
    """A connection as far as it may be shown: its secret never is."""

    connection_id: str
    name: str
    tenant_id: str
    client_id: str
    cloud: str
    used_for: str
    method: str
    created_at: Time
    credential: Literal["secret", "certificate", "identity"]
    thumbprint: str = Field(description="Of the certificate, SHA-1, as Entra shows it.")
    ends_at: Time = Field(description="When the secret or the certificate ends, if that is known.")
    vault_secret: str = Field(description="As what its secret lies in the app's key vault, if it does.")
    vault_certificate: str = Field(description="The vault's own certificate that it signs in with, if it does.")
    environment: str
    state: Literal["connected", "needs_sign_in", "disconnected"]
    state_since: Time
    trouble: str = Field(description="Why it is not connected.")
    cure: str

    lacks: Annotated[list[str], BeforeValidator(_in_words)] = Field(
        description="What Microsoft Graph cannot do in this cloud, and what follows from it."
    )


class DirectoryUser(Output):
    """A user of the tenant; ``address`` is null for one without a mailbox."""

    id: str
    name: str | None = None
    address: str | None = None
    user_principal_name: str | None = None


class UserSearch(Input):
    """Which users to list."""

    starts_with: SearchText | None = Field(default=None, description="How the name or the address begins.")
    limit: int = Field(default=50, ge=1, le=100)


@router.get("", openapi_extra=needs(Role.READER))
def list_connections(rt: Rt, reach: Within) -> Everything[Connection]:
    """List all connections that were given to you."""
    seen = [each for each in store.list_all(rt) if each.connection_id not in reach.hidden]
    return Everything(items=[Connection.model_validate(each) for each in seen])


@router.post("", status_code=201, openapi_extra=sets_up(), responses=documented(409, 502))
def create_connection(rt: Rt, caller: Admitted, reach: Within, new: NewConnection, response: Response) -> Connection:
    """Keep a new connection. Its secret goes into the key vault, or is sealed, and is never shown again."""
    get_cloud(new.cloud, rt.settings.local_cloud_url)
    _check_own_proof(rt, reach, new)
    credential = read_credential(rt, new)
    lives = rt.graph.find_cloud(new.tenant_id, new.cloud)
    if lives not in (None, new.cloud):
        raise BadInput("cloud", *tenant_cloud.describe(lives))
    values = new.model_dump(include={"name", "tenant_id", "client_id", "cloud", "environment", "method"})
    values["used_for"] = " ".join(dict.fromkeys(new.used_for))
    told = {**values, "credential": credential.kind}
    with audit.recorded(rt, caller, "connection.created", after=told) as record:
        made = Connection.model_validate(store.create(rt, **values, credential=credential))
        record.target = made.connection_id
    response.headers["Location"] = f"/api/v1/connections/{made.connection_id}"
    return made


def _check_own_proof(rt: Runtime, reach: Reach, new: NewConnection) -> None:
    """Refuse the app's own identity, or a certificate of its vault, for an app registration that was given to others.

    Both open whatever trusts them; so whoever names it would reach its tenant, and need not prove that they may.
    """
    beyond = reach.hidden | reach.read_only
    if not beyond or new.client_secret or new.certificate:
        return
    app = (new.tenant_id, new.client_id)
    if any((each.tenant_id, each.client_id) == app for each in store.list_all(rt) if each.connection_id in beyond):
        cause = "This app registration is not yours to sign in to by what belongs to the app itself."
        raise Forbidden(cause, "Give a secret or a certificate of the registration, or ask an administrator.")


@router.get("/{connection_id}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_connection(rt: Rt, connection_id: Slug) -> Connection:
    """Read one connection."""
    return Connection.model_validate(store.read(rt, connection_id)[0])


@router.patch("/{connection_id}", openapi_extra=sets_up(), responses=documented(404))
def change_connection(rt: Rt, caller: Admitted, connection_id: Slug, changes: ConnectionChanges) -> Connection:
    """Change a connection's name, where it works, or what it is used for."""
    before, wanted = store.read(rt, connection_id)[0], changes.model_dump(exclude_none=True)
    if changes.used_for:
        _check_use(before)
        wanted["used_for"] = " ".join(dict.fromkeys(changes.used_for))
    replaced = {name: getattr(before, name) for name in wanted}
    with audit.recorded(rt, caller, "connection.changed", connection_id, before=replaced, after=wanted):
        changed = store.change(rt, connection_id, **wanted) if wanted else before
        if changes.environment:
            mailboxes.outdate(rt, connection_id)  # also where it is so already: whoever changed it may have died
    return Connection.model_validate(changed)


def _check_use(connection: store.Connection) -> None:
    """An account was asked for what it delegates when it signed in: with another question it would have to again."""
    if connection.method != "application":
        cause = "What somebody signed in for stays as it is."
        raise BadInput("used_for", cause, "Make a connection of its own for anything else.")


@router.put("/{connection_id}/secret", openapi_extra=sets_up(), responses=documented(404, 502))
def change_connection_secret(rt: Rt, caller: Admitted, connection_id: Slug, new: GivenCredential) -> Connection:
    """Keep another credential for a connection; if it had lost its sign-in, all that waited is looked at."""
    found, credential = store.read(rt, connection_id)[0], read_credential(rt, new)
    before, after = _about_proof(found.credential, found), _about_proof(credential.kind, credential)
    with audit.recorded(rt, caller, "connection.secret_changed", connection_id, before=before, after=after):
        store.change_credential(rt, connection_id, credential)
    if store.read(rt, connection_id)[0].state == "needs_sign_in":
        watching.look_again(rt, connection_id)
    return Connection.model_validate(store.read(rt, connection_id)[0])


def _about_proof(kind: str, proof: store.Connection | Credential) -> dict[str, object]:
    """What the record of changes tells of a credential: all but the secret."""
    named = {"thumbprint": proof.thumbprint, "ends_at": proof.ends_at, "vault_certificate": proof.vault_certificate}
    return {"credential": kind, **named}


@router.post("/{connection_id}/disconnect", openapi_extra=sets_up(), responses=documented(404))
def disconnect_connection(rt: Rt, caller: Admitted, connection_id: Slug) -> Connection:
    """Let a connection rest until it is connected again: nothing of it is lost, nothing is done."""
    before, after = {"state": store.read(rt, connection_id)[0].state}, {"state": "disconnected"}
    with audit.recorded(rt, caller, "connection.disconnected", connection_id, before=before, after=after):
        watching.disconnect(rt, connection_id)
    return Connection.model_validate(store.read(rt, connection_id)[0])


@router.post("/{connection_id}/connect", openapi_extra=sets_up(), responses=documented(404))
def connect_connection(rt: Rt, caller: Admitted, connection_id: Slug) -> Connection:
    """Let a connection go on; all that waited is looked at."""
    before, after = {"state": store.read(rt, connection_id)[0].state}, {"state": "connected"}
    if before != after:
        with audit.recorded(rt, caller, "connection.connected", connection_id, before=before, after=after):
            watching.connect(rt, connection_id)
    return Connection.model_validate(store.read(rt, connection_id)[0])


@router.get("/{connection_id}/users", openapi_extra=sets_up(), responses=documented(404, 409, 502))
def list_connection_users(
    rt: Rt, connection_id: Slug, query: Annotated[UserSearch, Query()]
) -> Everything[DirectoryUser]:
    """List users of the tenant, to choose a mailbox among; needs the permission `User.Read.All`."""
    client = store.graph_client(rt, connection_id)
    found = directory.list_users(client, starts_with=query.starts_with or "", top=query.limit)
    return Everything(
        items=[
            DirectoryUser(
                id=each["id"],
                name=each.get("displayName"),
                address=each.get("mail"),
                user_principal_name=each.get("userPrincipalName"),
            )
            for each in sorted(found, key=lambda each: str(each.get("displayName") or "").casefold())
        ]
    )
