"""Connections: the tenants that this app signs in to, and the app registrations that it does so with."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shared.api import audit
from shared.api.given import Admitted, Rt
from shared.api.paging import Everything
from shared.api.problems import documented
from shared.api.values import Body, ClientSecret, Guid, Input, Name, Output, SearchText, Slug, Time
from shared.connections import store
from shared.errors import BadInput, DeskbridgeError, Misconfigured
from shared.graph import directory
from shared.graph.clouds import get_cloud
from shared.graph.errors import GraphBusy, GraphError, SignInFailed

router = APIRouter(prefix="/connections", tags=["connections"])


class NewConnection(Body):
    """A tenant and an app registration, as Entra shows them."""

    name: Name
    tenant_id: Guid = Field(description="Directory (tenant) ID.")
    client_id: Guid = Field(description="Application (client) ID.")
    client_secret: ClientSecret = Field(description="The *Value* of a client secret, not its Secret ID.")
    cloud: Literal["global", "usgov", "dod", "china", "local"] = "global"


class NewSecret(Body):
    """Another client secret for a connection."""

    client_secret: ClientSecret = Field(description="The *Value* of a client secret, not its Secret ID.")


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


class Trial(Output):
    """Whether a connection can sign in; where it cannot, why, and what to do about it."""

    ok: bool
    cause: str = ""
    cure: str = ""


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


@router.get("")
def list_connections(rt: Rt) -> Everything[Connection]:
    """List all connections."""
    return Everything(items=[Connection.model_validate(each) for each in store.list_all(rt)])


@router.post("", status_code=201, responses=documented(409))
def create_connection(rt: Rt, caller: Admitted, new: NewConnection, response: Response) -> Connection:
    """Keep a new connection. Its secret is sealed, and never shown again."""
    get_cloud(new.cloud, rt.settings.local_cloud_url)
    secret = _secret_value(new.client_secret.get_secret_value())
    values = new.model_dump(exclude={"client_secret"})
    made = Connection.model_validate(store.create(rt, **values, client_secret=secret))
    audit.note(caller, "connection.created", made.connection_id, after=values)
    response.headers["Location"] = f"/api/v1/connections/{made.connection_id}"
    return made


@router.get("/{connection_id}", responses=documented(404))
def get_connection(rt: Rt, connection_id: Slug) -> Connection:
    """Read one connection."""
    return Connection.model_validate(store.get(rt, connection_id))


@router.put("/{connection_id}/secret", responses=documented(404))
def change_connection_secret(rt: Rt, caller: Admitted, connection_id: Slug, new: NewSecret) -> Connection:
    """Keep another client secret for a connection."""
    secret = _secret_value(new.client_secret.get_secret_value())
    changed = store.change_secret(rt, connection_id, secret)
    audit.note(caller, "connection.secret_changed", connection_id)
    return Connection.model_validate(changed)


@router.post("/{connection_id}/test", responses=documented(404))
def test_connection(rt: Rt, connection_id: Slug) -> Trial:
    """Try to sign in anew."""
    store.get(rt, connection_id)
    try:
        store.graph_client(rt, connection_id).sign_in_anew()
    except (SignInFailed, GraphError, Misconfigured) as failure:
        return Trial(ok=False, cause=failure.cause, cure=_cure(failure))
    return Trial(ok=True)


@router.get("/{connection_id}/users", responses=documented(404, 409, 502))
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
            for each in found
        ]
    )


def _cure(failure: DeskbridgeError) -> str:
    if isinstance(failure, GraphBusy):
        return "Microsoft is busy or out of reach: try again soon."
    return failure.cure or "Check the tenant id, the client id and the secret in Entra."


def _secret_value(secret: str) -> str:
    """The secret, if it can be one; Entra shows its value only once, its id ever after."""
    if any(not char.isprintable() for char in secret):
        raise BadInput("client_secret", "The secret holds characters that no client secret has.", "Copy it again.")
    if len(secret) == 36 and secret.count("-") == 4:
        raise BadInput(
            "client_secret",
            "This looks like the Secret ID.",
            "Enter the Value, which Entra shows only when it is made.",
        )
    return secret
